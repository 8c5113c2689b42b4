package rule

import (
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// appendValue appends v as JSON. It returns false for unsupported types. It encodes the usual types
// of attributes and claims without encoding/json, which makes a module half as large again: use
// JSON for other types.
func appendValue(dst []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), true
	case string:
		return appendText(dst, v), true
	case bool:
		return strconv.AppendBool(dst, v), true
	case int:
		return strconv.AppendInt(dst, int64(v), 10), true
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), true
	case int64:
		return strconv.AppendInt(dst, v, 10), true
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10), true
	case uint64:
		return strconv.AppendUint(dst, v, 10), true
	case float64:
		return appendFloat(dst, v)
	case Value:
		return append(dst, v...), v != ""
	case []string:
		return appendList(dst, v)
	case []any:
		return appendList(dst, v)
	case map[string]string:
		return appendObject(dst, v)
	case map[string]any:
		return appendObject(dst, v)
	}
	return dst, false
}

// appendFloat appends a number. JSON has no infinities and NaN.
func appendFloat(dst []byte, v float64) ([]byte, bool) {
	if v-v != 0 {
		return dst, false
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64), true
}

func appendList[T any](dst []byte, list []T) ([]byte, bool) {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = appendValue(dst, v); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

// appendObject appends the members sorted by name, so the same event gives the same draft.
func appendObject[T any](dst []byte, object map[string]T) ([]byte, bool) {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = appendValue(append(appendText(dst, name), ':'), object[name]); !ok {
			return dst, false
		}
	}
	return append(dst, '}'), true
}

// appendText appends s as a JSON string. Invalid UTF-8 becomes U+FFFD, because the host rejects it.
func appendText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\ufffd"...)
				from = i + n
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = append(dst, s[from:i]...)
			if c < ' ' {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				dst = append(dst, '\\', c)
			}
			from = i + 1
		}
		i++
	}
	return append(append(dst, s[from:]...), '"')
}
