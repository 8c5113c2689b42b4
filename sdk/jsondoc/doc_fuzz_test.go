package jsondoc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// jsonSeeds are the grammar's corners; the fuzzer finds its way from there.
var jsonSeeds = []string{
	`null`, ` [ true , false ] `, `{"a":{"b":[1,-2.5e+3,0.0]},"c":"d"}`, `"\u00e9\ud834\udd1e\n\"\\\/"`, `"\ud800"`, "\"\xff\"", `01`, `1.`, `-`,
	`{"a":1,"\u0061":2}`, `{"a":1,"b":2,"c":3,"d":4,"e":5,"e":6}`, `[[[[[[[[]]]]]]]]`, `{"`, "\ufeff{}", "\"a\tb\"", `{"0123456789abcdef":"0123456789abcdef"}`,
	`{"a":"a","b":"bb","c":"ccc","d":"dddd","e":"eeeee","f":"ffffff"}`, "[\"\u00e9\u20ac\U0001d11e\",\n\t{} ]", `[1e400,-0,123456789012345678901234567890]`,
}

const deep = 9_000 // below where the oracles stop

// FuzzDoc compares Doc with encoding/json: both accept the same texts with the same content, except
// texts that Doc rejects for a stated reason: duplicate members, and bytes or escapes that
// encoding/json would replace.
func FuzzDoc(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(seed))
	}
	f.Add(payload(f, "token"))
	f.Fuzz(func(t *testing.T, src []byte) {
		var d jsondoc.Doc
		err := d.Parse(src, jsondoc.Limits{Depth: deep})
		if valid := json.Valid(src); err != nil {
			lenient := errors.Is(err, jsondoc.ErrDuplicate) || errors.Is(err, jsondoc.ErrEncoding) || errors.Is(err, jsondoc.ErrDepth) || errors.Is(err, jsondoc.ErrSize)
			if valid && !lenient {
				t.Fatalf("%q: %v, but encoding/json reads it", src, err)
			}
			checkError(t, src, err)
			return
		} else if !valid {
			t.Fatalf("%q: accepted, but encoding/json does not read it", src)
		}
		decoder := json.NewDecoder(bytes.NewReader(src))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		checkTree(t, d.Root(), want)
	})
}

func checkError(t *testing.T, src []byte, err error) {
	t.Helper()
	syntax, ok := errors.AsType[*jsondoc.SyntaxError](err)
	if !ok || syntax.Offset < 0 || syntax.Offset > len(src) {
		t.Fatalf("%q: %v", src, err)
	}
	if line, col := syntax.Position(src); line < 1 || col < 1 {
		t.Fatalf("%q: %d:%d", src, line, col)
	}
}

// checkTree compares a node with encoding/json's value, and looks up every member and element.
func checkTree(t *testing.T, n jsondoc.Node, want any) {
	t.Helper()
	switch want := want.(type) {
	case nil:
		if n.Kind() != jsondoc.Null {
			t.Fatalf("%s is not null", n.Raw())
		}
	case bool:
		if n.Bool() != want || n.Kind() != jsondoc.True && n.Kind() != jsondoc.False {
			t.Fatalf("%s is not %v", n.Raw(), want)
		}
	case string:
		if n.Kind() != jsondoc.String || n.Text() != want {
			t.Fatalf("%s is not %q", n.Raw(), want)
		}
	case json.Number:
		checkNumber(t, n, want)
	case []any:
		i := 0
		for e := range n.Elements() {
			if n.At(i) != e {
				t.Fatalf("element %d of %s is another", i, n.Raw())
			}
			checkTree(t, e, want[i])
			i++
		}
		if n.Kind() != jsondoc.Array || n.Len() != len(want) || i != len(want) {
			t.Fatalf("%s has not %d elements", n.Raw(), len(want))
		}
	case map[string]any:
		i := 0
		for name, m := range n.Members() {
			if n.Get(name) != m {
				t.Fatalf("member %q of %s is another", name, n.Raw())
			}
			checkTree(t, m, want[name])
			i++
		}
		if n.Kind() != jsondoc.Object || n.Len() != len(want) || i != len(want) {
			t.Fatalf("%s has not %d members", n.Raw(), len(want))
		}
	}
}

func checkNumber(t *testing.T, n jsondoc.Node, want json.Number) {
	t.Helper()
	if n.Kind() != jsondoc.Number || string(n.Raw()) != want.String() {
		t.Fatalf("%s is not %s", n.Raw(), want)
	}
	v, ok := n.Int()
	if w, err := want.Int64(); ok != (err == nil) || ok && v != w {
		t.Fatalf("%s is %d, %v", want, v, ok)
	}
	if w, _ := want.Float64(); n.Float() != w {
		t.Fatalf("%s is %v", want, n.Float())
	}
}

// FuzzDocStrict compares Doc with jsontext, which is as strict: they accept and reject the same
// texts.
func FuzzDocStrict(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(seed))
	}
	f.Add(payload(f, "registration"))
	f.Fuzz(func(t *testing.T, src []byte) {
		var d jsondoc.Doc
		err := d.Parse(src, jsondoc.Limits{Depth: deep})
		if errors.Is(err, jsondoc.ErrDepth) || errors.Is(err, jsondoc.ErrSize) {
			return
		}
		if want := strict(src); (err == nil) != (want == nil) {
			t.Fatalf("%q: %v, but jsontext says %v", src, err, want)
		}
		if err == nil && !utf8.Valid(src) {
			t.Fatalf("%q is not UTF-8", src)
		}
	})
}

// strict reads exactly one value with jsontext.
func strict(src []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(src))
	if _, err := decoder.ReadValue(); err != nil {
		return err
	}
	if _, err := decoder.ReadToken(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// FuzzEqual checks that Equal is reflexive, symmetric, and unchanged by a round trip through
// encoding/json.
func FuzzEqual(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(seed), []byte(` [1.0, 10e-1, {"a":1,"b":2}] `))
	}
	f.Add([]byte(`1e2`), []byte(`100.0`))
	f.Add([]byte(`{"a":1,"b":[]}`), []byte(`{"b":[],"a":1e0}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var d, e jsondoc.Doc
		if d.Parse(a, jsondoc.Limits{}) != nil || e.Parse(b, jsondoc.Limits{}) != nil {
			return
		}
		x, y := d.Root(), e.Root()
		if !jsondoc.Equal(x, x) || !jsondoc.Equal(y, y) || jsondoc.Equal(x, y) != jsondoc.Equal(y, x) {
			t.Fatalf("%s and %s", a, b)
		}
		if x.Kind() == jsondoc.Number && y.Kind() == jsondoc.Number && jsondoc.Equal(x, y) && x.Float() != y.Float() {
			t.Fatalf("%s is not %s", a, b)
		}
	})
}
