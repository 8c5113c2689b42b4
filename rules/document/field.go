package document

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Field is one key of an object in a policy file. Decoder and JSON Schema use the same tables of
// fields.
type Field[T any] struct {
	Key      string
	Doc      string      // one sentence; editors show it
	Schema   string      // JSON Schema of the value
	Types    []hook.Type // the hook types that have it; nil: all
	Required bool
	Read     func(d *Decoder, into *T, n *Node)
}

// Decoder decodes nodes by tables of fields and collects the problems.
type Decoder struct {
	Problems Problems
	HookType hook.Type // of the hook that is decoded; 0: none
}

// Add adds problems.
func (d *Decoder) Add(p ...Problem) { d.Problems = append(d.Problems, p...) }

// Decode decodes a map by its table of fields; what names the map in problems.
func Decode[T any](d *Decoder, n *Node, what string, fields []Field[T], into *T) {
	if n.Kind == Broken {
		return
	}
	if n.Kind != Map {
		d.Add(n.Problem("want %s as a map of %s, got %s", what, keysOf(fields, d.HookType), n.Describe()))
		return
	}
	for _, m := range n.Members {
		i := slices.IndexFunc(fields, func(f Field[T]) bool { return f.Key == m.Key })
		if i < 0 {
			d.Add(m.KeyNode.Problem("unknown %s in %s%s", m.KeyNode.DescribeKey("key"), what, Suggest(m.Key, Keys(fields, d.HookType))))
			continue
		}
		f := &fields[i]
		switch {
		case !f.Fits(d.HookType):
			d.Add(m.KeyNode.Problem("%s is for %s hooks, this is %s hook", m.Key, typeNames(f.Types), d.HookType.WithArticle()))
		case m.Value.Kind != Broken:
			f.Read(d, into, m.Value)
		}
	}
	for i := range fields {
		if f := &fields[i]; f.Required && n.Get(f.Key) == nil {
			d.Add(n.Problem("%s has no %s", what, f.Key))
		}
	}
}

// Fits reports whether hooks of type t have the field.
func (f *Field[T]) Fits(t hook.Type) bool {
	return t == 0 || f.Types == nil || slices.Contains(f.Types, t)
}

// Keys lists the keys that hooks of type t can have.
func Keys[T any](fields []Field[T], t hook.Type) (names []string) {
	for i := range fields {
		if f := &fields[i]; f.Fits(t) {
			names = append(names, f.Key)
		}
	}
	return names
}

func keysOf[T any](fields []Field[T], t hook.Type) string { return JoinAnd(Keys(fields, t)) }

func typeNames(types []hook.Type) string {
	if isInlineTypes(types) {
		return "inline"
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return JoinAnd(names)
}

// JoinAnd joins words as in "a, b and c".
func JoinAnd(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Text reads a text of at least one character.
func (d *Decoder) Text(n *Node) string {
	if n.Kind != Text || n.Text == "" {
		d.Add(n.Problem("want a text, got %s", n.Describe()))
		return ""
	}
	return n.Text
}

// OneOf reads one of the given words.
func (d *Decoder) OneOf(n *Node, words ...string) string {
	if n.Kind == Text && slices.Contains(words, n.Text) {
		return n.Text
	}
	got := n.Describe()
	if n.Kind == Text && n.Text != "" {
		got = `"` + n.Text + `"` + Suggest(n.Text, words)
	}
	d.Add(n.Problem("want %s, got %s", Either(words), got))
	return ""
}

// Either joins words as in "a, b or c".
func Either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// Bool reads true or false.
func (d *Decoder) Bool(n *Node) bool {
	if n.Kind != Bool {
		got := n.Describe()
		if n.Kind == Text && n.Text != "" {
			got = `"` + n.Text + `"`
		}
		d.Add(n.Problem("want true or false, got %s", got))
	}
	return n.Text == "true"
}

// isInlineTypes reports whether types are the hook types that Okta waits for.
func isInlineTypes(types []hook.Type) bool {
	return len(types) == len(hook.Types())-1 && !slices.Contains(types, hook.EventHook)
}
