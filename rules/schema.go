package rules

import (
	"maps"

	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/tables"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

//go:generate go test -run TestSchemaIsFresh -update .

// Schema returns the JSON Schema (2020-12) of policy files, for editors. It is built from the
// decoder's tables of fields.
func Schema() []byte {
	root := document.Schema(fileFields, 0)
	root["patternProperties"] = document.ExtensionKeys()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Tenterhook policy"
	defs := document.Object{
		"budget": document.Schema(budgetFields, 0),
		"table": document.Object{"oneOf": []any{
			document.Object{"type": "array", "description": "A set."},
			document.Object{"type": "object", "not": document.Object{"required": []string{"file"}}, "description": "A map."},
			document.Schema(tables.Fields, 0),
		}},
		"destination": document.Schema(destinationFields, 0),
		"retry":       document.Schema(retryFields, 0),
		"breaker":     document.Schema(breakerFields, 0),
		"rotate":      document.Schema(rotateFields, 0),
		"action":      document.Schema(sendFields, 0),
		"module":      document.Schema(moduleFields, 0),
	}
	maps.Copy(defs, credential.Schemas())
	each := document.Schema(hookFields, 0)
	var choices []any
	for _, t := range hook.Types() {
		name := t.String() + "-rule"
		defs[name] = document.Schema(allRuleFields, t)
		choices = append(choices, document.Object{
			"if":   document.Object{"properties": document.Object{"type": document.Object{"const": t.String()}}, "required": []string{"type"}},
			"then": document.Object{"properties": document.Object{"rules": document.Object{"items": document.Object{"$ref": "#/$defs/" + name}}}},
		})
	}
	each["allOf"] = choices
	each["properties"].(document.Object)["rules"] = document.Object{"type": "array", "description": "What is decided, in order."}
	defs["hook"] = each
	root["$defs"] = defs
	return document.MarshalSchema(root)
}
