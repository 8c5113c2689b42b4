package rules

import (
	"fmt"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// fitting is how what is filled in is made fit for its place in an action.
type fitting struct {
	each func(dst []byte, from int) []byte // rewrites dst[from:], which one hole has put there; nil: it may be anything
	most int                               // bytes of the whole text; a longer one is replaced by its digest; 0: any number
	full bool                              // a hole with nothing to fill in is a failure
}

// fits has the members of an action whose place is narrow. Whatever a payload says, it stays inside its segment, its
// header or its key, and the action is not refused for it. A path of which something is missing is another path: the user's
// becomes that of all users.
var fits = map[string]fitting{
	"path":    {each: encoded, full: true},
	"key":     {each: visible, most: 255},
	"headers": {each: oneLine},
}

// errHole says nothing of where the hole is: the rule's name is told with it.
var errHole = fmt.Errorf("%w: a ${} in path has nothing to fill in", runtime.ErrValue)

// holes appends a leaf as Text.AppendHoles does.
func (f fitting) holes(dst []byte, t *expr.Text, r *runtime.Run) (_ []byte, null bool, err error) {
	if !f.full {
		return t.AppendHoles(dst, r, f.each)
	}
	empty := false
	dst, null, err = t.AppendHoles(dst, r, func(dst []byte, from int) []byte {
		empty = empty || from == len(dst)
		return f.each(dst, from)
	})
	if err == nil && (null || empty) {
		err = errHole
	}
	return dst, null, err
}

// sample stands for a leaf in checks. What is filled in is made fit, and what is written beside it has to be.
func (f fitting) sample(t *expr.Text) []byte {
	outline := t.Outline("x")
	if f.each == nil || f.most > 0 && len(outline) > f.most {
		outline = "x"
	}
	return jsondoc.AppendString(nil, outline)
}

// encoded percent-encodes all but the unreserved characters of RFC 3986, so that no text makes a segment of its own.
func encoded(dst []byte, from int) []byte {
	return percented(dst, from, func(c byte) bool {
		return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
	})
}

// visible percent-encodes what an idempotency key cannot have.
func visible(dst []byte, from int) []byte {
	return percented(dst, from, func(c byte) bool { return ' ' < c && c <= '~' && c != '%' })
}

func percented(dst []byte, from int, plain func(byte) bool) []byte {
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

// oneLine puts spaces in the place of control characters: a header ends at the first line end.
func oneLine(dst []byte, from int) []byte {
	for i := from; i < len(dst); i++ {
		if c := dst[i]; c < ' ' && c != '\t' || c == 0x7f {
			dst[i] = ' '
		}
	}
	return dst
}

// escaped escapes dst[from:], where it must be, as it stands in a JSON string.
func escaped(dst []byte, from int) []byte {
	for _, c := range dst[from:] {
		if c < ' ' || c == '"' || c == '\\' {
			return jsondoc.AppendEscaped(dst[:from], string(dst[from:]))
		}
	}
	return dst
}
