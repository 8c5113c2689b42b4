package hook

import (
	"strconv"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// errorObject checks the error that Okta shows to people (hooks.md section 1.4). A draft may give
// it as a plain text.
func (c *checker) errorObject(n jsondoc.Node) {
	switch {
	case n.Kind() == jsondoc.String && c.mode != wholeAnswer:
		if n.Text() == "" {
			c.fail("error", "want words: Okta refuses the call even when the error says nothing")
		}
		return
	case n.Kind() == jsondoc.Array:
		c.fail("error", "want an object with errorSummary and errorCauses, got an array")
		return
	case n.Kind() != jsondoc.Object:
		c.fail("error", "want an object with errorSummary, got %s", describe(n))
		return
	}
	summary, causes := n.Get("errorSummary"), n.Get("errorCauses")
	if summary.Text() == "" {
		c.fail("error.errorSummary", "want words, got %s: Okta refuses the call even when the error says nothing", describe(summary))
	}
	if causes.Kind() != jsondoc.Missing && causes.Kind() != jsondoc.Array {
		c.fail("error.errorCauses", "want an array of causes, got %s", describe(causes))
	}
	if n.Len() != countPresent(summary)+countPresent(causes) {
		for name := range n.Members() {
			if name != "errorSummary" && name != "errorCauses" {
				c.unknown("error", name, "", errorMembers)
			}
		}
	}
	i := 0
	for cause := range causes.Elements() {
		if c.full() {
			return
		}
		c.cause(i, cause)
		i++
	}
}

var (
	errorMembers = []string{"errorSummary", "errorCauses"}
	causeMembers = []string{"errorSummary", "reason", "locationType", "location", "domain"}
)

func causePath(i int) string { return "error.errorCauses[" + strconv.Itoa(i) + "]" }

func (c *checker) cause(i int, n jsondoc.Node) {
	if n.Kind() != jsondoc.Object {
		c.fail(causePath(i), "want an object, got %s", describe(n))
		return
	}
	for name, v := range n.Members() {
		switch name {
		case "errorSummary", "reason", "locationType", "location", "domain":
			if v.Kind() != jsondoc.String {
				c.fail(causePath(i)+"."+name, "want a string, got %s", describe(v))
			}
		default:
			c.unknown(causePath(i), name, "", causeMembers)
		}
	}
}
