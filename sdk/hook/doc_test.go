package hook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// root reads a text that must be accepted.
func root(tb testing.TB, text string) hook.Node {
	tb.Helper()
	d := new(hook.Doc)
	if err := d.Parse([]byte(text), hook.Limits{}); err != nil {
		tb.Fatalf("%.80q: %v", text, err)
	}
	return d.Root()
}

func TestParseAccepts(t *testing.T) {
	tests := map[string][]string{
		"scalars":   {`null`, `true`, `false`, `0`, `""`, `"a"`, `-1`, `12`},
		"numbers":   {`-0`, `0.0`, `-0.0`, `0e0`, `0E+0`, `0e-0`, `1.5`, `10`, `1e5`, `1E5`, `1e+5`, `1e-5`, `0.1e1`, `123456789012345678901234567890`, `1e400`, `-1e-400`, `1e99999999999999999999`, `0.00000000000000000000000000000000000000001`, `[-1]`, `[1,2.50,-3e2]`},
		"strings":   {`"\""`, `"\\"`, `"\/"`, `"/"`, `"\b\f\n\r\t"`, `"\u0000"`, `"\u001f"`, `"\u0041"`, `"\u00e9"`, `"\uABCD"`, `"\uabcd"`, `"\uFFFF"`, `"\uffFe"`, `"\uD834\uDD1E"`, `"\ud834\udd1e"`, `"\udbff\udfff"`, `"\ud800\udc00"`, `"\\u0041"`, `"\\\\"`, `"\\\""`, "\"\x7f\"", `"` + "\u00e9" + `"`, "\"\u20ac\"", "\"\U0001d11e\"", "\"\U0010ffff\"", "\"\u2028\u2029\"", "\"\ufeff\"", "\"\ufffd\"", "\"\u0080\"", "\"a\u00e9\\n\u00e9\"", `" "`, `"a b"`, `"'"`, `"// not a comment"`, `"{[,:]}"`, `"null"`},
		"lengths":   {`"0123456"`, `"01234567"`, `"012345678"`, `"0123456789abcde"`, `"0123456789abcdef"`, `"0123456789abcdef0"`, `{"0123456":1,"b":2}`, `{"01234567":1,"b":2}`, `{"012345678":1,"b":2}`, `{"0123456789abcde":1,"b":22222}`, `{"0123456789abcdef":1,"b":22222}`, `{"0123456789abcdef0":1,"b":22222}`},
		"arrays":    {`[]`, `[ ]`, `[[]]`, `[[],[]]`, `[1]`, `[1,2]`, `[null,true,false]`, `[[[[[[]]]]]]`, `["",[],{}]`, `[{}]`},
		"objects":   {`{}`, `{ }`, `{"a":1}`, `{"a":{}}`, `{"":0}`, `{"a":1,"b":2}`, `{"a":1,"A":2}`, `{"a":{"a":{"a":1}}}`, `[{"a":1},{"a":2}]`, `{"a":[{"a":1},{"a":2}]}`, `{"\u0061":1,"b":2}`, `{"a\u0000":1,"a":2}`, `{"a ":1,"a":2}`, "{\"\u00e9\":1,\"e\u0301\":2}", `{"a":1,"b":2,"c":3,"d":4,"e":5}`, `{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6}`},
		"space":     {" 1", "1 ", "\t1", "\n1\n", "\r\n1\r\n", " [ 1 , 2 ] ", "{ \"a\" : 1 , \"b\" : [ ] }", "[\n]", "{\n}", "\t{\r\n\"a\"\t:\n1}"},
		"ends":      {`[1e5]`, `[0]`, `{"a":0}`, `[true]`, `[null]`, `[false]`, `[""]`, `{"a":""}`},
		"long ends": {`{"a":"` + strings.Repeat("x", 100) + `"}`, `["` + strings.Repeat("\\n", 100) + `"]`, `["` + strings.Repeat("é", 100) + `"]`},
	}
	for name, texts := range tests {
		t.Run(name, func(t *testing.T) {
			for _, text := range texts {
				if raw := root(t, text).Raw(); string(raw) != strings.Trim(text, " \t\r\n") {
					t.Errorf("%q became %q", text, raw)
				}
			}
		})
	}
}

// refused is a text, where Parse must stop in it, and why.
type refused struct {
	text   string
	offset int
	err    error
}

