package gate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// shape is a text that readers of JSON disagree about, or might. The classes are those of Seriot's "Parsing JSON is a
// Minefield".
type shape struct {
	name, text string
	want       string // what encoding/json writes of it once it is read; refused; same: what it is, as it stands
}

const (
	refused = ""
	same    = "="
)

// shapes are all of them, for a place that has so many containers around it.
func shapes(around int) []shape {
	all := append(deep(around), broken...)
	all = append(all, literals...)
	all = append(all, numbers...)
	all = append(all, texts...)
	return append(all, objects...)
}

// deep are shapes that nest: jsondoc.Doc opens 64 containers.
func deep(around int) []shape {
	lists := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	most := 64 - around
	return []shape{
		{"DeepestLists", lists(most), same},
		{"ListsTooDeep", lists(most + 1), refused},
		{"DeepestObjects", strings.Repeat(`{"a":`, most) + "1" + strings.Repeat("}", most), same},
		{"ObjectsTooDeep", strings.Repeat(`{"a":`, most+1) + "1" + strings.Repeat("}", most+1), refused},
		{"ManyShallowLists", "[" + strings.Repeat("[[]],", 500) + "[]]", same},
		{"HundredThousandLists", lists(100_000), refused},
		{"HundredThousandOpenLists", strings.Repeat("[", 100_000), refused},
		{"HundredThousandOpenObjects", strings.Repeat(`{"":`, 100_000), refused},
		{"HundredThousandClosings", strings.Repeat("]", 100_000), refused},
		{"OpenListsOfObjects", strings.Repeat(`[{"":`, 25_000), refused},
	}
}

// broken are shapes of structure.
var broken = []shape{
	{"Nothing", "", refused},
	{"SpaceAlone", " \t\r\n", refused},
	{"LoneListOpen", "[", refused},
	{"LoneListClose", "]", refused},
	{"LoneObjectOpen", "{", refused},
	{"LoneObjectClose", "}", refused},
	{"LoneComma", ",", refused},
	{"LoneColon", ":", refused},
	{"LoneQuote", `"`, refused},
	{"ListClosedAsObject", "[1}", refused},
	{"ObjectClosedAsList", `{"a":1]`, refused},
	{"ListClosedTwice", "[1]]", refused},
	{"ListTrailingComma", "[1,]", refused},
	{"ListTrailingCommas", "[1,,]", refused},
	{"ListDoubleComma", "[1,,2]", refused},
	{"ListLeadingComma", "[,1]", refused},
	{"ListCommaAlone", "[,]", refused},
	{"ListColon", `["a":1]`, refused},
	{"ListNoComma", "[1 2]", refused},
	{"ListNoCommaTexts", `["a" "b"]`, refused},
	{"ListSemicolon", "[1;2]", refused},
	{"ListUnclosed", "[1", refused},
	{"ListUnclosedComma", "[1,", refused},
	{"ListOpenInList", "[[1]", refused},
	{"ListNewlineOpen", "[1,\n1\n,1", refused},
	{"Star", "[*]", refused},
	{"AngleBracket", "<.>", refused},
	{"Ampersand", "[&]", refused},
	{"LineComment", "[1 // one\n]", refused},
	{"BlockComment", "[1 /* one */]", refused},
	{"HashComment", "[1 # one\n]", refused},
	{"OpenComment", "[1] /*", refused},
	{"ListGarbageBehind", "[1] x", refused},
	{"ListTwoBehind", "[1][2]", refused},
	{"ObjectGarbageBehind", `{"a":1} x`, refused},
	{"ObjectHashBehind", `{"a":1}#`, refused},
	{"ObjectTrailingComma", `{"a":1,}`, refused},
	{"ObjectTrailingCommas", `{"a":1,,}`, refused},
	{"ObjectDoubleComma", `{"a":1,,"b":2}`, refused},
	{"ObjectLeadingComma", `{,"a":1}`, refused},
	{"ObjectCommaAlone", `{,}`, refused},
	{"ObjectDoubleColon", `{"a"::1}`, refused},
	{"ObjectCommaForColon", `{"a",1}`, refused},
	{"ObjectEqualsSign", `{"a"=1}`, refused},
	{"ObjectArrow", `{"a"=>1}`, refused},
	{"ObjectNoColon", `{"a" 1}`, refused},
	{"ObjectNoValue", `{"a":}`, refused},
	{"ObjectNameAlone", `{"a"}`, refused},
	{"ObjectNoComma", `{"a":1 "b":2}`, refused},
	{"ObjectUnclosed", `{"a":1`, refused},
	{"ObjectUnclosedComma", `{"a":1,`, refused},
	{"ObjectUnclosedColon", `{"a":`, refused},
	{"ObjectGarbageInside", `{"a":1 x}`, refused},
	{"ObjectBracketName", `{[:1}`, refused},
	{"NBSP", "[1,\u00a02]", refused},
	{"WordJoiner", "[1,\u20602]", refused},
	{"ZeroWidthSpace", "[1,\u200b2]", refused},
	{"LineSeparator", "[1,\u20282]", refused},
	{"IdeographicSpace", "[1,\u30002]", refused},
	{"NextLine", "[1,\u00852]", refused},
	{"FormFeed", "[1,\f2]", refused},
	{"VerticalTab", "[1,\v2]", refused},
	{"Backspace", "[1,\b2]", refused},
	{"NULBetween", "[1,\x002]", refused},
	{"Escape", "[1,\x1b2]", refused},
	{"BackslashNewline", "[1,\\n2]", refused},
	{"MarkInside", "[\ufeff1]", refused},
	{"MarkInFront", "\ufeff1", refused},
	{"HalfAMark", "\xef\xbb1", refused},
	{"UTF16", "\xff\xfe[\x00]\x00", refused},
	{"UTF16BE", "\x00[\x00]", refused},
	{"LoneByte", "[\xe9]", refused},
	{"EmptyList", "[]", same},
	{"EmptyObject", "{}", same},
	{"AllSpaces", "[ \t\r\n1\t,\n2\r]", "[1,2]"},
	{"SpacesInObject", "{\n\t\"a\" \r:\n 1 }", `{"a":1}`},
	{"ManySpaces", "[" + strings.Repeat(" ", 4096) + "]", "[]"},
}

