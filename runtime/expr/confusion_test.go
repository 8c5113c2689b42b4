package expr_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestConfusion: a denial must not come out false because a payload has a list or an object in the
// place of a text.
func TestConfusion(t *testing.T) {
	const fails = "fails"
	tests := []struct{ src, country, want string }{
		{`data.userProfile.c == "IR"`, `"IR"`, `true`},
		{`data.userProfile.c == "IR"`, `"US"`, `false`},
		{`data.userProfile.c == "IR"`, `1`, `false`},
		{`data.userProfile.c == "IR"`, `true`, `false`},
		{`data.userProfile.c == "IR"`, `null`, `false`},
		{`data.userProfile.c == "IR"`, `["IR"]`, fails},
		{`data.userProfile.c == "IR"`, `[]`, fails},
		{`data.userProfile.c == "IR"`, `{"x": "IR"}`, fails},
		{`"IR" == data.userProfile.c`, `["IR"]`, fails},
		{`data.userProfile.c != "IR"`, `["IR"]`, fails},
		{`data.userProfile.c != "IR"`, `5`, `true`},
		{`not (data.userProfile.c == "IR")`, `["IR"]`, fails},
		{`data.userProfile.c == eventType`, `["e"]`, fails},
		{`data.userProfile.c == eventType`, `1`, `false`},
		{`data.userProfile.c == eventType`, `"e"`, `true`},
		{`data.userProfile.c == 7`, `[7]`, fails},
		{`data.userProfile.c == 7`, `"7"`, `false`},
		{`data.userProfile.c == true`, `[true]`, fails},
		{`data.userProfile.c == ["IR"]`, `["IR"]`, `true`},
		{`data.userProfile.c == ["IR"]`, `[["IR"]]`, `false`},
		{`data.userProfile.c == ["IR"]`, `"IR"`, fails},
		{`data.userProfile.c == ["IR"]`, `{"0": "IR"}`, fails},
		{`data.userProfile.c == {"x": 1}`, `{"x": 1}`, `true`},
		{`data.userProfile.c == {"x": 1}`, `{"x": [1]}`, `false`},
		{`data.userProfile.c == {"x": 1}`, `[1]`, fails},
		{`data.userProfile.c == nil`, `[1]`, `false`},
		{`data.userProfile.c in ["IR", "KP"]`, `"IR"`, `true`},
		{`data.userProfile.c in ["IR", "KP"]`, `3`, `false`},
		{`data.userProfile.c in ["IR", "KP"]`, `true`, `false`},
		{`data.userProfile.c in ["IR", "KP"]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", "KP"]`, `{}`, fails},
		{`data.userProfile.c not in ["IR", "KP"]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", 3]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", true]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", eventType]`, `["IR"]`, fails},
		{`data.userProfile.c in vars.domains`, `["a.example"]`, fails},
		{`data.userProfile.c in data.userProfile.in`, `["IR"]`, fails},
		{`data.userProfile.c in data.userProfile.in`, `"IR"`, `true`},
		{`data.userProfile.c in {"IR": 1}`, `["IR"]`, fails},
		{`data.userProfile.c in {"IR": 1}`, `{"IR": 1}`, fails},
		{`data.userProfile.c in {"IR": 1}`, `3`, `false`},
		{`data.userProfile.c in tables.banned`, `["7"]`, fails},
		{`data.userProfile.c in tables.banned`, `{}`, fails},
		{`data.userProfile.c in 1..9`, `5`, `true`},
		{`data.userProfile.c in 1..9`, `"5"`, `false`},
		{`data.userProfile.c in 1..9`, `[5]`, fails},
		{`data.userProfile.c in [["IR"], ["KP"]]`, `["KP"]`, `true`},
		{`data.userProfile.c in [["IR"], ["KP"]]`, `"KP"`, fails},
		{`data.userProfile.c in [["IR"], "KP"]`, `["IR"]`, `true`},
		{`data.userProfile.c in [["IR"], "KP"]`, `["US"]`, fails},
		{`"IR" in data.userProfile.c`, `["US", 1, null, "IR"]`, `true`},
		{`"IR" in data.userProfile.c`, `["US", 1, null, true]`, `false`},
		{`"IR" in data.userProfile.c`, `[["US"], "IR"]`, `true`},
		{`"IR" in data.userProfile.c`, `["US", ["IR"]]`, fails},
		{`"IR" in data.userProfile.c`, `[{"x": "IR"}, "US"]`, fails},
		{`7 in data.userProfile.c`, `[[7], 8]`, fails},
		{`7 in data.userProfile.c`, `[[7], 7]`, `true`},
		{`any(data.userProfile.c, # == "IR")`, `["US", ["IR"]]`, fails},
		{`any(data.userProfile.c, # == "IR")`, `["IR", ["IR"]]`, `true`},
		{`let c = data.userProfile.c; c == "IR"`, `["IR"]`, fails},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src+" "+tt.country, func(t *testing.T) {
			payload := fmt.Sprintf(`{"eventType": "e", "data": {"userProfile": {"c": %s, "in": ["IR"]}}}`, tt.country)
			got, err := w.eval(tt.src, payload)
			if errors.Is(err, runtime.ErrValue) {
				got, err = fails, nil
			}
			if err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
			x, err := expr.Compile(tt.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			if yes, missing, err := x.Match(w.begin(payload, runtime.Budget{})); (err != nil) != (tt.want == fails) || err == nil && yes != (tt.want == "true") {
				t.Errorf("as a condition: %v %v %v, want %s", yes, missing, err, tt.want)
			}
		})
	}
}