func TestParseRefuses(t *testing.T) {
	const lone = "\xed\xa0\x80" // a surrogate in UTF-8's clothes
	tests := map[string][]refused{
		"nothing": {
			{"", 0, hook.ErrSyntax}, {" ", 1, hook.ErrSyntax}, {"\n\n", 2, hook.ErrSyntax}, {"\x00", 0, hook.ErrSyntax},
		},
		"more than one": {
			{"1 2", 2, hook.ErrSyntax}, {"{}{}", 2, hook.ErrSyntax}, {"[]]", 2, hook.ErrSyntax}, {"{}}", 2, hook.ErrSyntax},
			{"1,", 1, hook.ErrSyntax}, {`"" ""`, 3, hook.ErrSyntax}, {"true false", 5, hook.ErrSyntax}, {"nulll", 4, hook.ErrSyntax},
			{"[1]x", 3, hook.ErrSyntax}, {"{}#", 2, hook.ErrSyntax}, {"{} //", 3, hook.ErrSyntax}, {"1\x00", 1, hook.ErrSyntax}, {"1:2", 1, hook.ErrSyntax},
		},
		"not a value": {
			{"nul", 0, hook.ErrSyntax}, {"tru", 0, hook.ErrSyntax}, {"fals", 0, hook.ErrSyntax}, {"True", 0, hook.ErrSyntax}, {"NULL", 0, hook.ErrSyntax},
			{"nan", 0, hook.ErrSyntax}, {"NaN", 0, hook.ErrSyntax}, {"Infinity", 0, hook.ErrSyntax}, {"undefined", 0, hook.ErrSyntax},
			{"'a'", 0, hook.ErrSyntax}, {"a", 0, hook.ErrSyntax}, {"`a`", 0, hook.ErrSyntax}, {"\\n", 0, hook.ErrSyntax}, {"\\u0022\"", 0, hook.ErrSyntax},
			{"/**/1", 0, hook.ErrSyntax}, {"]", 0, hook.ErrSyntax}, {"}", 0, hook.ErrSyntax}, {",", 0, hook.ErrSyntax}, {":", 0, hook.ErrSyntax},
			{"\v1", 0, hook.ErrSyntax}, {"\f1", 0, hook.ErrSyntax}, {"\u00a01", 0, hook.ErrSyntax}, {"\u20281", 0, hook.ErrSyntax}, {"\x1b", 0, hook.ErrSyntax},
			{"\ufeff1", 0, hook.ErrSyntax}, {"\ufeff", 0, hook.ErrSyntax}, {" \ufeff1", 1, hook.ErrSyntax}, {"1\ufeff", 1, hook.ErrSyntax}, {"\xfe\xff\x001", 0, hook.ErrSyntax}, {"1\x00", 1, hook.ErrSyntax},
		},
		"numbers": {
			{"-", 1, hook.ErrSyntax}, {"+1", 0, hook.ErrSyntax}, {"01", 0, hook.ErrSyntax}, {"-01", 1, hook.ErrSyntax}, {"00", 0, hook.ErrSyntax}, {"-00", 1, hook.ErrSyntax}, {"[012]", 1, hook.ErrSyntax},
			{"1.", 2, hook.ErrSyntax}, {".1", 0, hook.ErrSyntax}, {"-.1", 1, hook.ErrSyntax}, {"1.e1", 2, hook.ErrSyntax}, {"1e", 2, hook.ErrSyntax}, {"1e+", 3, hook.ErrSyntax},
			{"1e-", 3, hook.ErrSyntax}, {"1e1.5", 3, hook.ErrSyntax}, {"1.2.3", 3, hook.ErrSyntax}, {"1e2e3", 3, hook.ErrSyntax}, {"0x1", 1, hook.ErrSyntax}, {"0X1", 1, hook.ErrSyntax},
			{"1_000", 1, hook.ErrSyntax}, {"1 000", 2, hook.ErrSyntax}, {"--1", 1, hook.ErrSyntax}, {"1-", 1, hook.ErrSyntax}, {"1+2", 1, hook.ErrSyntax}, {"1e+-2", 3, hook.ErrSyntax},
			{"-a", 1, hook.ErrSyntax}, {"-Infinity", 1, hook.ErrSyntax}, {"1f", 1, hook.ErrSyntax}, {"[1.]", 3, hook.ErrSyntax}, {"[1e]", 3, hook.ErrSyntax}, {"[-]", 2, hook.ErrSyntax}, {"\uff11", 0, hook.ErrSyntax}, {"1,5", 1, hook.ErrSyntax},
		},
		"arrays": {
			{"[", 1, hook.ErrSyntax}, {"[1", 2, hook.ErrSyntax}, {"[1,", 3, hook.ErrSyntax}, {"[1,]", 3, hook.ErrSyntax}, {"[,1]", 1, hook.ErrSyntax}, {"[,]", 1, hook.ErrSyntax},
			{"[1,,2]", 3, hook.ErrSyntax}, {"[1 2]", 3, hook.ErrSyntax}, {"[1:2]", 2, hook.ErrSyntax}, {"[1}", 2, hook.ErrSyntax}, {"[[1]", 4, hook.ErrSyntax}, {"[1;2]", 2, hook.ErrSyntax},
			{`["a`, 3, hook.ErrSyntax}, {`["a"`, 4, hook.ErrSyntax}, {`["a" "b"]`, 5, hook.ErrSyntax}, {`["a":1]`, 4, hook.ErrSyntax}, {"[}", 1, hook.ErrSyntax}, {"[1 ", 3, hook.ErrSyntax}, {"[\v1]", 1, hook.ErrSyntax},
		},
		"objects": {
			{"{", 1, hook.ErrSyntax}, {`{"a"`, 4, hook.ErrSyntax}, {`{"a":`, 5, hook.ErrSyntax}, {`{"a":1`, 6, hook.ErrSyntax}, {`{"a":1,`, 7, hook.ErrSyntax}, {`{"a":1,}`, 7, hook.ErrSyntax},
			{`{,"a":1}`, 1, hook.ErrSyntax}, {`{"a":1,,"b":2}`, 7, hook.ErrSyntax}, {`{"a" 1}`, 5, hook.ErrSyntax}, {`{"a",1}`, 4, hook.ErrSyntax}, {`{"a"::1}`, 5, hook.ErrSyntax},
			{`{"a":1 "b":2}`, 7, hook.ErrSyntax}, {`{"a":1;"b":2}`, 6, hook.ErrSyntax}, {`{a:1}`, 1, hook.ErrSyntax}, {`{'a':1}`, 1, hook.ErrSyntax}, {`{1:1}`, 1, hook.ErrSyntax}, {`{null:1}`, 1, hook.ErrSyntax},
			{`{[]:1}`, 1, hook.ErrSyntax}, {`{"a":}`, 5, hook.ErrSyntax}, {`{"a"}`, 4, hook.ErrSyntax}, {`{:1}`, 1, hook.ErrSyntax}, {`{"a":1]`, 6, hook.ErrSyntax}, {`{]`, 1, hook.ErrSyntax}, {`{"a":1,"b"}`, 10, hook.ErrSyntax},
			{`{"a":{"b":1}`, 12, hook.ErrSyntax}, {`{"a":1,2}`, 7, hook.ErrSyntax}, {`{"a":1}}`, 7, hook.ErrSyntax}, {`{"a": //` + "\n1}", 6, hook.ErrSyntax}, {`{"abcdefghijklmnopqrstuvwxyz"=1,"x":"yyyyyyyyyyyyyyyy"}`, 29, hook.ErrSyntax}, {`{"abc"=1,"x":"yyyyyyyyyyyyyyyy"}`, 6, hook.ErrSyntax},
		},
		"strings": {
			{`"`, 1, hook.ErrSyntax}, {`"a`, 2, hook.ErrSyntax}, {`"a'`, 3, hook.ErrSyntax}, {`"\`, 2, hook.ErrSyntax}, {`"\"`, 3, hook.ErrSyntax}, {`"\\\"`, 5, hook.ErrSyntax},
			{`"\x41"`, 1, hook.ErrSyntax}, {`"\a"`, 1, hook.ErrSyntax}, {`"\'"`, 1, hook.ErrSyntax}, {`"\0"`, 1, hook.ErrSyntax}, {`"\U0041"`, 1, hook.ErrSyntax}, {`"\N"`, 1, hook.ErrSyntax}, {"\"\\\n\"", 1, hook.ErrSyntax}, {"\"\\\u00e9\"", 1, hook.ErrSyntax},
			{`"\u"`, 1, hook.ErrSyntax}, {`"\u0"`, 1, hook.ErrSyntax}, {`"\u00"`, 1, hook.ErrSyntax}, {`"\u004"`, 1, hook.ErrSyntax}, {`"\u004g"`, 1, hook.ErrSyntax}, {`"\u 041"`, 1, hook.ErrSyntax}, {`"\u+041"`, 1, hook.ErrSyntax}, {`"\u0x41"`, 1, hook.ErrSyntax}, {`"\u00`, 1, hook.ErrSyntax}, {`"\u{41}"`, 1, hook.ErrSyntax},
			{`"\uD834\u"`, 1, hook.ErrEncoding}, {"\"\n\"", 1, hook.ErrSyntax}, {"\"\t\"", 1, hook.ErrSyntax}, {"\"\x00\"", 1, hook.ErrSyntax}, {"\"a\x1f\"", 2, hook.ErrSyntax}, {"\"a\\n\r\"", 4, hook.ErrSyntax}, {"\"0123456789abcdefghij\nk\"", 21, hook.ErrSyntax},
			{"{\"a\tb\":1,\"some\":\"thing longer\"}", 3, hook.ErrSyntax}, {`{"a\qb":1,"some":"thing longer"}`, 3, hook.ErrSyntax}, {"\"\xe9\x0a\"", 1, hook.ErrEncoding},
		},
		"surrogates": {
			{`"\ud800"`, 1, hook.ErrEncoding}, {`"\udc00"`, 1, hook.ErrEncoding}, {`"\udfff"`, 1, hook.ErrEncoding}, {`"\udc00\ud800"`, 1, hook.ErrEncoding}, {`"\ud800\ud800"`, 1, hook.ErrEncoding},
			{`"\ud800\u0041"`, 1, hook.ErrEncoding}, {`"\ud800A"`, 1, hook.ErrEncoding}, {`"\ud800\n"`, 1, hook.ErrEncoding}, {`"\ud834\udd1e\udd1e"`, 13, hook.ErrEncoding}, {`"ab\ud83d \ude00"`, 3, hook.ErrEncoding}, {`{"\ud800":1}`, 2, hook.ErrEncoding}, {`"\ud800\`, 1, hook.ErrEncoding}, {`"\ud800`, 1, hook.ErrEncoding},
		},
		"bytes": {
			{"\"\x80\"", 1, hook.ErrEncoding}, {"\"\xbf\"", 1, hook.ErrEncoding}, {"\"\xc0\xaf\"", 1, hook.ErrEncoding}, {"\"\xc1\xbf\"", 1, hook.ErrEncoding}, {"\"\xc3\"", 1, hook.ErrEncoding}, {"\"\xc3(\"", 1, hook.ErrEncoding},
			{"\"\xe0\x80\x80\"", 1, hook.ErrEncoding}, {"\"\xe2\x82\"", 1, hook.ErrEncoding}, {"\"" + lone + "\"", 1, hook.ErrEncoding}, {"\"\xed\xbf\xbf\"", 1, hook.ErrEncoding}, {"\"\xf0\x80\x80\x80\"", 1, hook.ErrEncoding},
			{"\"\xf0\x9d\x84\"", 1, hook.ErrEncoding}, {"\"\xf4\x90\x80\x80\"", 1, hook.ErrEncoding}, {"\"\xf8\x88\x80\x80\x80\"", 1, hook.ErrEncoding}, {"\"\xfe\"", 1, hook.ErrEncoding}, {"\"\xff\"", 1, hook.ErrEncoding},
			{"\"caf\xe9\"", 4, hook.ErrEncoding}, {"\"\\n\xff\"", 3, hook.ErrEncoding}, {"\"\u00e9\xff\"", 3, hook.ErrEncoding}, {"{\"\xff\":1}", 2, hook.ErrEncoding}, {"\"0123456789abcdef\xff\"", 17, hook.ErrEncoding}, {"\xff", 0, hook.ErrSyntax}, {"[\xff]", 1, hook.ErrSyntax}, {"\"\xe9", 1, hook.ErrEncoding},
		},
		"twice": {
			{`{"a":1,"a":1}`, 7, hook.ErrDuplicate}, {`{"a":1,"a":2}`, 7, hook.ErrDuplicate}, {`{"a":1,"b":2,"a":3}`, 13, hook.ErrDuplicate}, {`{"":1,"":2}`, 6, hook.ErrDuplicate},
			{`{"a":1,"\u0061":2}`, 7, hook.ErrDuplicate}, {`{"\u0061":1,"a":2}`, 12, hook.ErrDuplicate}, {`{"\u0061":1,"\u0061":2}`, 12, hook.ErrDuplicate}, {`{"/":1,"\/":2}`, 7, hook.ErrDuplicate}, {`{"\n":1,"\u000a":2}`, 8, hook.ErrDuplicate}, {`{"\n":1,"\u000A":2}`, 8, hook.ErrDuplicate},
			{"{\"\u00e9\":1,\"\\u00e9\":2}", 8, hook.ErrDuplicate}, {"{\"\U0001d11e\":1,\"\\ud834\\udd1e\":2}", 10, hook.ErrDuplicate}, {`[{"b":{"a":1,"a":2}}]`, 13, hook.ErrDuplicate}, {`{"a":[],"a":[]}`, 8, hook.ErrDuplicate}, {`{"a":{"x":1},"a":{"x":1}}`, 13, hook.ErrDuplicate},
			{"{ \"a\" : 1 ,\n \"a\" : 2 }", 13, hook.ErrDuplicate}, {`{"a":"a","a":"a"}`, 9, hook.ErrDuplicate}, {`{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k3":6}`, 36, hook.ErrDuplicate}, {`{"k1":1,"k2":2,"k3":3,"k4":4,"k\u0031":"x"}`, 29, hook.ErrDuplicate},
			{`{"data":1,"eventType":2,"dat\u0061":3}`, 24, hook.ErrDuplicate}, {`{"0123456789abcdef0":1,"0123456789abcdef0":1}`, 23, hook.ErrDuplicate}, {`{"a":1,"a":2,"b":}`, 17, hook.ErrSyntax},
		},
	}
	for name, cases := range tests {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				checkRefused(t, c)
				checkRefused(t, refused{" " + c.text, c.offset + 1, c.err})
			}
		})
	}
}

