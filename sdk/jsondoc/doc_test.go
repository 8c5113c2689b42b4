package jsondoc_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// root reads a text that must be accepted.
func root(tb testing.TB, text string) jsondoc.Node {
	tb.Helper()
	d := new(jsondoc.Doc)
	if err := d.Parse([]byte(text), jsondoc.Limits{}); err != nil {
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

// rejected is a text, where Parse must stop in it, and why.
type rejected struct {
	text   string
	offset int
	err    error
}

func TestParseRefuses(t *testing.T) {
	const lone = "\xed\xa0\x80" // a surrogate in UTF-8's clothes
	tests := map[string][]rejected{
		"nothing": {
			{"", 0, jsondoc.ErrSyntax}, {" ", 1, jsondoc.ErrSyntax}, {"\n\n", 2, jsondoc.ErrSyntax}, {"\x00", 0, jsondoc.ErrSyntax},
		},
		"more than one": {
			{"1 2", 2, jsondoc.ErrSyntax}, {"{}{}", 2, jsondoc.ErrSyntax}, {"[]]", 2, jsondoc.ErrSyntax}, {"{}}", 2, jsondoc.ErrSyntax},
			{"1,", 1, jsondoc.ErrSyntax}, {`"" ""`, 3, jsondoc.ErrSyntax}, {"true false", 5, jsondoc.ErrSyntax}, {"nulll", 4, jsondoc.ErrSyntax},
			{"[1]x", 3, jsondoc.ErrSyntax}, {"{}#", 2, jsondoc.ErrSyntax}, {"{} //", 3, jsondoc.ErrSyntax}, {"1\x00", 1, jsondoc.ErrSyntax}, {"1:2", 1, jsondoc.ErrSyntax},
		},
		"not a value": {
			{"nul", 0, jsondoc.ErrSyntax}, {"tru", 0, jsondoc.ErrSyntax}, {"fals", 0, jsondoc.ErrSyntax}, {"True", 0, jsondoc.ErrSyntax}, {"NULL", 0, jsondoc.ErrSyntax},
			{"nan", 0, jsondoc.ErrSyntax}, {"NaN", 0, jsondoc.ErrSyntax}, {"Infinity", 0, jsondoc.ErrSyntax}, {"undefined", 0, jsondoc.ErrSyntax},
			{"'a'", 0, jsondoc.ErrSyntax}, {"a", 0, jsondoc.ErrSyntax}, {"`a`", 0, jsondoc.ErrSyntax}, {"\\n", 0, jsondoc.ErrSyntax}, {"\\u0022\"", 0, jsondoc.ErrSyntax},
			{"/**/1", 0, jsondoc.ErrSyntax}, {"]", 0, jsondoc.ErrSyntax}, {"}", 0, jsondoc.ErrSyntax}, {",", 0, jsondoc.ErrSyntax}, {":", 0, jsondoc.ErrSyntax},
			{"\v1", 0, jsondoc.ErrSyntax}, {"\f1", 0, jsondoc.ErrSyntax}, {"\u00a01", 0, jsondoc.ErrSyntax}, {"\u20281", 0, jsondoc.ErrSyntax}, {"\x1b", 0, jsondoc.ErrSyntax},
			{"\ufeff1", 0, jsondoc.ErrSyntax}, {"\ufeff", 0, jsondoc.ErrSyntax}, {" \ufeff1", 1, jsondoc.ErrSyntax}, {"1\ufeff", 1, jsondoc.ErrSyntax}, {"\xfe\xff\x001", 0, jsondoc.ErrSyntax}, {"1\x00", 1, jsondoc.ErrSyntax},
		},
		"numbers": {
			{"-", 1, jsondoc.ErrSyntax}, {"+1", 0, jsondoc.ErrSyntax}, {"01", 0, jsondoc.ErrSyntax}, {"-01", 1, jsondoc.ErrSyntax}, {"00", 0, jsondoc.ErrSyntax}, {"-00", 1, jsondoc.ErrSyntax}, {"[012]", 1, jsondoc.ErrSyntax},
			{"1.", 2, jsondoc.ErrSyntax}, {".1", 0, jsondoc.ErrSyntax}, {"-.1", 1, jsondoc.ErrSyntax}, {"1.e1", 2, jsondoc.ErrSyntax}, {"1e", 2, jsondoc.ErrSyntax}, {"1e+", 3, jsondoc.ErrSyntax},
			{"1e-", 3, jsondoc.ErrSyntax}, {"1e1.5", 3, jsondoc.ErrSyntax}, {"1.2.3", 3, jsondoc.ErrSyntax}, {"1e2e3", 3, jsondoc.ErrSyntax}, {"0x1", 1, jsondoc.ErrSyntax}, {"0X1", 1, jsondoc.ErrSyntax},
			{"1_000", 1, jsondoc.ErrSyntax}, {"1 000", 2, jsondoc.ErrSyntax}, {"--1", 1, jsondoc.ErrSyntax}, {"1-", 1, jsondoc.ErrSyntax}, {"1+2", 1, jsondoc.ErrSyntax}, {"1e+-2", 3, jsondoc.ErrSyntax},
			{"-a", 1, jsondoc.ErrSyntax}, {"-Infinity", 1, jsondoc.ErrSyntax}, {"1f", 1, jsondoc.ErrSyntax}, {"[1.]", 3, jsondoc.ErrSyntax}, {"[1e]", 3, jsondoc.ErrSyntax}, {"[-]", 2, jsondoc.ErrSyntax}, {"\uff11", 0, jsondoc.ErrSyntax}, {"1,5", 1, jsondoc.ErrSyntax},
		},
		"arrays": {
			{"[", 1, jsondoc.ErrSyntax}, {"[1", 2, jsondoc.ErrSyntax}, {"[1,", 3, jsondoc.ErrSyntax}, {"[1,]", 3, jsondoc.ErrSyntax}, {"[,1]", 1, jsondoc.ErrSyntax}, {"[,]", 1, jsondoc.ErrSyntax},
			{"[1,,2]", 3, jsondoc.ErrSyntax}, {"[1 2]", 3, jsondoc.ErrSyntax}, {"[1:2]", 2, jsondoc.ErrSyntax}, {"[1}", 2, jsondoc.ErrSyntax}, {"[[1]", 4, jsondoc.ErrSyntax}, {"[1;2]", 2, jsondoc.ErrSyntax},
			{`["a`, 3, jsondoc.ErrSyntax}, {`["a"`, 4, jsondoc.ErrSyntax}, {`["a" "b"]`, 5, jsondoc.ErrSyntax}, {`["a":1]`, 4, jsondoc.ErrSyntax}, {"[}", 1, jsondoc.ErrSyntax}, {"[1 ", 3, jsondoc.ErrSyntax}, {"[\v1]", 1, jsondoc.ErrSyntax},
		},
		"objects": {
			{"{", 1, jsondoc.ErrSyntax}, {`{"a"`, 4, jsondoc.ErrSyntax}, {`{"a":`, 5, jsondoc.ErrSyntax}, {`{"a":1`, 6, jsondoc.ErrSyntax}, {`{"a":1,`, 7, jsondoc.ErrSyntax}, {`{"a":1,}`, 7, jsondoc.ErrSyntax},
			{`{,"a":1}`, 1, jsondoc.ErrSyntax}, {`{"a":1,,"b":2}`, 7, jsondoc.ErrSyntax}, {`{"a" 1}`, 5, jsondoc.ErrSyntax}, {`{"a",1}`, 4, jsondoc.ErrSyntax}, {`{"a"::1}`, 5, jsondoc.ErrSyntax},
			{`{"a":1 "b":2}`, 7, jsondoc.ErrSyntax}, {`{"a":1;"b":2}`, 6, jsondoc.ErrSyntax}, {`{a:1}`, 1, jsondoc.ErrSyntax}, {`{'a':1}`, 1, jsondoc.ErrSyntax}, {`{1:1}`, 1, jsondoc.ErrSyntax}, {`{null:1}`, 1, jsondoc.ErrSyntax},
			{`{[]:1}`, 1, jsondoc.ErrSyntax}, {`{"a":}`, 5, jsondoc.ErrSyntax}, {`{"a"}`, 4, jsondoc.ErrSyntax}, {`{:1}`, 1, jsondoc.ErrSyntax}, {`{"a":1]`, 6, jsondoc.ErrSyntax}, {`{]`, 1, jsondoc.ErrSyntax}, {`{"a":1,"b"}`, 10, jsondoc.ErrSyntax},
			{`{"a":{"b":1}`, 12, jsondoc.ErrSyntax}, {`{"a":1,2}`, 7, jsondoc.ErrSyntax}, {`{"a":1}}`, 7, jsondoc.ErrSyntax}, {`{"a": //` + "\n1}", 6, jsondoc.ErrSyntax}, {`{"abcdefghijklmnopqrstuvwxyz"=1,"x":"yyyyyyyyyyyyyyyy"}`, 29, jsondoc.ErrSyntax}, {`{"abc"=1,"x":"yyyyyyyyyyyyyyyy"}`, 6, jsondoc.ErrSyntax},
		},
		"strings": {
			{`"`, 1, jsondoc.ErrSyntax}, {`"a`, 2, jsondoc.ErrSyntax}, {`"a'`, 3, jsondoc.ErrSyntax}, {`"\`, 2, jsondoc.ErrSyntax}, {`"\"`, 3, jsondoc.ErrSyntax}, {`"\\\"`, 5, jsondoc.ErrSyntax},
			{`"\x41"`, 1, jsondoc.ErrSyntax}, {`"\a"`, 1, jsondoc.ErrSyntax}, {`"\'"`, 1, jsondoc.ErrSyntax}, {`"\0"`, 1, jsondoc.ErrSyntax}, {`"\U0041"`, 1, jsondoc.ErrSyntax}, {`"\N"`, 1, jsondoc.ErrSyntax}, {"\"\\\n\"", 1, jsondoc.ErrSyntax}, {"\"\\\u00e9\"", 1, jsondoc.ErrSyntax},
			{`"\u"`, 1, jsondoc.ErrSyntax}, {`"\u0"`, 1, jsondoc.ErrSyntax}, {`"\u00"`, 1, jsondoc.ErrSyntax}, {`"\u004"`, 1, jsondoc.ErrSyntax}, {`"\u004g"`, 1, jsondoc.ErrSyntax}, {`"\u 041"`, 1, jsondoc.ErrSyntax}, {`"\u+041"`, 1, jsondoc.ErrSyntax}, {`"\u0x41"`, 1, jsondoc.ErrSyntax}, {`"\u00`, 1, jsondoc.ErrSyntax}, {`"\u{41}"`, 1, jsondoc.ErrSyntax},
			{`"\uD834\u"`, 1, jsondoc.ErrEncoding}, {"\"\n\"", 1, jsondoc.ErrSyntax}, {"\"\t\"", 1, jsondoc.ErrSyntax}, {"\"\x00\"", 1, jsondoc.ErrSyntax}, {"\"a\x1f\"", 2, jsondoc.ErrSyntax}, {"\"a\\n\r\"", 4, jsondoc.ErrSyntax}, {"\"0123456789abcdefghij\nk\"", 21, jsondoc.ErrSyntax},
			{"{\"a\tb\":1,\"some\":\"thing longer\"}", 3, jsondoc.ErrSyntax}, {`{"a\qb":1,"some":"thing longer"}`, 3, jsondoc.ErrSyntax}, {"\"\xe9\x0a\"", 1, jsondoc.ErrEncoding},
		},
		"surrogates": {
			{`"\ud800"`, 1, jsondoc.ErrEncoding}, {`"\udc00"`, 1, jsondoc.ErrEncoding}, {`"\udfff"`, 1, jsondoc.ErrEncoding}, {`"\udc00\ud800"`, 1, jsondoc.ErrEncoding}, {`"\ud800\ud800"`, 1, jsondoc.ErrEncoding},
			{`"\ud800\u0041"`, 1, jsondoc.ErrEncoding}, {`"\ud800A"`, 1, jsondoc.ErrEncoding}, {`"\ud800\n"`, 1, jsondoc.ErrEncoding}, {`"\ud834\udd1e\udd1e"`, 13, jsondoc.ErrEncoding}, {`"ab\ud83d \ude00"`, 3, jsondoc.ErrEncoding}, {`{"\ud800":1}`, 2, jsondoc.ErrEncoding}, {`"\ud800\`, 1, jsondoc.ErrEncoding}, {`"\ud800`, 1, jsondoc.ErrEncoding},
		},
		"bytes": {
			{"\"\x80\"", 1, jsondoc.ErrEncoding}, {"\"\xbf\"", 1, jsondoc.ErrEncoding}, {"\"\xc0\xaf\"", 1, jsondoc.ErrEncoding}, {"\"\xc1\xbf\"", 1, jsondoc.ErrEncoding}, {"\"\xc3\"", 1, jsondoc.ErrEncoding}, {"\"\xc3(\"", 1, jsondoc.ErrEncoding},
			{"\"\xe0\x80\x80\"", 1, jsondoc.ErrEncoding}, {"\"\xe2\x82\"", 1, jsondoc.ErrEncoding}, {"\"" + lone + "\"", 1, jsondoc.ErrEncoding}, {"\"\xed\xbf\xbf\"", 1, jsondoc.ErrEncoding}, {"\"\xf0\x80\x80\x80\"", 1, jsondoc.ErrEncoding},
			{"\"\xf0\x9d\x84\"", 1, jsondoc.ErrEncoding}, {"\"\xf4\x90\x80\x80\"", 1, jsondoc.ErrEncoding}, {"\"\xf8\x88\x80\x80\x80\"", 1, jsondoc.ErrEncoding}, {"\"\xfe\"", 1, jsondoc.ErrEncoding}, {"\"\xff\"", 1, jsondoc.ErrEncoding},
			{"\"caf\xe9\"", 4, jsondoc.ErrEncoding}, {"\"\\n\xff\"", 3, jsondoc.ErrEncoding}, {"\"\u00e9\xff\"", 3, jsondoc.ErrEncoding}, {"{\"\xff\":1}", 2, jsondoc.ErrEncoding}, {"\"0123456789abcdef\xff\"", 17, jsondoc.ErrEncoding}, {"\xff", 0, jsondoc.ErrSyntax}, {"[\xff]", 1, jsondoc.ErrSyntax}, {"\"\xe9", 1, jsondoc.ErrEncoding},
		},
		"twice": {
			{`{"a":1,"a":1}`, 7, jsondoc.ErrDuplicate}, {`{"a":1,"a":2}`, 7, jsondoc.ErrDuplicate}, {`{"a":1,"b":2,"a":3}`, 13, jsondoc.ErrDuplicate}, {`{"":1,"":2}`, 6, jsondoc.ErrDuplicate},
			{`{"a":1,"\u0061":2}`, 7, jsondoc.ErrDuplicate}, {`{"\u0061":1,"a":2}`, 12, jsondoc.ErrDuplicate}, {`{"\u0061":1,"\u0061":2}`, 12, jsondoc.ErrDuplicate}, {`{"/":1,"\/":2}`, 7, jsondoc.ErrDuplicate}, {`{"\n":1,"\u000a":2}`, 8, jsondoc.ErrDuplicate}, {`{"\n":1,"\u000A":2}`, 8, jsondoc.ErrDuplicate},
			{"{\"\u00e9\":1,\"\\u00e9\":2}", 8, jsondoc.ErrDuplicate}, {"{\"\U0001d11e\":1,\"\\ud834\\udd1e\":2}", 10, jsondoc.ErrDuplicate}, {`[{"b":{"a":1,"a":2}}]`, 13, jsondoc.ErrDuplicate}, {`{"a":[],"a":[]}`, 8, jsondoc.ErrDuplicate}, {`{"a":{"x":1},"a":{"x":1}}`, 13, jsondoc.ErrDuplicate},
			{"{ \"a\" : 1 ,\n \"a\" : 2 }", 13, jsondoc.ErrDuplicate}, {`{"a":"a","a":"a"}`, 9, jsondoc.ErrDuplicate}, {`{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k3":6}`, 36, jsondoc.ErrDuplicate}, {`{"k1":1,"k2":2,"k3":3,"k4":4,"k\u0031":"x"}`, 29, jsondoc.ErrDuplicate},
			{`{"data":1,"eventType":2,"dat\u0061":3}`, 24, jsondoc.ErrDuplicate}, {`{"0123456789abcdef0":1,"0123456789abcdef0":1}`, 23, jsondoc.ErrDuplicate}, {`{"a":1,"a":2,"b":}`, 17, jsondoc.ErrSyntax},
		},
	}
	for name, cases := range tests {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				checkRejected(t, c)
				checkRejected(t, rejected{" " + c.text, c.offset + 1, c.err})
			}
		})
	}
}

func checkRejected(t *testing.T, c rejected) {
	t.Helper()
	var d jsondoc.Doc
	err := d.Parse([]byte(c.text), jsondoc.Limits{})
	syntax, ok := errors.AsType[*jsondoc.SyntaxError](err)
	switch {
	case !ok:
		t.Errorf("%q: accepted", c.text)
	case syntax.Offset != c.offset || !errors.Is(err, c.err):
		t.Errorf("%q: %v, want %q at byte %d", c.text, err, c.err, c.offset)
	case syntax.Want == "" || strings.HasSuffix(syntax.Want, "."):
		t.Errorf("%q: wants %q", c.text, syntax.Want)
	case d.Root().Kind() != jsondoc.Missing:
		t.Errorf("%q: refused, but not empty", c.text)
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	tests := []struct {
		name   string
		text   string
		limits jsondoc.Limits
		want   error
		offset int
	}{
		{"depth by default", nested(64), jsondoc.Limits{}, nil, 0},
		{"deeper than by default", nested(65), jsondoc.Limits{}, jsondoc.ErrDepth, 64},
		{"depth of objects", objects(64), jsondoc.Limits{}, nil, 0},
		{"deeper objects", objects(65), jsondoc.Limits{}, jsondoc.ErrDepth, 64 * 5},
		{"depth one", `[1]`, jsondoc.Limits{Depth: 1}, nil, 0},
		{"depth two in one", `[1,[]]`, jsondoc.Limits{Depth: 1}, jsondoc.ErrDepth, 3},
		{"depth is not breadth", `[[],[],{},{},[]]`, jsondoc.Limits{Depth: 2}, nil, 0},
		{"negative means default", nested(64), jsondoc.Limits{Bytes: -1, Depth: -1}, nil, 0},
		{"a great depth", nested(100_000), jsondoc.Limits{Depth: 100_000}, nil, 0},
		{"size by default", `"` + strings.Repeat("a", 1<<20-2) + `"`, jsondoc.Limits{}, nil, 0},
		{"larger than by default", `"` + strings.Repeat("a", 1<<20-1) + `"`, jsondoc.Limits{}, jsondoc.ErrSize, 1 << 20},
		{"size to the byte", `[1]`, jsondoc.Limits{Bytes: 3}, nil, 0},
		{"one byte too many", `[1] `, jsondoc.Limits{Bytes: 3}, jsondoc.ErrSize, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d jsondoc.Doc
			err := d.Parse([]byte(tt.text), tt.limits)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if syntax, ok := errors.AsType[*jsondoc.SyntaxError](err); ok && syntax.Offset != tt.offset {
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
			err := new(jsondoc.Doc).Parse([]byte(tt.text), jsondoc.Limits{})
			syntax, ok := errors.AsType[*jsondoc.SyntaxError](err)
			if !ok {
				t.Fatal("accepted")
			}
			if line, col := syntax.Position([]byte(tt.text)); line != tt.line || col != tt.col {
				t.Errorf("%d:%d, want %d:%d", line, col, tt.line, tt.col)
			}
		})
	}
	t.Run("another text", func(t *testing.T) {
		if line, col := (&jsondoc.SyntaxError{Offset: 100}).Position([]byte("ab")); line != 1 || col != 3 {
			t.Errorf("%d:%d, want 1:3", line, col)
		}
	})
}