// TestLongNumber: 5 can be written in any length. A number that is too long to parse must not count
// as unequal to 5; a module would parse it.
func TestLongNumber(t *testing.T) {
	long := "5." + strings.Repeat("0", 600)
	fails := []string{
		`c == 5`, `c != 5`, `c == 5.5`, `5 == c`, `c == d`, `c != d`, `c in [5, 6]`, `c not in [5, 6]`, `c in [5, true]`, `5 in [c]`, `5 in l`,
		`c in 1..9`, `c > 4`, `c < 4`, `4 < c`, `c >= d`, `[c] == [5]`, `l == [4, 5]`, `{'a': c} == {'a': 5}`, `any(l, # == 5)`, `count(l, # == 5) == 0`,
		`uniq(l) == l`, `max(c, 1) == 5`, `max(l) == 5`, `sum(l) > 0`, `sort(l)[0] == 4`, `int(c) == 5`, `float(c) == 5.0`, `abs(c) == 5`, `-c == -5`, `c + 0 == 5`,
		`round(c) == 5`, `toJSON(-c) == ''`, `toJSON(abs(c)) == ''`, `string(float(c)) == ''`,
		`c in tables.banned`, `c not in tables.banned`, `tables.rows[c].member == 'one'`,
	}
	compares := map[string]string{
		`c == "5"`: "false", `c in ["5"]`: "false", `c == nil`: "false", `4 in l`: "true", `4 in r`: "true", `len(l)`: "2", `len(toJSON(c)) > 512`: "true",
	}
	w := newHarness(t, hook.Registration)
	for _, src := range fails {
		compares[src] = "fails"
	}
	payload := fmt.Sprintf(`{"data": {"userProfile": {"c": %s, "d": %[1]s, "l": [4, %[1]s], "r": [%[1]s, 4]}}}`, long)
	for src, want := range compares {
		t.Run(src, func(t *testing.T) {
			got, err := w.eval("let c = data.userProfile.c; let d = data.userProfile.d; let l = data.userProfile.l; let r = data.userProfile.r; "+src, payload)
			if errors.Is(err, runtime.ErrValue) {
				got, err = "fails", nil
			}
			if err != nil || got != want {
				t.Errorf("got %s %v, want %s", got, err, want)
			}
		})
	}
}