func checkRefused(t *testing.T, c refused) {
	t.Helper()
	var d hook.Doc
	err := d.Parse([]byte(c.text), hook.Limits{})
	syntax, ok := errors.AsType[*hook.SyntaxError](err)
	switch {
	case !ok:
		t.Errorf("%q: accepted", c.text)
	case syntax.Offset != c.offset || !errors.Is(err, c.err):
		t.Errorf("%q: %v, want %q at byte %d", c.text, err, c.err, c.offset)
	case syntax.Want == "" || strings.HasSuffix(syntax.Want, "."):
		t.Errorf("%q: wants %q", c.text, syntax.Want)
	case d.Root().Kind() != hook.Missing:
		t.Errorf("%q: refused, but not empty", c.text)
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	tests := []struct {
		name   string
		text   string
		limits hook.Limits
		want   error
		offset int
	}{
		{"depth by default", nested(64), hook.Limits{}, nil, 0},
		{"deeper than by default", nested(65), hook.Limits{}, hook.ErrDepth, 64},
		{"depth of objects", objects(64), hook.Limits{}, nil, 0},
		{"deeper objects", objects(65), hook.Limits{}, hook.ErrDepth, 64 * 5},
		{"depth one", `[1]`, hook.Limits{Depth: 1}, nil, 0},
		{"depth two in one", `[1,[]]`, hook.Limits{Depth: 1}, hook.ErrDepth, 3},
		{"depth is not breadth", `[[],[],{},{},[]]`, hook.Limits{Depth: 2}, nil, 0},
		{"negative means default", nested(64), hook.Limits{Bytes: -1, Depth: -1}, nil, 0},
		{"a great depth", nested(100_000), hook.Limits{Depth: 100_000}, nil, 0},
		{"size by default", `"` + strings.Repeat("a", 1<<20-2) + `"`, hook.Limits{}, nil, 0},
		{"larger than by default", `"` + strings.Repeat("a", 1<<20-1) + `"`, hook.Limits{}, hook.ErrSize, 1 << 20},
		{"size to the byte", `[1]`, hook.Limits{Bytes: 3}, nil, 0},
		{"one byte too many", `[1] `, hook.Limits{Bytes: 3}, hook.ErrSize, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d hook.Doc
			err := d.Parse([]byte(tt.text), tt.limits)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if syntax, ok := errors.AsType[*hook.SyntaxError](err); ok && syntax.Offset != tt.offset {
				t.Errorf("at byte %d, want %d", syntax.Offset, tt.offset)
			}
		})
	}
}

func TestPosition(t *testing.T) {
	tests := []struct {
		name, text string
		line, col  int
	}{
		{"first", `x`, 1, 1},
		{"same line", `[1,x]`, 1, 4},
		{"next line", "[1,\n  x]", 2, 3},
		{"carriage return", "[1,\r\n\r\nx]", 3, 1},
		{"characters", "{\"\u00e9\u20ac\U0001d11e\": x}", 1, 9},
		{"end", "[1,\n", 2, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := new(hook.Doc).Parse([]byte(tt.text), hook.Limits{})
			syntax, ok := errors.AsType[*hook.SyntaxError](err)
			if !ok {
				t.Fatal("accepted")
			}
			if line, col := syntax.Position([]byte(tt.text)); line != tt.line || col != tt.col {
				t.Errorf("%d:%d, want %d:%d", line, col, tt.line, tt.col)
			}
		})
	}
	t.Run("another text", func(t *testing.T) {
		if line, col := (&hook.SyntaxError{Offset: 100}).Position([]byte("ab")); line != 1 || col != 3 {
			t.Errorf("%d:%d, want 1:3", line, col)
		}
	})
}
