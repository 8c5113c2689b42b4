package expr

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// textFunctions work on texts.
var textFunctions = map[string]*function{
	"lower": {usage: "lower(text) text", doc: "in lower case",
		example: `lower('Ada@Example.com')`, value: `"ada@example.com"`, cost: "1 + text/8",
		args: []types{text}, result: text, form: lowerForm, pure: true, keepsSecret: true, call: lower},
	"upper": {usage: "upper(text) text", doc: "in upper case",
		example: `upper('ada')`, value: `"ADA"`, cost: "1 + text/8",
		args: []types{text}, result: text, form: upperForm, pure: true, keepsSecret: true, call: upper},
	"trim": {usage: "trim(text, characters?) text", doc: "without the white space of Unicode, or those characters, at both ends",
		example: `trim('  ada ')`, value: `"ada"`, cost: "1 + the part that is cut off",
		args: []types{text, text}, optional: 1, result: text, price: trimPrice, pure: true, keepsSecret: true, call: trim},
	"trimPrefix": {usage: "trimPrefix(text, prefix) text", doc: "without that prefix",
		example: `trimPrefix('app:crm', 'app:')`, value: `"crm"`, cost: "1 + prefix/64",
		args: []types{text, text}, result: text, call: trimPrefix},
	"trimSuffix": {usage: "trimSuffix(text, suffix) text", doc: "without that suffix",
		example: `trimSuffix('ada.ext', '.ext')`, value: `"ada"`, cost: "1 + suffix/64",
		args: []types{text, text}, result: text, call: trimSuffix},
	"hasPrefix": {usage: "hasPrefix(text, prefix) boolean", doc: "the same as startsWith",
		example: `hasPrefix('app:crm', 'app:')`, value: `true`, cost: "1 + prefix/64",
		args: []types{text, text}, result: boolean, call: hasPrefix, op: "startsWith"},
	"hasSuffix": {usage: "hasSuffix(text, suffix) boolean", doc: "the same as endsWith",
		example: `hasSuffix('ada.ext', '.ext')`, value: `true`, cost: "1 + suffix/64",
		args: []types{text, text}, result: boolean, call: hasSuffix, op: "endsWith"},
	"split": {usage: "split(text, separator, parts?) list", doc: "the text's parts, at most so many",
		example: `split('a,b,c', ',', 2)`, value: `["a","b,c"]`, cost: "text/64 + 1 for each part",
		args: []types{text, text, number}, optional: 1, result: list, price: splitPrice, size: splitSize, constProblem: notEmptyText(1, "split wants a separator that is not empty: len(x) counts the characters of x, and x[i:i+1] is one of them"), call: split},
	"join": {usage: "join(list, separator?) text", doc: "texts, numbers and booleans put together; null ones are left out",
		example: `join(['a', nil, 7], '-')`, value: `"a-7"`, cost: "text/16 + 1 for each value",
		args: []types{list, text}, optional: 1, result: text, size: joinSize, keepsSecret: true, call: join},
	"replace": {usage: "replace(text, old, new) text", doc: "with every old replaced by new",
		example: `replace('a.b.c', '.', '-')`, value: `"a-b-c"`, cost: "text/32 + the result/16",
		args: []types{text, text, text}, result: text, price: replacePrice, size: func(args []size, _ int64) size { return size{n: replacedSize(args)} }, constProblem: notEmptyText(1, "replace wants a text to look for that is not empty: write new + x to put a text in front"), call: replace},
	"string": {usage: "string(value) text", doc: "a text, number or boolean as a text; equal numbers give the same one: 1.0 and 1e0 are 1",
		example: `string(1.50)`, value: `"1.5"`, cost: "1 + value/16",
		args: []types{text | number | boolean}, result: text, keepsSecret: true, call: toText},
	"len": {usage: "len(text, list, object or table) number", doc: "how many characters, values or members; 0 when it is missing",
		example: `len('Grüße')`, value: `5`, cost: "texts: 1 + text/16",
		args: []types{text | list | object}, result: number, empty: true, table: tableLength, price: func(args []size, _ int64) int64 { return runtime.Sum(2, args[0].n>>3) }, call: length},
	"padStart": {usage: "padStart(text, length, filling?) text", doc: "with white space, or that text again and again, in front until it has so many characters",
		example: `padStart('42', 6, '0')`, value: `"000042"`, cost: "1 + the result/16",
		args: []types{text, number, text}, optional: 1, result: text, price: padPrice, size: maxTextSize, constProblem: notEmptyText(2, "padStart wants a filling that is not empty: leave it out for white space"), call: padStart},
	"padEnd": {usage: "padEnd(text, length, filling?) text", doc: "the same, behind it",
		example: `padEnd('ab', 4, '.')`, value: `"ab.."`, cost: "1 + the result/16",
		args: []types{text, number, text}, optional: 1, result: text, price: padPrice, size: maxTextSize, constProblem: notEmptyText(2, "padEnd wants a filling that is not empty: leave it out for white space"), call: padEnd},
}

