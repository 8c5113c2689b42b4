package gate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// shape is a text that JSON readers may disagree about, in the classes of Seriot's "Parsing JSON is
// a Minefield".
type shape struct {
	name, text string
	want       string // encoding/json's rendering of the value; rejected; same: the text itself
}

const (
	rejected = ""
	same     = "="
)

// shapes returns all shapes, for a place inside so many containers.
func shapes(around int) []shape {
	all := append(nestedShapes(around), brokenShapes...)
	all = append(all, literalShapes...)
	all = append(all, numberShapes...)
	all = append(all, textShapes...)
	return append(all, objectShapes...)
}

// nestedShapes are nested: jsondoc.Doc allows 64 levels.
func nestedShapes(around int) []shape {
	lists := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	most := 64 - around
	return []shape{
		{"DeepestLists", lists(most), same},
		{"ListsTooDeep", lists(most + 1), rejected},
		{"DeepestObjects", strings.Repeat(`{"a":`, most) + "1" + strings.Repeat("}", most), same},
		{"ObjectsTooDeep", strings.Repeat(`{"a":`, most+1) + "1" + strings.Repeat("}", most+1), rejected},
		{"ManyShallowLists", "[" + strings.Repeat("[[]],", 500) + "[]]", same},
		{"HundredThousandLists", lists(100_000), rejected},
		{"HundredThousandOpenLists", strings.Repeat("[", 100_000), rejected},
		{"HundredThousandOpenObjects", strings.Repeat(`{"":`, 100_000), rejected},
		{"HundredThousandClosings", strings.Repeat("]", 100_000), rejected},
		{"OpenListsOfObjects", strings.Repeat(`[{"":`, 25_000), rejected},
	}
}

// brokenShapes have an invalid or unusual structure.
var brokenShapes = []shape{
	{"Nothing", "", rejected},
	{"SpaceAlone", " \t\r\n", rejected},
	{"LoneListOpen", "[", rejected},
	{"LoneListClose", "]", rejected},
	{"LoneObjectOpen", "{", rejected},
	{"LoneObjectClose", "}", rejected},
	{"LoneComma", ",", rejected},
	{"LoneColon", ":", rejected},
	{"LoneQuote", `"`, rejected},
	{"ListClosedAsObject", "[1}", rejected},
	{"ObjectClosedAsList", `{"a":1]`, rejected},
	{"ListClosedTwice", "[1]]", rejected},
	{"ListTrailingComma", "[1,]", rejected},
	{"ListTrailingCommas", "[1,,]", rejected},
	{"ListDoubleComma", "[1,,2]", rejected},
	{"ListLeadingComma", "[,1]", rejected},
	{"ListCommaAlone", "[,]", rejected},
	{"ListColon", `["a":1]`, rejected},
	{"ListNoComma", "[1 2]", rejected},
	{"ListNoCommaTexts", `["a" "b"]`, rejected},
	{"ListSemicolon", "[1;2]", rejected},
	{"ListUnclosed", "[1", rejected},
	{"ListUnclosedComma", "[1,", rejected},
	{"ListOpenInList", "[[1]", rejected},
	{"ListNewlineOpen", "[1,\n1\n,1", rejected},
	{"Star", "[*]", rejected},
	{"AngleBracket", "<.>", rejected},
	{"Ampersand", "[&]", rejected},
	{"LineComment", "[1 // one\n]", rejected},
	{"BlockComment", "[1 /* one */]", rejected},
	{"HashComment", "[1 # one\n]", rejected},
	{"OpenComment", "[1] /*", rejected},
	{"ListGarbageBehind", "[1] x", rejected},
	{"ListTwoBehind", "[1][2]", rejected},
	{"ObjectGarbageBehind", `{"a":1} x`, rejected},
	{"ObjectHashBehind", `{"a":1}#`, rejected},
	{"ObjectTrailingComma", `{"a":1,}`, rejected},
	{"ObjectTrailingCommas", `{"a":1,,}`, rejected},
	{"ObjectDoubleComma", `{"a":1,,"b":2}`, rejected},
	{"ObjectLeadingComma", `{,"a":1}`, rejected},
	{"ObjectCommaAlone", `{,}`, rejected},
	{"ObjectDoubleColon", `{"a"::1}`, rejected},
	{"ObjectCommaForColon", `{"a",1}`, rejected},
	{"ObjectEqualsSign", `{"a"=1}`, rejected},
	{"ObjectArrow", `{"a"=>1}`, rejected},
	{"ObjectNoColon", `{"a" 1}`, rejected},
	{"ObjectNoValue", `{"a":}`, rejected},
	{"ObjectNameAlone", `{"a"}`, rejected},
	{"ObjectNoComma", `{"a":1 "b":2}`, rejected},
	{"ObjectUnclosed", `{"a":1`, rejected},
	{"ObjectUnclosedComma", `{"a":1,`, rejected},
	{"ObjectUnclosedColon", `{"a":`, rejected},
	{"ObjectGarbageInside", `{"a":1 x}`, rejected},
	{"ObjectBracketName", `{[:1}`, rejected},
	{"NBSP", "[1,\u00a02]", rejected},
	{"WordJoiner", "[1,\u20602]", rejected},
	{"ZeroWidthSpace", "[1,\u200b2]", rejected},
	{"LineSeparator", "[1,\u20282]", rejected},
	{"IdeographicSpace", "[1,\u30002]", rejected},
	{"NextLine", "[1,\u00852]", rejected},
	{"FormFeed", "[1,\f2]", rejected},
	{"VerticalTab", "[1,\v2]", rejected},
	{"Backspace", "[1,\b2]", rejected},
	{"NULBetween", "[1,\x002]", rejected},
	{"Escape", "[1,\x1b2]", rejected},
	{"BackslashNewline", "[1,\\n2]", rejected},
	{"MarkInside", "[\ufeff1]", rejected},
	{"MarkInFront", "\ufeff1", rejected},
	{"HalfAMark", "\xef\xbb1", rejected},
	{"UTF16", "\xff\xfe[\x00]\x00", rejected},
	{"UTF16BE", "\x00[\x00]", rejected},
	{"LoneByte", "[\xe9]", rejected},
	{"EmptyList", "[]", same},
	{"EmptyObject", "{}", same},
	{"AllSpaces", "[ \t\r\n1\t,\n2\r]", "[1,2]"},
	{"SpacesInObject", "{\n\t\"a\" \r:\n 1 }", `{"a":1}`},
	{"ManySpaces", "[" + strings.Repeat(" ", 4096) + "]", "[]"},
}

