package suite

import (
	"slices"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// diffActions compares actions with the expected ones in order. It compares only the members of the
// expected action; rule is the name of the rule of an action.
func diffActions(want []byte, got, redacted []hook.Action) string {
	var doc jsondoc.Doc
	if err := doc.Parse(want, jsondoc.Limits{Bytes: len(want) + 1}); err != nil {
		return err.Error()
	}
	selectMembers := func(actions []hook.Action) []byte {
		all := []byte{'['}
		for i, a := range actions {
			if i > 0 {
				all = append(all, ',')
			}
			all = appendExpected(all, doc.Root().At(i), a.Rule, a.JSON)
		}
		return append(all, ']')
	}
	return diffJSON(want, selectMembers(got), selectMembers(redacted))
}

// appendExpected appends the members of an action that expected has; for an unexpected action, rule
// and to.
func appendExpected(dst []byte, expected jsondoc.Node, rule string, action []byte) []byte {
	names := []string{"rule", "to"}
	if expected.Kind() == jsondoc.Object {
		names = nil
		for name := range expected.Members() {
			names = append(names, name)
		}
	}
	var doc jsondoc.Doc
	if err := doc.Parse(action, jsondoc.Limits{Bytes: len(action) + 1}); err != nil {
		return jsondoc.AppendString(dst, err.Error())
	}
	dst = append(dst, '{')
	if slices.Contains(names, "rule") {
		dst = jsondoc.AppendString(append(dst, `"rule":`...), rule)
	}
	for name, value := range doc.Root().Members() {
		if !slices.Contains(names, name) {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(jsondoc.AppendString(dst, name), ':'), value.Raw()...)
	}
	return append(dst, '}')
}