// literals are shapes of true, false and null.
var literals = []shape{
	{"True", "true", same},
	{"False", "false", same},
	{"Null", "null", same},
	{"TrueInCapitals", "TRUE", refused},
	{"TrueOfPython", "True", refused},
	{"NoneOfPython", "None", refused},
	{"TrueCutShort", "tru", refused},
	{"FalseCutShort", "fals", refused},
	{"NullCutShort", "nul", refused},
	{"NullMisspelt", "nall", refused},
	{"TrueOne", "true1", refused},
	{"TrueTwice", "truetrue", refused},
	{"TrueAndNUL", "true\x00", refused},
	{"TrueInParts", "tr ue", refused},
	{"TrueEscaped", `\u0074rue`, refused},
	{"TrueFullWidth", "\uff54\uff52\uff55\uff45", refused},
	{"Undefined", "undefined", refused},
	{"BareWord", "word", refused},
	{"Call", "eval(1)", refused},
	{"Pattern", "/a/", refused},
	{"Template", "`a`", refused},
}

// numbers are shapes of numbers. What is read is handed on digit by digit.
var numbers = []shape{
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
	{"LeadingZero", "01", refused},
	{"MinusLeadingZero", "-01", refused},
	{"TwoZeros", "00", refused},
	{"LeadingZeroPoint", "012.5", refused},
	{"Plus", "+1", refused},
	{"PlusPlus", "++1", refused},
	{"PlusMinus", "+-1", refused},
	{"MinusAlone", "-", refused},
	{"MinusMinus", "--1", refused},
	{"MinusSpace", "- 1", refused},
	{"MinusWord", "-x", refused},
	{"PointFirst", ".5", refused},
	{"MinusPointFirst", "-.5", refused},
	{"PointLast", "1.", refused},
	{"PointAlone", ".", refused},
	{"TwoPoints", "1.2.3", refused},
	{"PointExponent", "1.e1", refused},
	{"ExponentAlone", "e1", refused},
	{"NoExponent", "1e", refused},
	{"ExponentPlus", "1e+", refused},
	{"ExponentMinus", "1e-", refused},
	{"TwoExponents", "1e1e1", refused},
	{"PointInExponent", "1e1.5", refused},
	{"TwoSignsInExponent", "1e+-1", refused},
	{"Hex", "0x10", refused},
	{"HexCut", "0x", refused},
	{"Octal", "0o17", refused},
	{"Binary", "0b1", refused},
	{"Underscores", "1_000", refused},
	{"Commas", "1,000", refused},
	{"Spaces", "1 000", refused},
	{"Letter", "12a", refused},
	{"Suffix", "1L", refused},
	{"Float", "1.0f", refused},
	{"NaN", "NaN", refused},
	{"MinusNaN", "-NaN", refused},
	{"Inf", "Inf", refused},
	{"Infinity", "Infinity", refused},
	{"MinusInfinity", "-Infinity", refused},
	{"PlusInfinity", "+Infinity", refused},
	{"Expression", "1+2", refused},
	{"FullWidth", "\uff11\uff12", refused},
	{"ArabicDigits", "\u0661\u0662", refused},
	{"MinusSign", "\u22121", refused},
	{"NumberAndNUL", "1\x00", refused},
	{"NumberAndByte", "1\xe5", refused},
	{"ExponentByte", "1e1\xe5", refused},
}

// TestShapes: what a shape is wanted to say is what encoding/json writes of it.
func TestShapes(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range shapes(3) {
		if seen[s.name] {
			t.Errorf("%s is there twice", s.name)
		}
		seen[s.name] = true
		if s.want == refused {
			continue
		}
		v, err := decoded([]byte(s.text))
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