func lowerForm(s string) string { return strings.Map(unicode.ToLower, s) }
func upperForm(s string) string { return strings.Map(unicode.ToUpper, s) }

func tableLength(t *table.Table) runtime.Value { return runtime.IntOf(int64(t.Len())) }

func trimPrice(args []size, _ int64) int64 {
	set := int64(8)
	if len(args) == 2 {
		set = args[1].n
	}
	return runtime.Product(args[0].n+2, 2+set>>3)
}

func splitPrice(args []size, _ int64) int64 {
	return runtime.Sum(builderCost(args[0].n), searchCost(args[0].n, args[1].n))
}

func splitSize(args []size, _ int64) size {
	return size{n: min(args[0].n+1, maxList), of: &size{n: args[0].n}}
}

func joinSize(args []size, sum int64) size {
	return size{n: min(runtime.Product(args[0].n, args[0].element().n+sum), maxText)}
}

func replacePrice(args []size, _ int64) int64 {
	return runtime.Sum(32, runtime.Product(2, searchCost(args[0].n, args[1].n)), replacedSize(args)>>3)
}

// searchCost is the fuel of finding all parts of a text.
func searchCost(n, part int64) int64 { return runtime.Product(n+1, 3+min(n, stride+part)>>6) }

func replacedSize(args []size) int64 {
	return min(runtime.Sum(args[0].n, runtime.Product(args[0].n+1, args[2].n)), maxText)
}

func padPrice([]size, int64) int64 { return 32 + maxText>>3 }

func upper(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	return changeCase(r, args[0], 'a', 'z', unicode.ToUpper)
}

func lower(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	return changeCase(r, args[0], 'A', 'Z', unicode.ToLower)
}

