// Package document is for reading YAML files with the place of every value, and for decoding them
// by tables of fields.
package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Kind is the JSON type of a node.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Map
	Broken // its problem is reported already; decoders skip it
)

// style is the YAML style of a text.
type style uint8

// Plain is the style of a text without quotes.
const (
	Plain style = iota
	single
	double
	block
)

// Node is one value of a file with its place. Aliases share the node of their anchor.
type Node struct {
	Source        *Source
	Kind          Kind
	Style         style
	Line, Column  int
	Text          string   // a text's content; a number or boolean as JSON writes it
	Comment       string   // of a plain text: the comment after it on its line, without #
	CommentColumn int      // column of that #
	Items         []*Node  // of a list
	Members       []Member // of a map, in the order of the file, without duplicate keys
	weight        int      // number of values, with aliases expanded
}

// Member is a key of a map with its value.
type Member struct {
	Key     string
	KeyNode *Node // the key with its place
	Value   *Node
}

// ExtensionPrefix begins the top-level keys of a file that have no meaning. They hold values for
// YAML anchors, as in Compose files.
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

// Get returns the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	for i := range n.Members {
		if n.Members[i].Key == key {
			return n.Members[i].Value
		}
	}
	return nil
}

// Key returns the node of a key for its place, or n if the map lacks it.
func (n *Node) Key(key string) *Node {
	for i := range n.Members {
		if n.Members[i].Key == key {
			return n.Members[i].KeyNode
		}
	}
	return n
}

// Describe names the value for messages of the form "want X, got Y".
func (n *Node) Describe() string {
	switch n.Kind {
	case Bool:
		return n.Text
	case Number:
		if n.isHidden() {
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

// Problem returns a problem at the place of the node.
func (n *Node) Problem(format string, args ...any) Problem {
	return n.Source.Problem(n.Line, n.Column, n.redact(fmt.Sprintf(format, args...)))
}

// Warning returns a warning at the place of the node.
func (n *Node) Warning(format string, args ...any) Problem {
	p := n.Problem(format, args...)
	p.Warning = true
	return p
}

// ProblemAt returns a problem at a byte offset of the text of the node.
func (n *Node) ProblemAt(offset int, message string) Problem {
	line, column := n.Position(offset)
	return n.Source.Problem(line, column, message)
}

// Find follows a path such as [0].value[1].path as far as it exists, and returns the last value
// with its key node, if it has one. whole reports whether the entire path exists.
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

// HasHoles reports whether a text in the node has a ${ } hole, which is evaluated per call.
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

// AppendJSON appends the node as JSON. It returns false if a part is Broken, and stops after limit
// bytes.
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
