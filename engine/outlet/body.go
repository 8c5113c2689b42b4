package outlet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// maxBody is the longest body, in bytes, that is made into a form or a line.
const maxBody = 16 << 20

// parseBody reads a step's body where its shape matters.
func parseBody(d *jsondoc.Doc, body []byte) (jsondoc.Node, error) {
	if err := d.Parse(body, jsondoc.Limits{Bytes: maxBody}); err != nil {
		return jsondoc.Node{}, fmt.Errorf("%w: its body: %w", ErrStep, err)
	}
	return d.Root(), nil
}

// encodeForm writes a JSON object as application/x-www-form-urlencoded, in the order of its members. A list gives its name once
// for each element, null and a missing value nothing, an object its JSON, as Slack's payload field wants it.
func encodeForm(body []byte) ([]byte, error) {
	var d jsondoc.Doc
	root, err := parseBody(&d, body)
	if err != nil {
		return nil, err
	}
	if root.Kind() != jsondoc.Object {
		return nil, fmt.Errorf("%w: a form is made of an object", ErrStep)
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

// encodeLine writes a step as one line: its body, an object, with its key as the first member; what is not an object stands
// in a member called body. A member of the key's name in the body is left out: who reads the file knows repeats by the key,
// and an event that brings one of its own would pass for another.
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
		out.Bytes()[at] = ',' // instead of its brace
	}
	out.WriteByte('\n')
	return out.Bytes(), err
}

// writeMembersExcept writes the members of an object, each behind a comma, without those of one name.
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
