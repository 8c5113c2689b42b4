package expr

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
)

func upper(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	return cased(r, args[0], 'a', 'z', unicode.ToUpper)
}

func lower(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	return cased(r, args[0], 'A', 'Z', unicode.ToLower)
}

// cased changes the case of a text; one that has nothing from..to and nothing beyond ASCII stays where it is.
func cased(r *runtime.Run, v runtime.Value, from, to byte, change func(rune) rune) runtime.Value {
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
		b := append(room(r, len(s)), s...)
		for i, c := range b {
			if c-from <= to-from {
				b[i] = c ^ 0x20
			}
		}
		return built(b)
	}
	charge(r, int64(len(s)))
	b := room(r, len(s)+len(s)/2+utf8.UTFMax) // no letter grows by more than half
	for _, c := range s {
		b = utf8.AppendRune(b, change(c))
	}
	return built(b)
}

func trim(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	s := args[0].Text()
	set := "\t\n\v\f\r \u0085\u00a0"
	if len(args) == 2 {
		set = args[1].Text()
	}
	cost := 1 + int64(len(set))>>4
	for s != "" {
		c, size := utf8.DecodeRuneInString(s)
		if charge(r, cost); !strings.ContainsRune(set, c) {
			break
		}
		s = s[size:]
	}
	for s != "" {
		c, size := utf8.DecodeLastRuneInString(s)
		if charge(r, cost); !strings.ContainsRune(set, c) {
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
	b := building(r, 0)
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

// stride is how much of a text is searched for the next of many parts between two questions to the Meter: of a window most
// would be asked for again and again.
const stride = 1 << 10

// index finds part in s, and asks the Meter for every stride that is searched.
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

// replace makes two passes, so that the room is asked for before anything is written.
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
	b := room(r, len(s)+times*(len(to)-len(from)))
	for range times {
		i, _ := index(r, s, from)
		b = append(append(b, s[:i]...), to...)
		s = s[i+len(from):]
	}
	return built(append(b, s...))
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
		if v.Kind() > runtime.String {
			fail(pos, "join wants a list of texts, got %s in it", v.Kind())
		}
		if parts++; parts > 1 {
			size += len(sep)
		}
		size += textSize(v)
		return size <= maxText
	})
	b := room(r, size)
	each(r, args[0], func(_ int, v runtime.Value) bool {
		if v.IsNull() {
			return true
		}
		if parts--; v.Kind() == runtime.String {
			b = append(b, v.Text()...)
		} else {
			b = v.AppendScalar(b)
		}
		if parts > 0 {
			b = append(b, sep...)
		}
		return true
	})
	return built(b)
}

// textSize is how many bytes textOf(v) has at most.
func textSize(v runtime.Value) int {
	if v.Kind() == runtime.String {
		return len(v.Text())
	}
	return max(32, len(v.Node().Raw()))
}

// textOf is a text, number or boolean as a text.
func textOf(r *runtime.Run, v runtime.Value) runtime.Value {
	if v.Kind() == runtime.String {
		return v
	}
	return built(v.AppendScalar(room(r, textSize(v))))
}

func toText(r *runtime.Run, args []runtime.Value, _ string) runtime.Value { return textOf(r, args[0]) }

func toInt(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	v := args[0]
	if v.Kind() == runtime.Int {
		return v
	}
	if v.Kind() == runtime.Float {
		return whole(math.Trunc(v.Float()), pos)
	}
	if s := numeral(r, v.Text()); s != "" {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return runtime.IntOf(i)
		}
	}
	fail(pos, "int wants a text that is a whole number")
	return v
}

func toFloat(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	v := args[0]
	if numeric(v) {
		return finite(v.Float(), pos)
	}
	if s := numeral(r, v.Text()); s != "" {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return finite(f, pos)
		}
	}
	fail(pos, "float wants a text that is a number")
	return v
}

// numeral is s without white space around it, "" when that is longer than any number need be.
func numeral(r *runtime.Run, s string) string {
	charge(r, int64(len(s))>>4)
	if s = strings.TrimSpace(s); len(s) > 64 {
		return ""
	}
	return s
}
