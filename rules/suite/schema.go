package suite

import (
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// Schema returns the JSON Schema of *_test.yaml files, made from the tables that the reader of
// cases uses.
func Schema() []byte {
	root := document.Schema(testFileFields, 0)
	root["patternProperties"] = document.ExtensionKeys()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Tests of a Tenterhook policy"
	test := document.Schema(testFields, 0)
	test["oneOf"] = []any{
		document.Object{"required": []string{"cases"}},
		document.Object{"required": []string{"table"}},
		document.Object{"required": []string{"expect"}, "not": document.Object{"anyOf": []any{document.Object{"required": []string{"cases"}}, document.Object{"required": []string{"table"}}}}},
	}
	root["$defs"] = document.Object{
		"test":   test,
		"case":   document.Schema(itemFields, 0),
		"expect": document.Schema(expectFields, 0),
		"input": document.Object{"oneOf": []any{
			document.Object{"type": "string"},
			document.Object{"type": "object", "properties": document.Object{"sample": document.Object{"enum": sample.Names()}}, "required": []string{"sample"}, "additionalProperties": false},
			document.Object{"type": "object", "required": []string{"eventType"}},
		}},
	}
	return document.MarshalSchema(root)
}
