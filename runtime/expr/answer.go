package expr

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// answerMembers are the members of a destination's answer, for its ok.
const answerMembers = `
number status
open   headers
any    body`

// NewAnswerEnv makes the Env of a destination's ok, which reads vars, tables and the answer:
// status, headers by their lower-case names, and body, which is a text when it is not JSON. The
// event of a Run is an object with these members. o.Type is ignored.
func NewAnswerEnv(o Options) *Env {
	o.Type = 0
	e := NewEnv(o)
	e.event = schema.Parse(answerMembers)
	return e
}

// AppendAnswer appends the object that a Run of such an Env has as its event. A header that came
// several times is joined with commas (RFC 9110 section 5.3).
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
