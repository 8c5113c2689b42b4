package rules

import (
	"bytes"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// template is a compiled YAML tree with ${} holes in its leaves, rendered as JSON. A tree without
// holes is one literal.
type template struct {
	node      *document.Node
	literal   []byte     // the whole tree if it has no holes
	text      *expr.Text // a leaf with holes
	names     [][]byte   // names of a map, as `"name":`
	parts     []*template
	object    bool
	pointer   bool   // a leaf that is a JSON Pointer: each hole is one name of it, or a part of one
	seconds   bool   // a leaf with a number of seconds, rendered without a fraction
	keepsText bool   // a leaf of a body: a null hole beside other text is empty
	fallback  string // a leaf of an error: its fallback if it is empty; "": omit the leaf
}

// constant reports whether the tree has no holes.
func (t *template) constant() bool { return t.literal != nil }

// isExpression reports whether the tree is one expression with a value of any type.
func (t *template) isExpression() bool { return t.text != nil && t.text.Whole() != nil }

// template compiles a tree, or reports a problem and returns nil.
func (c *compiler) template(n *document.Node) *template {
	t := &template{node: n}
	switch n.Kind {
	case document.Broken:
		return nil
	case document.Null:
		t.literal = []byte("null")
	case document.Bool, document.Number:
		t.literal = []byte(n.Text)
	case document.Text:
		text := c.text(n)
		if text == nil {
			return nil
		}
		if s, ok := text.Literal(); ok {
			t.literal = jsondoc.AppendString(nil, s)
		} else {
			t.text = text
		}
	default:
		return c.tree(t)
	}
	return t
}

func (c *compiler) tree(t *template) *template {
	n, fixed, fine := t.node, true, true
	t.object = n.Kind == document.Map
	take := func(child *document.Node) {
		part := c.template(child)
		fine = fine && part != nil
		fixed = fixed && part != nil && part.constant()
		t.parts = append(t.parts, part)
	}
	for _, item := range n.Items {
		take(item)
	}
	for _, m := range n.Members {
		fine = c.hasConstantName(m) && fine
		t.names = append(t.names, append(jsondoc.AppendString(nil, m.Key), ':'))
		take(m.Value)
	}
	if !fine {
		return nil
	}
	if fixed {
		t.literal, _, _ = t.append(nil, nil)
		t.parts, t.names = nil, nil
	}
	return t
}

// hasConstantName reports whether the name of the member is constant. A name with ${ } would be
// sent as written.
func (c *compiler) hasConstantName(m document.Member) bool {
	if strings.Contains(m.Key, "${") {
		c.Add(m.KeyNode.Problem("a name cannot be computed: ${ } is for values"))
		return false
	}
	return true
}

// append renders the tree as JSON. A null hole omits its member or element; if it is the whole
// tree, append returns null and writes nothing.
func (t *template) append(dst []byte, r *runtime.Run) (out []byte, null bool, err error) {
	if t.literal != nil {
		return append(dst, t.literal...), false, nil
	}
	if t.text != nil {
		return t.appendLeaf(dst, r)
	}
	open, end := byte('['), byte(']')
	if t.object {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	first := true
	for i, part := range t.parts {
		mark := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		if t.object {
			dst = append(dst, t.names[i]...)
		}
		if dst, null, err = part.append(dst, r); err != nil {
			return dst, false, err
		}
		if null {
			dst = dst[:mark]
			continue
		}
		first = false
	}
	return append(dst, end), false, nil
}

func (t *template) appendLeaf(dst []byte, r *runtime.Run) (out []byte, null bool, err error) {
	switch {
	case t.fallback != "":
		out, err = t.appendTextLeaf(dst, r)
		return out, false, err
	case t.keepsText && !t.isExpression():
		out, err = t.text.AppendString(dst, r)
		return out, false, err
	case t.pointer:
		mark := len(dst)
		out, null, err = t.text.AppendHoles(append(dst, '"'), r, escapedName)
		if err != nil || null {
			return dst, null, err
		}
		return append(escapeTail(out, mark+1), '"'), false, nil
	}
	if t.seconds {
		return t.text.AppendWhole(dst, r)
	}
	return t.text.AppendJSON(dst, r)
}

// wholeSeconds drops the fractions of the leaves that are calculated from times. Okta takes only
// whole numbers, and its own times may have milliseconds.
func (t *template) wholeSeconds() {
	t.seconds = t.isExpression() && t.text.Whole().Timed()
	for _, part := range t.parts {
		part.wholeSeconds()
	}
}

// appendSample renders the tree with standIn for each hole, for checks at load time.
func (t *template) appendSample(dst []byte, standIn string) []byte {
	if t.literal != nil {
		return append(dst, t.literal...)
	}
	if t.text != nil {
		if value := constantJSON(t.text); value != nil && t.fallback == "" {
			return append(dst, value...)
		}
		return append(dst, standIn...)
	}
	open, end := byte('['), byte(']')
	if t.object {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for i, part := range t.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		if t.object {
			dst = append(dst, t.names[i]...)
		}
		dst = part.appendSample(dst, standIn)
	}
	return append(dst, end)
}

// constantJSON returns the JSON of a leaf that is one constant expression, such as ${vars.limit};
// nil for other leaves and for null, which omits the leaf.
func constantJSON(t *expr.Text) []byte {
	x := t.Whole()
	if x == nil {
		return nil
	}
	v, ok := x.Constant()
	if !ok || v.IsNull() {
		return nil
	}
	var m runtime.Meter
	m.Start(runtime.Budget{}, time.Now(), time.Time{})
	text, err := v.AppendJSON(nil, &m)
	if err != nil {
		return nil
	}
	return text
}

// setFallbacks gives the leaves of an error fallbacks for null holes, because the denial must not
// be lost.
func (t *template) setFallbacks() {
	for i, part := range t.parts {
		part.fallback = "-"
		if t.object && string(t.names[i]) == `"errorSummary":` {
			part.fallback = defaultDenial
		}
		part.setFallbacks()
	}
}

// keepTexts keeps texts whose holes are null: a message without a name is still sent. A leaf that
// is only one hole is omitted.
func (t *template) keepTexts() {
	t.keepsText = true
	for _, part := range t.parts {
		part.keepTexts()
	}
}

// appendTextLeaf appends a leaf as a JSON string, with nothing for null holes.
func (t *template) appendTextLeaf(dst []byte, r *runtime.Run) ([]byte, error) {
	dst = append(dst, '"')
	start := len(dst)
	dst, err := appendEscaped(dst, t.text, r)
	if len(bytes.TrimSpace(dst[start:])) == 0 {
		dst = append(dst[:start], t.fallback...)
	}
	return append(dst, '"'), err
}

// pointers marks the paths of patch operations as JSON Pointers. A path that is one expression is a
// complete pointer.
func (t *template) pointers() {
	for _, operation := range t.part("value").parts {
		if path := operation.part("path"); path.text != nil && path.text.Whole() == nil {
			path.pointer = true
		}
	}
}

// part returns the member of a map with that name, or an empty template.
func (t *template) part(name string) *template {
	for i, n := range t.names {
		if t.object && string(n) == `"`+name+`":` {
			return t.parts[i]
		}
	}
	return &template{}
}

// escapedName escapes dst[from:] as a part of one name in a JSON Pointer.
func escapedName(dst []byte, from int) []byte {
	if bytes.ContainsAny(dst[from:], "~/") {
		return append(dst[:from], jsondoc.EscapePointer(string(dst[from:]))...)
	}
	return dst
}
