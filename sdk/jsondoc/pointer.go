package jsondoc

import "strings"

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// EscapePointer escapes a name for a JSON Pointer (RFC 6901). The result is plain text, not yet a
// JSON string.
func EscapePointer(name string) string {
	if strings.IndexByte(name, '~') < 0 && strings.IndexByte(name, '/') < 0 {
		return name
	}
	return escapePointer.Replace(name)
}

// AppendPointer appends another name to a JSON Pointer: a slash and the escaped name.
func AppendPointer(dst []byte, name string) []byte {
	return append(append(dst, '/'), EscapePointer(name)...)
}

// CutPointer splits the first name off a JSON Pointer and unescapes it. The rest is a JSON Pointer
// too. ok is false for "" and for text that is no JSON Pointer.
func CutPointer(pointer string) (name, rest string, ok bool) {
	if pointer == "" || pointer[0] != '/' {
		return "", "", false
	}
	name = pointer[1:]
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	if strings.IndexByte(name, '~') >= 0 {
		name = string(AppendUnescaped(nil, name))
	}
	return name, rest, true
}

// AppendUnescaped appends an escaped name of a JSON Pointer, unescaped.
func AppendUnescaped(dst []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '~' && i+1 < len(name) && (name[i+1] == '0' || name[i+1] == '1') {
			i++
			c = "~/"[name[i]-'0']
		}
		dst = append(dst, c)
	}
	return dst
}