// TestInfinite: numbers beyond float64 are compared by their digits and never computed with.
func TestInfinite(t *testing.T) {
	tests := []struct{ src, c, d, want string }{
		{"c == d", "1e400", "1e400", "true"},
		{"c == d", "1e400", "10E+399", "true"},
		{"c == d", "1e400", "1e401", "false"},
		{"c == d", "1e400", "-1e400", "false"},
		{"c != d", "1e400", "2e400", "true"},
		{"c > d", "1e400", "1e308", "true"},
		{"c == d", "18446744073709551616", "18446744073709551617", "false"},
		{"c == d", "18446744073709551616", "18446744073709551616", "true"},
		{"c == d", "9007199254740993", "9007199254740992", "false"},
		{"c == d", "9007199254740993", "9007199254740993.0", "true"},
		{"c == d", "9007199254740993.0", "9007199254740992", "false"},
		{"c == d", "9007199254740993.0", "9007199254740993e0", "true"},
		{"c == d", "90071992547409930e-1", "9007199254740993", "true"},
		{"c == 9007199254740993.0", "9007199254740993", "0", "true"},
		{"c == 9007199254740992.0", "9007199254740993", "0", "false"},
		{"9_007_199_254_740_993e0 == 9007199254740993.0 and 9007199254740993 == 9007199254740993.0", "0", "0", "true"},
		{"9007199254740993 != 9007199254740993.0", "0", "0", "false"},
		{"c < d", "9007199254740992.0", "9007199254740993", "true"},
		{"c in [9007199254740993]", "9007199254740993.0", "0", "true"},
		{"c == d", "12345678901234567890", "12345678901234567890.0", "true"},
		{"c == d", "12345678901234567891", "12345678901234567890.0", "false"},
		{"c == d", "-9223372036854775808", "-9.223372036854775808e18", "true"},
		{"c == d", "1.5e400", "15e399", "true"},
		{"c == 5", "5e0", "0", "true"},
		{"c == 0", "-0", "0", "true"},
		{"-c == d", "1e400", "0", "fails"},
		{"abs(c) == d", "-1e400", "0", "fails"},
		{"float(c) == d", "1e400", "1e400", "fails"},
		{"c - d == 0", "1e400", "1e400", "fails"},
		{"toJSON(c) == '1e400'", "1e400", "0", "true"},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src+" "+tt.c+" "+tt.d, func(t *testing.T) {
			payload := fmt.Sprintf(`{"data": {"userProfile": {"c": %s, "d": %s}}}`, tt.c, tt.d)
			got, err := w.eval("let c = data.userProfile.c; let d = data.userProfile.d; "+tt.src, payload)
			if errors.Is(err, runtime.ErrValue) {
				got, err = "fails", nil
			}
			if err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
}

// TestNumberKey: a table with the text 7 has 7 in any notation.
func TestNumberKey(t *testing.T) {
	tests := []struct{ src, c, want string }{
		{"c in tables.banned", "7", "true"},
		{"c in tables.banned", "7.0", "true"},
		{"c in tables.banned", "7e0", "true"},
		{"c in tables.banned", "0.7E+1", "true"},
		{"c in tables.banned", `"7"`, "true"},
		{"c in tables.banned", `"7.0"`, "false"},
		{"c in tables.banned", "7.5", "false"},
		{"c in tables.banned", "-7", "false"},
		{"c in tables.banned", "1e400", "false"},
		{"c in tables.banned", "7" + strings.Repeat("0", 400), "false"},
		{"tables.rows[c].member", "1.0", `"one"`},
		{"tables.rows[c].member", "1e-0", `"one"`},
		{"tables.rows[c].member", "-1", "null"},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src+" "+tt.c, func(t *testing.T) {
			got, err := w.eval("let c = data.userProfile.c; "+tt.src, fmt.Sprintf(`{"data": {"userProfile": {"c": %s}}}`, tt.c))
			if err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
}

// TestNumberText: numbers that are equal give the same text, whatever notation a caller chose.
func TestNumberText(t *testing.T) {
	tests := []struct{ number, want string }{
		{"1", "1"}, {"1.0", "1"}, {"1e0", "1"}, {"10e-1", "1"}, {"0.1E+1", "1"}, {"1.00000000000000000000000001", "1"}, {"-1.0", "-1"},
		{"0", "0"}, {"-0", "0"}, {"-0.0", "0"}, {"0e5", "0"}, {"1e-400", "0"}, {"0.50", "0.5"}, {"5e-1", "0.5"}, {"1e3", "1000"}, {"1e-7", "1e-07"},
		{"9007199254740993", "9007199254740993"}, {"9007199254740993.0", "9007199254740993"}, {"9.007199254740993e15", "9007199254740993"},
		{"12345678901234567890", "12345678901234567890"}, {"12345678901234567890.0", "12345678901234567890"}, {"1234567890123456789e1", "12345678901234567890"},
		{"1e400", "1e+400"}, {"10.0E399", "1e+400"}, {"-15e399", "-1.5e+400"}, {"1e40", "1e+40"}, {"1" + strings.Repeat("0", 40), "1e+40"}, {"1e39", "1" + strings.Repeat("0", 39)},
		{"1." + strings.Repeat("0", 600), "fails"},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.40s", tt.number), func(t *testing.T) {
			payload := fmt.Sprintf(`{"data": {"userProfile": {"c": %s}}}`, tt.number)
			for _, src := range []string{"string(data.userProfile.c)", "join([data.userProfile.c])"} {
				got, err := w.eval(src, payload)
				if errors.Is(err, runtime.ErrValue) {
					got, err = `"fails"`, nil
				}
				if err != nil || got != strconv.Quote(tt.want) {
					t.Errorf("%s: got %s %v, want %s", src, got, err, tt.want)
				}
			}
			leaf, err := expr.CompileText("=${data.userProfile.c}", w.env)
			if err != nil {
				t.Fatal(err)
			}
			want := "=" + tt.want
			if tt.want == "fails" { // too long to be read, and passed on
				want = "=" + tt.number
			}
			if got, err := leaf.AppendText(nil, w.begin(payload, runtime.Budget{})); err != nil || string(got) != want {
				t.Errorf("text: got %s %v, want %s", got, err, want)
			}
			if got, err := leaf.AppendString(nil, w.begin(payload, runtime.Budget{})); err != nil || string(got) != strconv.Quote(want) {
				t.Errorf("JSON text: got %s %v, want %s", got, err, want)
			}
		})
	}
}