// changeCase changes the case of a text; an ASCII text without letters from..to is returned as it
// is.
func changeCase(r *runtime.Run, v runtime.Value, from, to byte, change func(rune) rune) runtime.Value {
	s := v.Text()
	same, ascii := true, true
	for i := 0; i < len(s) && (same || ascii); i++ {
		if i&(window-1) == 0 {
			charge(r, 1+int64(min(window, len(s)-i))>>4)
		}
		same = same && s[i]-from > to-from
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	switch {
	case same && ascii:
		return v
	case ascii:
		b := append(reserveText(r, len(s)), s...)
		for i, c := range b {
			if c-from <= to-from {
				b[i] = c ^ 0x20
			}
		}
		return textOfBytes(b)
	}
	charge(r, int64(len(s)))
	b := reserveText(r, len(s)+len(s)/2+utf8.UTFMax) // no letter grows by more than half
	for _, c := range s {
		b = utf8.AppendRune(b, change(c))
	}
	return textOfBytes(b)
}

func trim(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	s := args[0].Text()
	cut, cost := unicode.IsSpace, int64(1)
	if len(args) == 2 {
		set := args[1].Text()
		cut = func(c rune) bool { return strings.ContainsRune(set, c) }
		cost += int64(len(set)) >> 4
	}
	for s != "" {
		c, size := utf8.DecodeRuneInString(s)
		if charge(r, cost); !cut(c) {
			break
		}
		s = s[size:]
	}
	for s != "" {
		c, size := utf8.DecodeLastRuneInString(s)
		if charge(r, cost); !cut(c) {
			break
		}
		s = s[:len(s)-size]
	}
	return runtime.TextOf(s)
}

func trimPrefix(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	charge(r, int64(len(args[1].Text()))>>6)
	return runtime.TextOf(strings.TrimPrefix(args[0].Text(), args[1].Text()))
}

func trimSuffix(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	charge(r, int64(len(args[1].Text()))>>6)
	return runtime.TextOf(strings.TrimSuffix(args[0].Text(), args[1].Text()))
}

func hasPrefix(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	return runtime.BoolOf(startsWith(r, args[0].Text(), args[1].Text()))
}

func hasSuffix(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	return runtime.BoolOf(endsWith(r, args[0].Text(), args[1].Text()))
}

// split cuts a text in place: its parts share its memory.
func split(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	s, sep := args[0].Text(), args[1].Text()
	if sep == "" {
		fail(pos, "split wants a separator")
	}
	most := int64(math.MaxInt64)
	if len(args) == 3 {
		most = max(1, wantInt(args[2], pos))
	}
	b := newBuilder(r, 0)
	for int64(len(b.values)) < most-1 {
		i, ok := index(r, s, sep)
		if !ok {
			break
		}
		b.add(runtime.TextOf(s[:i]))
		s = s[i+len(sep):]
	}
	b.add(runtime.TextOf(s))
	return runtime.ListOf(b.values)
}

// stride is how much of a text is searched for the next of many parts between two charges; a window
// would be charged again and again.
const stride = 1 << 10

// index finds part in s and charges for every stride.
func index(r *runtime.Run, s, part string) (int, bool) {
	for from := 0; ; from += stride {
		end := min(len(s), from+stride+len(part))
		charge(r, 1+int64(end-from)>>6)
		if i := strings.Index(s[from:end], part); i >= 0 {
			return from + i, true
		}
		if end == len(s) {
			return 0, false
		}
	}
}

// replace makes two passes, so that memory is reserved before anything is written.
func replace(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	s, from, to := args[0].Text(), args[1].Text(), args[2].Text()
	if from == "" {
		fail(pos, "replace wants a text to look for")
	}
	times := 0
	for rest := s; ; times++ {
		i, ok := index(r, rest, from)
		if !ok {
			break
		}
		rest = rest[i+len(from):]
	}
	if times == 0 {
		return args[0]
	}
	b := reserveText(r, len(s)+times*(len(to)-len(from)))
	for range times {
		i, _ := index(r, s, from)
		b = append(append(b, s[:i]...), to...)
		s = s[i+len(from):]
	}
	return textOfBytes(append(b, s...))
}

// join makes two passes too.
func join(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	sep := ""
	if len(args) == 2 {
		sep = args[1].Text()
	}
	size, parts := 0, 0
	each(r, args[0], func(_ int, v runtime.Value) bool {
		if v.IsNull() {
			r.Scratch.Missed = true
			return true
		}
		if isUnparsedNumber(v) {
			fail(pos, "join: %s", unparsedNumber)
		}
		if v.Kind() > runtime.String {
			fail(pos, "join wants a list of texts, got %s in it", v.Kind())
		}
		if parts++; parts > 1 {
			size += len(sep)
		}
		size += textSize(v)
		return size <= maxText
	})
	b := reserveText(r, size)
	each(r, args[0], func(_ int, v runtime.Value) bool {
		if v.IsNull() {
			return true
		}
		if parts--; v.Kind() == runtime.String {
			b = append(b, v.Text()...)
		} else {
			b = v.AppendPlain(b)
		}
		if parts > 0 {
			b = append(b, sep...)
		}
		return true
	})
	return textOfBytes(b)
}

// textSize is an upper bound of the bytes of v as a text.
func textSize(v runtime.Value) int {
	if v.Kind() == runtime.String {
		return len(v.Text())
	}
	return v.PlainSize()
}

// textOf is a text, number or boolean as a text; a number as it is written.
func textOf(r *runtime.Run, v runtime.Value) runtime.Value {
	if v.Kind() == runtime.String {
		return v
	}
	return textOfBytes(v.AppendScalar(reserveText(r, textSize(v))))
}

// toText writes equal numbers alike, so that a caller cannot choose the text.
func toText(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	v := args[0]
	switch {
	case v.Kind() == runtime.String:
		return v
	case isUnparsedNumber(v):
		fail(pos, "string: %s", unparsedNumber)
	}
	return textOfBytes(v.AppendPlain(reserveText(r, textSize(v))))
}

func length(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	v := args[0]
	if v.Kind() == runtime.String {
		return runtime.IntOf(characters(r, v.Text()))
	}
	return runtime.IntOf(int64(v.Len()))
}

// characters counts the characters of s and charges for every window.
func characters(r *runtime.Run, s string) int64 {
	n := 0
	for len(s) > 0 {
		w := s[:min(len(s), window)]
		charge(r, 1+int64(len(w))>>4)
		for i := range len(w) {
			if utf8.RuneStart(w[i]) {
				n++
			}
		}
		s = s[len(w):]
	}
	return int64(n)
}

// skip is the number of bytes of the first n characters; all of s when it has fewer.
func skip(r *runtime.Run, s string, n int64) int {
	for i := range len(s) {
		if i&(window-1) == 0 {
			charge(r, 1+int64(min(window, len(s)-i))>>4)
		}
		if utf8.RuneStart(s[i]) {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return len(s)
}

func padStart(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	fill := padding(r, args, pos)
	if fill == nil {
		return args[0]
	}
	return concatTexts(r, textOfBytes(fill).Text(), args[0].Text())
}

func padEnd(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	fill := padding(r, args, pos)
	if fill == nil {
		return args[0]
	}
	return concatTexts(r, args[0].Text(), textOfBytes(fill).Text())
}

// padding is the text that is missing up to the wanted length; nil when there is none.
func padding(r *runtime.Run, args []runtime.Value, pos string) []byte {
	with := " "
	if len(args) == 3 {
		if with = args[2].Text(); with == "" {
			fail(pos, "want a text to fill up with")
		}
	}
	lacks := wantInt(args[1], pos) - characters(r, args[0].Text())
	if lacks <= 0 {
		return nil
	}
	if lacks > maxText {
		failTooLarge("a text of more than %d bytes", maxText)
	}
	charge(r, lacks>>3)
	size := int(lacks/characters(r, with)) * len(with)
	size += skip(r, with, lacks%characters(r, with))
	b := reserveText(r, size)
	for len(b)+len(with) <= size {
		b = append(b, with...)
	}
	return append(b, with[:size-len(b)]...)
}
