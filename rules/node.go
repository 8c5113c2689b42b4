package rules

import (
	"fmt"
	"slices"
	"strings"
)

// nodeKind is what a node is in JSON's terms.
type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	textNode
	listNode
	mapNode
	brokenNode // a problem is reported already; whoever decodes it says no more
)

// style is how a text is written in the file.
type style uint8

const (
	plain style = iota
	single
	double
	block
)

// node is one value of a policy file, with its place. Aliases share their anchor's node.
type node struct {
	src          *source
	kind         nodeKind
	style        style
	line, column int
	text         string   // a text's content; a number or boolean as JSON writes it
	tail         string   // a plain text: the comment behind it on its line, without #
	tailColumn   int      // where that # stands
	items        []*node  // of a list
	members      []member // of a map, in the file's order, no key twice
	weight       int      // values in it, each alias counted in full
}

type member struct {
	key   string
	at    *node // the key itself
	value *node
}

// extensionPrefix begins the top-level keys of a file that have no meaning. They hold values for YAML
// anchors, as in Compose files.
const extensionPrefix = "x-"

// withoutExtensions returns the root of a file without its extension keys.
func (n *node) withoutExtensions() *node {
	isExtension := func(m member) bool { return strings.HasPrefix(m.key, extensionPrefix) }
	if !slices.ContainsFunc(n.members, isExtension) {
		return n
	}
	root := *n
	root.members = slices.DeleteFunc(slices.Clone(n.members), isExtension)
	return &root
}

func (n *node) get(key string) *node {
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// key is where the key stands in a map that has it.
func (n *node) key(key string) *node {
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].at
		}
	}
	return n
}

// is names what the node is, for "want X, got Y".
func (n *node) is() string {
	switch n.kind {
	case boolNode:
		return n.text
	case numberNode:
		if n.hidden() {
			return "a number"
		}
		return n.text
	case textNode:
		if n.text == "" {
			return "an empty text"
		}
		return "a text"
	case listNode:
		return "a list"
	case mapNode:
		return "a map"
	}
	return "nothing"
}

// problem is something wrong with the node, at its place.
func (n *node) problem(format string, args ...any) Problem {
	return n.src.problem(n.line, n.column, n.without(fmt.Sprintf(format, args...)))
}

// warning is something doubtful about the node.
func (n *node) warning(format string, args ...any) Problem {
	p := n.problem(format, args...)
	p.Warning = true
	return p
}

// problemAt is something wrong at a byte offset of the node's text.
func (n *node) problemAt(offset int, message string) Problem {
	line, column := n.place(offset)
	return n.src.problem(line, column, message)
}
