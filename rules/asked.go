package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

var (
	quotation = regexp.MustCompile(`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\x60[^\x60]*\x60`)
	memberOf  = regexp.MustCompile(`(?:^|[^\w.#$])((?:data|event|delivery|source|requestType|eventType|eventId|eventTime)(?:\??\.[A-Za-z_]\w*)*)\b`)
	nameAlone = regexp.MustCompile(`(?:^|[^\w.#$])[A-Za-z_]\w*`)
	lastWord  = regexp.MustCompile(`[A-Za-z_]\w*$`)
	lookedUp  = regexp.MustCompile(`\btables\.([A-Za-z_]\w*)\[`)
)

// maxUnfolded is the longest let that is put in its name's place, in bytes.
const maxUnfolded = 4 << 10

// asked lists the members of a call that an expression names, as dotted paths, each once. It is for telling people: what
// a let or an index asks for is not among them.
func asked(source string) (paths []string) {
	for _, m := range memberOf.FindAllStringSubmatch(quotation.ReplaceAllString(source, "''"), -1) {
		if path := strings.ReplaceAll(m[1], "?.", "."); !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// absent is which of the members that an expression names are missing in the event.
func absent(source string, e jsondoc.Node, c *hook.Call) (paths []string) {
	for _, path := range asked(source) {
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
			paths = append(paths, path)
		}
	}
	return paths
}

// unfolded is an expression with what its lets are made of in their place. It is for telling people what it asks for: the
// quotations in it are empty, and lets that make it too long are left as they are.
func (c *compiler) unfolded(source string) string {
	return nameAlone.ReplaceAllStringFunc(quotation.ReplaceAllString(source, "''"), func(word string) string {
		name := lastWord.FindString(word)
		if let := c.lets[name]; let != "" && len(let) < maxUnfolded {
			return strings.TrimSuffix(word, name) + "(" + let + ")"
		}
		return word
	})
}

// lacked words what a condition cannot do without: members of the call, and what it looks up by them.
func lacked(source string) string {
	paths := asked(source)
	for _, m := range lookedUp.FindAllStringSubmatch(source, -1) {
		if entry := "an entry of tables." + m[1]; !slices.Contains(paths, entry) {
			paths = append(paths, entry)
		}
	}
	switch {
	case len(paths) == 0:
		return "something it asks for"
	case len(paths) > 4:
		return either(append(paths[:4:4], "something else it asks for"))
	}
	return either(paths)
}
