package expr

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// answers is what a destination answered, for its ok.
const answers = `
number status
open   headers
any    body`

// NewAnswerEnv makes the Env of a destination's ok, which sees vars, tables and what was answered: status, headers by
// their lower-case names, and body, which is a text when it is not JSON. The event of a Run is then an object with
// these. o.Type does not count.
func NewAnswerEnv(o Options) *Env {
	o.Type = 0
	e := NewEnv(o)
	e.event = schema.Parse(answers)
	return e
}

// AppendAnswer appends the object that a Run of such an Env has for its event. A header that came several times is joined
// with commas (RFC 9110 section 5.3).
func AppendAnswer(dst []byte, status int, headers map[string][]string, body []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"status":`...), int64(status), 10)
	dst = append(dst, `,"headers":{`...)
	byName := make(map[string]string, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lower, value := strings.ToLower(name), strings.Join(headers[name], ", ")
		if before, twice := byName[lower]; twice {
			value = before + ", " + value
		}
		byName[lower] = value
	}
	for i, name := range slices.Sorted(maps.Keys(byName)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsondoc.AppendString(append(jsondoc.AppendString(dst, name), ':'), byName[name])
	}
	dst = append(dst, `},"body":`...)
	var d jsondoc.Doc
	if d.Parse(body, jsondoc.Limits{Bytes: len(body)}) == nil {
		dst = append(dst, body...)
	} else {
		dst = jsondoc.AppendString(dst, string(body))
	}
	return append(dst, '}')
}
