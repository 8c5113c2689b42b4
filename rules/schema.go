package rules

import (
	"encoding/json"
	"maps"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

//go:generate go test -run TestSchemaIsFresh -update .

// Schema is the JSON Schema (2020-12) of policy files, for editors. It is made from the tables the decoder reads by.
func Schema() []byte {
	root := objectOf(fileFields, 0)
	root["patternProperties"] = extensionKeys()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Tenterhook policy"
	defs := object{
		"budget": objectOf(budgetFields, 0),
		"auth":   authSchema(),
		"secret": object{"oneOf": []any{object{"type": "string"}, objectOf(namedFields, 0)}},
		"oauth":  objectOf(oauthFields, 0),
		"org":    objectOf(orgFields, 0),
		"table": object{"oneOf": []any{
			object{"type": "array", "description": "A set."},
			object{"type": "object", "not": object{"required": []string{"file"}}, "description": "A map."},
			objectOf(tableFields, 0),
		}},
		"destination": objectOf(destinationFields, 0),
		"retry":       objectOf(retryFields, 0),
		"breaker":     objectOf(breakerFields, 0),
		"rotate":      objectOf(rotateFields, 0),
		"action":      objectOf(sendFields, 0),
		"module":      objectOf(moduleFields, 0),
	}
	each := objectOf(hookFields, 0)
	var choices []any
	for _, t := range hook.Types() {
		name := t.String() + "-rule"
		defs[name] = objectOf(allRuleFields, t)
		choices = append(choices, object{
			"if":   object{"properties": object{"type": object{"const": t.String()}}, "required": []string{"type"}},
			"then": object{"properties": object{"rules": object{"items": object{"$ref": "#/$defs/" + name}}}},
		})
	}
	each["allOf"] = choices
	each["properties"].(object)["rules"] = object{"type": "array", "description": "What is decided, in order."}
	defs["hook"] = each
	root["$defs"] = defs
	return written(root)
}

// CasesSchema is the JSON Schema of *_test.yaml files, likewise.
func CasesSchema() []byte {
	root := objectOf(testFileFields, 0)
	root["patternProperties"] = extensionKeys()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Tests of a Tenterhook policy"
	test := objectOf(testFields, 0)
	test["oneOf"] = []any{
		object{"required": []string{"cases"}},
		object{"required": []string{"table"}},
		object{"required": []string{"expect"}, "not": object{"anyOf": []any{object{"required": []string{"cases"}}, object{"required": []string{"table"}}}}},
	}
	root["$defs"] = object{
		"test":   test,
		"case":   objectOf(itemFields, 0),
		"expect": objectOf(expectFields, 0),
		"input": object{"oneOf": []any{
			object{"type": "string"},
			object{"type": "object", "properties": object{"sample": object{"enum": sample.Names()}}, "required": []string{"sample"}, "additionalProperties": false},
			object{"type": "object", "required": []string{"eventType"}},
		}},
	}
	return written(root)
}

func written(schema object) []byte {
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // maps, slices and texts only
	}
	return append(text, '\n')
}

type object = map[string]any

func authSchema() object {
	line := objectOf(lineFields, 0)
	return object{"oneOf": []any{
		object{"const": "none"},
		object{"type": "array", "minItems": 1, "items": object{"oneOf": []any{line, object{"type": "array", "items": line}}}},
	}}
}

// extensionKeys is the schema of a file's keys for YAML anchors: any value.
func extensionKeys() object {
	return object{"^" + document.ExtensionPrefix: object{"description": "any value, for YAML anchors"}}
}

// objectOf is the schema of an object that is read by a table; t leaves out what is not for its hooks.
func objectOf[T any](fields []document.Field[T], t hook.Type) object {
	properties, required := object{}, []string{}
	for i := range fields {
		f := &fields[i]
		if !f.Fits(t) {
			continue
		}
		var value object
		if err := json.Unmarshal([]byte(f.Schema), &value); err != nil {
			panic(f.Key + ": " + err.Error()) // a table of ours that no test has seen
		}
		if _, refers := value["$ref"]; refers {
			value = object{"allOf": []any{maps.Clone(value)}}
		}
		value["description"] = f.Doc
		properties[f.Key] = value
		if f.Required {
			required = append(required, f.Key)
		}
	}
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
