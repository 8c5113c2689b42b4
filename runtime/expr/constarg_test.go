package expr_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestConstantArguments wants an error at load for a constant with which every call fails, and none
// for its neighbours.
func TestConstantArguments(t *testing.T) {
	tests := []struct{ src, want string }{
		{`split(P.login, '')`, "split wants a separator that is not empty: len(x) counts the characters of x, and x[i:i+1] is one of them"},
		{`split(P.login, '', 2)`, "split wants a separator that is not empty"},
		{`split(P.login, ',', 1.5)`, "want a whole number, got one with a fraction"},
		{`let s = ''; split(P.login, s)`, "split wants a separator that is not empty"},
		{`split(P.login, empty)`, "split wants a separator that is not empty"},
		{`split(P.login, ',', 2.0)`, ""},
		{`split(P.login, ' ')`, ""},
		{`split('', P.login)`, ""},
		{`replace(P.login, '', '-')`, "replace wants a text to look for that is not empty: write new + x to put a text in front"},
		{`replace(P.login, '-', '')`, ""},
		{`padStart(P.login, 5, '')`, "padStart wants a filling that is not empty"},
		{`padEnd(P.login, 5, '')`, "padEnd wants a filling that is not empty"},
		{`padEnd(P.login, 5.5)`, "want a whole number, got one with a fraction"},
		{`padEnd(P.login, 5)`, ""},
		{`hmac('', P.login)`, "hmac wants a key that is not empty"},
		{`hmac(P.login, '')`, ""},
		{`addDays(now(), 0.5)`, "want a whole number, got one with a fraction"},
		{`addMonths(1.5, int(P.login))`, ""},
		{`P.login[:1.5]`, "want a whole number, got one with a fraction"},
		{`P.login[1.5:]`, "want a whole number, got one with a fraction"},
		{`len(P.login) in 1..2.5`, "want a whole number, got one with a fraction"},
		{`0.5..len(P.login)`, "want a whole number, got one with a fraction"},
		{`len(P.login) / 0`, "division by zero"},
		{`len(P.login) % 0`, "division by zero"},
		{`len(P.login) % 2.5`, "% wants whole numbers"},
		{`0 / len(P.login)`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			env := expr.NewEnv(options(t, hook.Registration))
			if err := env.Let("empty", `''`); err != nil {
				t.Fatal(err)
			}
			_, err := expr.Compile(strings.ReplaceAll(tt.src, "P.", "data.userProfile."), env)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestTrimWhiteSpace removes what Unicode calls white space, and nothing else.
func TestTrimWhiteSpace(t *testing.T) {
	w := newHarness(t, hook.Registration)
	const spaces = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
	for _, c := range spaces {
		if got, err := w.eval("trim(data.userProfile.s)", payloadOf(string(c)+"a"+string(c)+"b"+string(c))); err != nil || got != jsonText("a"+string(c)+"b") {
			t.Errorf("%U: got %s %v", c, got, err)
		}
	}
	for _, c := range "\u200b\ufeff\u180e_" {
		if got, err := w.eval("trim(data.userProfile.s)", payloadOf(string(c)+"a")); err != nil || got != jsonText(string(c)+"a") {
			t.Errorf("%U: got %s %v", c, got, err)
		}
	}
	if got, err := w.eval("trim(data.userProfile.s)", payloadOf(spaces)); err != nil || got != `""` {
		t.Errorf("nothing but white space: got %s %v", got, err)
	}
}

func jsonText(s string) string { return string(jsondoc.AppendString(nil, s)) }

func payloadOf(s string) string { return `{"data": {"userProfile": {"s": ` + jsonText(s) + `}}}` }
