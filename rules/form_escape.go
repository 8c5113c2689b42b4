package rules

import (
	"fmt"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// escaping describes how interpolated values are escaped for their position in an action.
type escaping struct {
	escape   func(dst []byte, from int) []byte // rewrites dst[from:], the value of one hole; nil: no escaping
	maxBytes int                               // length limit of the whole text; a longer text is replaced by its digest; 0: no limit
	required bool                              // an empty hole is a failure
}

// escapings lists the members of an action with restricted values. A value of the payload stays
// inside its path segment, header or key, and never makes the action invalid. An empty hole in a
// path fails, because the result would be another resource: that of all users instead of one.
var escapings = map[string]escaping{
	"path":    {escape: encodeSegment, required: true},
	"key":     {escape: encodeKey, maxBytes: 255},
	"headers": {escape: replaceControls},
}

// errHole occurs for an empty hole in a path; the caller adds the name of the rule.
var errHole = fmt.Errorf("%w: a ${} in path has nothing to fill in", runtime.ErrValue)

// appendHoles appends a leaf like Text.AppendHoles, with escaped holes.
func (f escaping) appendHoles(dst []byte, t *expr.Text, r *runtime.Run) (_ []byte, null bool, err error) {
	if !f.required {
		return t.AppendHoles(dst, r, f.escape)
	}
	empty := false
	dst, null, err = t.AppendHoles(dst, r, func(dst []byte, from int) []byte {
		empty = empty || from == len(dst)
		return f.escape(dst, from)
	})
	if err == nil && (null || empty) {
		err = errHole
	}
	return dst, null, err
}

// sample returns a stand-in for a leaf in checks. Constant parts must be valid as written.
func (f escaping) sample(t *expr.Text) []byte {
	outline := t.Outline("x")
	if f.escape == nil || f.maxBytes > 0 && len(outline) > f.maxBytes {
		outline = "x"
	}
	return jsondoc.AppendString(nil, outline)
}

// encodeSegment percent-encodes all but the unreserved characters of RFC 3986, so that no value
// adds a path segment.
func encodeSegment(dst []byte, from int) []byte {
	return percentEncode(dst, from, func(c byte) bool {
		return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
	})
}

// encodeKey percent-encodes the characters that idempotency keys cannot have.
func encodeKey(dst []byte, from int) []byte {
	return percentEncode(dst, from, func(c byte) bool { return ' ' < c && c <= '~' && c != '%' })
}

func percentEncode(dst []byte, from int, plain func(byte) bool) []byte {
	for i := from; i < len(dst); i++ {
		if plain(dst[i]) {
			continue
		}
		rest := string(dst[i:])
		dst = dst[:i]
		for j := range len(rest) {
			if c := rest[j]; plain(c) {
				dst = append(dst, c)
			} else {
				dst = fmt.Appendf(dst, "%%%02X", c)
			}
		}
		return dst
	}
	return dst
}

// replaceControls replaces control characters by spaces: a line end would end the header.
func replaceControls(dst []byte, from int) []byte {
	for i := from; i < len(dst); i++ {
		if c := dst[i]; c < ' ' && c != '\t' || c == 0x7f {
			dst[i] = ' '
		}
	}
	return dst
}

// escapeTail escapes dst[from:] for a JSON string where needed.
func escapeTail(dst []byte, from int) []byte {
	for _, c := range dst[from:] {
		if c < ' ' || c == '"' || c == '\\' {
			return jsondoc.AppendEscaped(dst[:from], string(dst[from:]))
		}
	}
	return dst
}
