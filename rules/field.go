package rules

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// field is one key of an object in a policy file. The decoder and the JSON Schema both come from tables of fields.
type field[T any] struct {
	key    string
	doc    string      // one sentence; editors show it
	schema string      // JSON Schema of the value
	types  []hook.Type // the hook types that have it; nil: all
	need   bool
	read   func(d *decoder, into *T, n *node)
}

// decoder reads nodes by tables of fields and gathers what is wrong.
type decoder struct {
	problems Problems
	hookType hook.Type // of the hook under way; 0 when it has none
}

func (d *decoder) add(p ...Problem) { d.problems = append(d.problems, p...) }

// decode reads a map by its table.
func decode[T any](d *decoder, n *node, what string, fields []field[T], into *T) {
	if n.kind == brokenNode {
		return
	}
	if n.kind != mapNode {
		d.add(n.problem("want %s as a map of %s, got %s", what, keysOf(fields, d.hookType), n.is()))
		return
	}
	for _, m := range n.members {
		i := slices.IndexFunc(fields, func(f field[T]) bool { return f.key == m.key })
		if i < 0 {
			d.add(m.at.problem("unknown %s in %s%s", m.at.named("key"), what, suggest(m.key, keys(fields, d.hookType))))
			continue
		}
		f := &fields[i]
		switch {
		case !f.fits(d.hookType):
			d.add(m.at.problem("%s is for %s hooks, this is %s hook", m.key, typeNames(f.types), d.hookType.WithArticle()))
		case m.value.kind != brokenNode:
			f.read(d, into, m.value)
		}
	}
	for i := range fields {
		if f := &fields[i]; f.need && n.get(f.key) == nil {
			d.add(n.problem("%s has no %s", what, f.key))
		}
	}
}

// fits reports whether hooks of type t have the field.
func (f *field[T]) fits(t hook.Type) bool {
	return t == 0 || f.types == nil || slices.Contains(f.types, t)
}

func keys[T any](fields []field[T], t hook.Type) (names []string) {
	for i := range fields {
		if f := &fields[i]; f.fits(t) {
			names = append(names, f.key)
		}
	}
	return names
}

func keysOf[T any](fields []field[T], t hook.Type) string { return list(keys(fields, t)) }

func typeNames(types []hook.Type) string {
	if len(types) == len(inline) {
		return "inline"
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return list(names)
}

// list is "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// text reads a text of at least one character.
func (d *decoder) text(n *node) string {
	if n.kind != textNode || n.text == "" {
		d.add(n.problem("want a text, got %s", n.is()))
		return ""
	}
	return n.text
}

// oneOf reads a word out of a few.
func (d *decoder) oneOf(n *node, words ...string) string {
	if n.kind == textNode && slices.Contains(words, n.text) {
		return n.text
	}
	got := n.is()
	if n.kind == textNode && n.text != "" {
		got = `"` + n.text + `"` + suggest(n.text, words)
	}
	d.add(n.problem("want %s, got %s", either(words), got))
	return ""
}

// either is "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

func (d *decoder) bool(n *node) bool {
	if n.kind != boolNode {
		got := n.is()
		if n.kind == textNode && n.text != "" {
			got = `"` + n.text + `"`
		}
		d.add(n.problem("want true or false, got %s", got))
	}
	return n.text == "true"
}
