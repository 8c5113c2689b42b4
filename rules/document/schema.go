package document

import (
	"encoding/json"
	"maps"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Object is a JSON Schema, or a part of one.
type Object = map[string]any

// TextSchema is the JSON Schema of a text of at least one character.
const TextSchema = `{"type":"string","minLength":1}`

// ExtensionKeys is the schema of a file's keys for YAML anchors: any value.
func ExtensionKeys() Object {
	return Object{"^" + ExtensionPrefix: Object{"description": "any value, for YAML anchors"}}
}

// Schema returns the JSON Schema of an object that a table of fields decodes, without the fields
// that hooks of type t lack.
func Schema[T any](fields []Field[T], t hook.Type) Object {
	properties, required := Object{}, []string{}
	for i := range fields {
		f := &fields[i]
		if !f.Fits(t) {
			continue
		}
		var value Object
		if err := json.Unmarshal([]byte(f.Schema), &value); err != nil {
			panic(f.Key + ": " + err.Error()) // a table of ours that no test has seen
		}
		if _, refers := value["$ref"]; refers {
			value = Object{"allOf": []any{maps.Clone(value)}}
		}
		value["description"] = f.Doc
		properties[f.Key] = value
		if f.Required {
			required = append(required, f.Key)
		}
	}
	s := Object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// MarshalSchema writes a schema as indented JSON.
func MarshalSchema(schema Object) []byte {
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // maps, slices and texts only
	}
	return append(text, '\n')
}