// literalShapes resemble true, false and null.
var literalShapes = []shape{
	{"True", "true", same},
	{"False", "false", same},
	{"Null", "null", same},
	{"TrueInCapitals", "TRUE", rejected},
	{"TrueOfPython", "True", rejected},
	{"NoneOfPython", "None", rejected},
	{"TrueCutShort", "tru", rejected},
	{"FalseCutShort", "fals", rejected},
	{"NullCutShort", "nul", rejected},
	{"NullMisspelt", "nall", rejected},
	{"TrueOne", "true1", rejected},
	{"TrueTwice", "truetrue", rejected},
	{"TrueAndNUL", "true\x00", rejected},
	{"TrueInParts", "tr ue", rejected},
	{"TrueEscaped", `\u0074rue`, rejected},
	{"TrueFullWidth", "\uff54\uff52\uff55\uff45", rejected},
	{"Undefined", "undefined", rejected},
	{"BareWord", "word", rejected},
	{"Call", "eval(1)", rejected},
	{"Pattern", "/a/", rejected},
	{"Template", "`a`", rejected},
}

// numberShapes resemble numbers. Valid ones keep every digit.
var numberShapes = []shape{
	{"Zero", "0", same},
	{"MinusZero", "-0", same},
	{"MinusZeroPoint", "-0.0", same},
	{"ZeroWithExponent", "0e+1", same},
	{"ZeroHugeExponent", "0e999999999999", same},
	{"CapitalExponent", "1E22", same},
	{"ExponentZero", "1e00", same},
	{"SignedExponents", "[1e+2,1e-2,1E+02]", same},
	{"Beyond53Bits", "9007199254740993", same},
	{"MinusBeyond53Bits", "-9007199254740993", same},
	{"Largest63Bits", "9223372036854775807", same},
	{"Beyond63Bits", "9223372036854775808", same},
	{"Smallest64Bits", "-9223372036854775808", same},
	{"BelowSmallest", "-9223372036854775809", same},
	{"Largest64Bits", "18446744073709551615", same},
	{"Beyond64Bits", "18446744073709551616", same},
	{"Next64Bits", "18446744073709551617", same},
	{"HundredDigits", "1" + strings.Repeat("0", 99), same},
	{"TenThousandDigits", strings.Repeat("9", 10_000), same},
	{"TenThousandDecimals", "0." + strings.Repeat("3", 10_000), same},
	{"FiveInManyDigits", "5." + strings.Repeat("0", 600), same},
	{"ManyExponentDigits", "1e" + strings.Repeat("0", 600) + "2", same},
	{"OneE400", "1e400", same},
	{"MinusOneE400", "-1e400", same},
	{"OneEMinus400", "1E-400", same},
	{"HugeExponent", "1e99999999999999999999", same},
	{"HugeNegativeExponent", "1e-99999999999999999999", same},
	{"TooPrecise", "0.1000000000000000055511151231257827021181583404541015625", same},
	{"ManyZerosInFront", "0." + strings.Repeat("0", 400) + "1", same},
	{"LeadingZero", "01", rejected},
	{"MinusLeadingZero", "-01", rejected},
	{"TwoZeros", "00", rejected},
	{"LeadingZeroPoint", "012.5", rejected},
	{"Plus", "+1", rejected},
	{"PlusPlus", "++1", rejected},
	{"PlusMinus", "+-1", rejected},
	{"MinusAlone", "-", rejected},
	{"MinusMinus", "--1", rejected},
	{"MinusSpace", "- 1", rejected},
	{"MinusWord", "-x", rejected},
	{"PointFirst", ".5", rejected},
	{"MinusPointFirst", "-.5", rejected},
	{"PointLast", "1.", rejected},
	{"PointAlone", ".", rejected},
	{"TwoPoints", "1.2.3", rejected},
	{"PointExponent", "1.e1", rejected},
	{"ExponentAlone", "e1", rejected},
	{"NoExponent", "1e", rejected},
	{"ExponentPlus", "1e+", rejected},
	{"ExponentMinus", "1e-", rejected},
	{"TwoExponents", "1e1e1", rejected},
	{"PointInExponent", "1e1.5", rejected},
	{"TwoSignsInExponent", "1e+-1", rejected},
	{"Hex", "0x10", rejected},
	{"HexCut", "0x", rejected},
	{"Octal", "0o17", rejected},
	{"Binary", "0b1", rejected},
	{"Underscores", "1_000", rejected},
	{"Commas", "1,000", rejected},
	{"Spaces", "1 000", rejected},
	{"Letter", "12a", rejected},
	{"Suffix", "1L", rejected},
	{"Float", "1.0f", rejected},
	{"NaN", "NaN", rejected},
	{"MinusNaN", "-NaN", rejected},
	{"Inf", "Inf", rejected},
	{"Infinity", "Infinity", rejected},
	{"MinusInfinity", "-Infinity", rejected},
	{"PlusInfinity", "+Infinity", rejected},
	{"Expression", "1+2", rejected},
	{"FullWidth", "\uff11\uff12", rejected},
	{"ArabicDigits", "\u0661\u0662", rejected},
	{"MinusSign", "\u22121", rejected},
	{"NumberAndNUL", "1\x00", rejected},
	{"NumberAndByte", "1\xe5", rejected},
	{"ExponentByte", "1e1\xe5", rejected},
}

// TestShapes: the wanted text is encoding/json's rendering of the shape.
func TestShapes(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range shapes(3) {
		if seen[s.name] {
			t.Errorf("%s is there twice", s.name)
		}
		seen[s.name] = true
		if s.want == rejected {
			continue
		}
		v, err := decodeJSON([]byte(s.text))
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := errors.Join(err, e.Encode(v)); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		want := s.want
		if want == same {
			want = s.text
		}
		if got := strings.TrimSuffix(b.String(), "\n"); got != want {
			t.Errorf("%s says %q, want %q", s.name, got, want)
		}
	}
	t.Log(len(seen), "shapes")
}
