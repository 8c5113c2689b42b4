package rules

import (
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// missingPaths lists the dotted paths that are missing in the event.
func missingPaths(paths []string, e jsondoc.Node, c *hook.Call) (missing []string) {
	for _, path := range paths {
		n, steps := e, strings.Split(path, ".")
		if !c.Type.Inline() {
			if steps[0] == "delivery" {
				n = c.Doc.Root()
			}
			steps = steps[1:]
		}
		for _, name := range steps {
			n = n.Get(name)
		}
		if k := n.Kind(); k == jsondoc.Missing || k == jsondoc.Null {
			missing = append(missing, path)
		}
	}
	return missing
}

// describeInputs names the inputs of a condition that may be missing: members of the call and
// entries of tables.
func describeInputs(in expr.Inputs) string {
	all := in.Paths
	for _, name := range in.Tables {
		all = append(all, "an entry of tables."+name)
	}
	switch {
	case len(all) == 0:
		return "something it asks for"
	case len(all) > 4:
		return document.Either(append(all[:4:4], "something else it asks for"))
	}
	return document.Either(all)
}
