// Package document is for reading YAML files with the place of every value, and for decoding them by tables of fields.
package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Kind is what a node is in JSON's terms.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Map
	Broken // a problem is reported already; whoever decodes it says no more
)

// style is how a text is written in the file.
type style uint8

const (
	Plain style = iota
	single
	double
	block
)

// Node is one value of a policy file, with its place. Aliases share their anchor's node.
type Node struct {
	Source        *Source
	Kind          Kind
	Style         style
	Line, Column  int
	Text          string   // a text's content; a number or boolean as JSON writes it
	Comment       string   // a plain text: the comment behind it on its line, without #
	CommentColumn int      // where that # stands
	Items         []*Node  // of a list
	Members       []Member // of a map, in the file's order, no key twice
	weight        int      // values in it, each alias counted in full
}

type Member struct {
	Key     string
	KeyNode *Node // the key itself
	Value   *Node
}

// ExtensionPrefix begins the top-level keys of a file that have no meaning. They hold values for YAML
// anchors, as in Compose files.
const ExtensionPrefix = "x-"

// WithoutExtensions returns the root of a file without its extension keys.
func (n *Node) WithoutExtensions() *Node {
	isExtension := func(m Member) bool { return strings.HasPrefix(m.Key, ExtensionPrefix) }
	if !slices.ContainsFunc(n.Members, isExtension) {
		return n
	}
	root := *n
	root.Members = slices.DeleteFunc(slices.Clone(n.Members), isExtension)
	return &root
}

func (n *Node) Get(key string) *Node {
	for i := range n.Members {
		if n.Members[i].Key == key {
			return n.Members[i].Value
		}
	}
	return nil
}

// Key is where the key stands in a map that has it.
func (n *Node) Key(Key string) *Node {
	for i := range n.Members {
		if n.Members[i].Key == Key {
			return n.Members[i].KeyNode
		}
	}
	return n
}

// Describe names what the node is, for "want X, got Y".
func (n *Node) Describe() string {
	switch n.Kind {
	case Bool:
		return n.Text
	case Number:
		if n.hidden() {
			return "a number"
		}
		return n.Text
	case Text:
		if n.Text == "" {
			return "an empty text"
		}
		return "a text"
	case List:
		return "a list"
	case Map:
		return "a map"
	}
	return "nothing"
}

// Problem is something wrong with the node, at its place.
func (n *Node) Problem(format string, args ...any) Problem {
	return n.Source.Problem(n.Line, n.Column, n.without(fmt.Sprintf(format, args...)))
}

// Warning is something doubtful about the node.
func (n *Node) Warning(format string, args ...any) Problem {
	p := n.Problem(format, args...)
	p.Warning = true
	return p
}

// ProblemAt is something wrong at a byte offset of the node's text.
func (n *Node) ProblemAt(offset int, message string) Problem {
	line, column := n.Position(offset)
	return n.Source.Problem(line, column, message)
}

// Find follows a path such as [0].value[1].path as far as the node goes, to the value and its key, if it has one. whole is
// false when the path goes on beyond it.
func (n *Node) Find(path string) (found, key *Node, whole bool) {
	for path != "" {
		var next, at *Node
		if rest, ok := strings.CutPrefix(path, "["); ok {
			digits, tail, _ := strings.Cut(rest, "]")
			if i, err := strconv.Atoi(digits); err == nil && n.Kind == List && i < len(n.Items) {
				next, path = n.Items[i], tail
			}
		} else {
			path = strings.TrimPrefix(path, ".")
			for _, m := range n.Members {
				if rest, ok := strings.CutPrefix(path, m.Key); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
					next, at, path = m.Value, m.KeyNode, rest
					break
				}
			}
		}
		if next == nil {
			return n, key, false
		}
		n, key = next, at
	}
	return n, key, true
}

// HasHoles reports whether anything in the node is filled in when a call comes.
func (n *Node) HasHoles() bool {
	if n.Kind == Text {
		return strings.Contains(strings.ReplaceAll(n.Text, "$${", ""), "${")
	}
	for _, item := range n.Items {
		if item.HasHoles() {
			return true
		}
	}
	for _, m := range n.Members {
		if m.Value.HasHoles() {
			return true
		}
	}
	return false
}

// AppendJSON writes a constant as JSON; false when something in it is broken. It stops once more than limit is written.
func AppendJSON(dst []byte, n *Node, limit int) ([]byte, bool) {
	if len(dst) > limit {
		return dst, true
	}
	ok := true
	switch n.Kind {
	case Null:
		return append(dst, "null"...), true
	case Bool, Number:
		return append(dst, n.Text...), true
	case Text:
		return jsondoc.AppendString(dst, n.Text), true
	case List:
		dst = append(dst, '[')
		for i, item := range n.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, ok = AppendJSON(dst, item, limit); !ok {
				return dst, false
			}
		}
		return append(dst, ']'), true
	case Map:
		dst = append(dst, '{')
		for i, m := range n.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsondoc.AppendString(dst, m.Key), ':')
			if dst, ok = AppendJSON(dst, m.Value, limit); !ok {
				return dst, false
			}
		}
		return append(dst, '}'), true
	}
	return dst, false
}
