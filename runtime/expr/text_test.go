package expr_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestText(t *testing.T) {
	const payload = `{"data": {"userProfile": {"name": "Ann \"A\" Lee", "age": 41, "list": ["a", 1], "ok": true}}}`
	tests := []struct{ name, src, json, text string }{
		{"plain", `plain "text"`, `"plain \"text\""`, `plain "text"`},
		{"empty", ``, `""`, ``},
		{"whole number", `${data.userProfile.age}`, `41`, `41`},
		{"whole list", `${data.userProfile.list}`, `["a", 1]`, `["a", 1]`},
		{"whole text", `${data.userProfile.name}`, `"Ann \"A\" Lee"`, `Ann "A" Lee`},
		{"whole null", `${data.userProfile.gone}`, `null`, ``},
		{"in text", `Hello ${data.userProfile.name}, ${data.userProfile.age + 1}!`, `"Hello Ann \"A\" Lee, 42!"`, `Hello Ann "A" Lee, 42!`},
		{"list in text", `x ${data.userProfile.list}`, `"x [\"a\", 1]"`, `x ["a", 1]`},
		{"boolean in text", `x ${data.userProfile.ok}`, `"x true"`, `x true`},
		{"null in text", `x ${data.userProfile.gone} y`, `null`, `x  y`},
		{"two holes", `${data.userProfile.age}${data.userProfile.age}`, `"4141"`, `4141`},
		{"blank beside a hole", ` ${data.userProfile.age}`, `" 41"`, ` 41`},
		{"escaped", `a $${b} ${1}`, `"a ${b} 1"`, `a ${b} 1`},
		{"only escaped", `$${1 + 1}`, `"${1 + 1}"`, `${1 + 1}`},
		{"dollar", `5$ and $x {y} }`, `"5$ and $x {y} }"`, `5$ and $x {y} }`},
		{"braces in a hole", `${ {"a": {"b": "}"}}.a.b }`, `"}"`, `}`},
		{"braces in strings", "${'}' + \"}\\\"}\" + `}`} end", `"}}\"}} end"`, `}}"}} end`},
		{"predicate braces", `${any([1], {# == 1})}`, `true`, `true`},
		{"comment in a hole", "${1 /* } */ + 1}", `2`, `2`},
		{"control characters", "a\tb\u0001 ${\"\\n\"}", `"a\tb\u0001 \n"`, "a\tb\u0001 \n"},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leaf, err := expr.CompileText(tt.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			r := w.begin(payload, runtime.Budget{})
			out, null, err := leaf.AppendJSON([]byte(nil), r)
			if null {
				out = append(out, "null"...)
			}
			if err != nil || string(out) != tt.json || !json.Valid(out) {
				t.Errorf("JSON: got %s %v, want %s", out, err, tt.json)
			}
			if text, err := leaf.AppendText(nil, r); err != nil || string(text) != tt.text {
				t.Errorf("text: got %s %v, want %s", text, err, tt.text)
			}
			var said string
			quoted, err := leaf.AppendString([]byte(nil), r)
			if wrong := json.Unmarshal(quoted, &said); err != nil || wrong != nil || said != tt.text {
				t.Errorf("string: got %s %v, want %s", quoted, err, tt.text)
			}
		})
	}
}

func TestTextMistakes(t *testing.T) {
	tests := []struct {
		src  string
		want []string
	}{
		{"a ${", []string{"1:3: the ${ is not closed: want }, or $${ for a plain ${"}},
		{"a ${ '}", []string{"1:3: the ${ is not closed: want }, or $${ for a plain ${"}},
		{"${}", []string{"1:3: want an expression, got nothing"}},
		{"ü ${dat.x}\n${eventTyp} and ${1 +}", []string{"1:5: unknown name dat, did you mean data?",
			"2:3: unknown name eventTyp, did you mean eventType?", "2:21: the expression ends too soon"}},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			_, err := expr.CompileText(tt.src, w.env)
			if got := lines(err); len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			} else {
				for i := range got {
					if got[i] != tt.want[i] {
						t.Errorf("got %q, want %q", got[i], tt.want[i])
					}
				}
			}
		})
	}
}

func TestTextWhole(t *testing.T) {
	w := newHarness(t, hook.Registration)
	whole, err := expr.CompileText("${1 + 1}", w.env)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := whole.Literal(); ok || whole.Whole() == nil {
		t.Error("a leaf that is one hole is not whole")
	}
	if v, ok := whole.Whole().Constant(); !ok || v.Int() != 2 {
		t.Errorf("1 + 1 is not computed beforehand: %v %v", v, ok)
	}
	plain, err := expr.CompileText("$${1}", w.env)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := plain.Literal(); !ok || s != "${1}" || plain.Whole() != nil {
		t.Errorf("got %q %v", s, ok)
	}
}

func TestErrOutput(t *testing.T) {
	w := newHarness(t, hook.Registration)
	for _, src := range []string{`${data.userProfile}`, `x ${data.userProfile.name} y`, `long enough ${1}`, `${[1, 2, 3, 4, 5]}`} {
		leaf, err := expr.CompileText(src, w.env)
		if err != nil {
			t.Fatal(err)
		}
		r := w.begin(`{"data": {"userProfile": {"name": "Ann Lee"}}}`, runtime.Budget{Output: 8})
		if out, _, err := leaf.AppendJSON(nil, r); !errors.Is(err, runtime.ErrOutput) || len(out) != 0 {
			t.Errorf("%s: got %s %v, want ErrOutput", src, out, err)
		}
	}
}

func BenchmarkText(b *testing.B) {
	w := newHarness(b, hook.Registration)
	leaf, err := expr.CompileText(`${data.userProfile.firstName} ${data.userProfile.lastName} <${lower(data.userProfile.email)}>`, w.env)
	if err != nil {
		b.Fatal(err)
	}
	r := w.begin(`{"data": {"userProfile": {"firstName": "Ann", "lastName": "Lee", "email": "Ann.Lee@Example.com"}}}`, runtime.Budget{})
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		w.m.Start(runtime.Budget{}, r.Now, r.Event.Call.Deadline)
		r.Begin(r.Event, r.Now, &w.m)
		if out, _, err = leaf.AppendJSON(out[:0], r); err != nil {
			b.Fatal(err)
		}
	}
}
