package outlet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// maxBody is the limit, in bytes, of a body that is converted to a form or a line.
const maxBody = 16 << 20

// parseBody parses a step's body, where its shape matters.
func parseBody(d *jsondoc.Doc, body []byte) (jsondoc.Node, error) {
	if err := d.Parse(body, jsondoc.Limits{Bytes: maxBody}); err != nil {
		return jsondoc.Node{}, fmt.Errorf("%w: parse its body: %w", ErrStep, err)
	}
	return d.Root(), nil
}

// encodeForm renders a JSON object as application/x-www-form-urlencoded, in the order of its
// members. A list repeats its name for each element, null is omitted, and an object becomes its
// JSON, as Slack's payload field needs it.
func encodeForm(body []byte) ([]byte, error) {
	var d jsondoc.Doc
	root, err := parseBody(&d, body)
	if err != nil {
		return nil, err
	}
	if root.Kind() != jsondoc.Object {
		return nil, fmt.Errorf("%w: want an object as the body of a form", ErrStep)
	}
	var out []byte
	for name, value := range root.Members() {
		if value.Kind() != jsondoc.Array {
			out = appendField(out, name, value)
			continue
		}
		for element := range value.Elements() {
			out = appendField(out, name, element)
		}
	}
	return out, nil
}

func appendField(dst []byte, name string, value jsondoc.Node) []byte {
	text := string(value.Raw())
	switch value.Kind() {
	case jsondoc.Missing, jsondoc.Null:
		return dst
	case jsondoc.String:
		text = value.Text()
	}
	if len(dst) > 0 {
		dst = append(dst, '&')
	}
	dst = append(dst, url.QueryEscape(name)...)
	dst = append(dst, '=')
	return append(dst, url.QueryEscape(text)...)
}

// encodeLine renders a step as one line: the object of its body with the idempotency key as the
// first member. A body that is not an object becomes the member "body". A member of the body with
// the key's name is omitted: readers of the file detect repeats by the key, and an event could
// otherwise pass for another one.
func encodeLine(member, key string, body []byte) ([]byte, error) {
	var d jsondoc.Doc
	root, err := parseBody(&d, body)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(len(member) + len(key) + len(body) + 24)
	out.WriteByte('{')
	out.Write(jsondoc.AppendString(nil, member))
	out.WriteByte(':')
	out.Write(jsondoc.AppendString(nil, key))
	switch {
	case root.Kind() != jsondoc.Object:
		out.WriteString(`,"body":`)
		err = json.Compact(&out, root.Raw())
		out.WriteByte('}')
	case root.Get(member).Kind() != jsondoc.Missing:
		err = writeMembersExcept(&out, root, member)
		out.WriteByte('}')
	case root.Len() == 0:
		out.WriteByte('}')
	default:
		at := out.Len()
		err = json.Compact(&out, root.Raw())
		out.Bytes()[at] = ',' // replaces the opening brace
	}
	out.WriteByte('\n')
	return out.Bytes(), err
}

// writeMembersExcept writes an object's members, each after a comma, except those of one name.
func writeMembersExcept(out *bytes.Buffer, object jsondoc.Node, but string) error {
	for name, value := range object.Members() {
		if name == but {
			continue
		}
		out.WriteByte(',')
		out.Write(jsondoc.AppendString(nil, name))
		out.WriteByte(':')
		if err := json.Compact(out, value.Raw()); err != nil {
			return err
		}
	}
	return nil
}
