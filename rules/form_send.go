package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// compileSend compiles actions: one for a map, one per element of a list, or the value of an
// expression.
func compileSend(m *formCompiler, n *document.Node) {
	switch n.Kind {
	case document.List:
		for _, item := range n.Items {
			m.send(item)
		}
	case document.Text:
		m.computedSend(n)
	default:
		m.send(n)
	}
}

// computedSend compiles a send that is one expression for an action or the whole list.
func (m *formCompiler) computedSend(n *document.Node) {
	t := m.text(n)
	if t == nil {
		return
	}
	if t.Whole() == nil {
		m.Add(n.Problem("want send as a map with to, or a list of them, got a text"))
		return
	}
	m.effects.actions = append(m.effects.actions, spliceList(t))
}

// ActionKeys returns the keys that an action of a rule can have.
func ActionKeys() []string { return document.Keys(sendFields, 0) }

// sendFields lists the fields of an action.
var sendFields = []document.Field[sendSpec]{
	{Key: "to", Doc: "The destination's name.", Schema: document.TextSchema, Required: true, Read: put("to")},
	{Key: "method", Doc: "Instead of the destination's.", Schema: document.TextSchema, Read: put("method")},
	{Key: "path", Doc: "A path beneath the destination's URL; what is filled in is percent-encoded. One with nothing to fill in makes the rule fail.", Schema: document.TextSchema, Read: put("path")},
	{Key: "query", Doc: "Parameters beside the URL's own.", Schema: objectSchema, Read: put("query")},
	{Key: "headers", Doc: "Headers beside the destination's.", Schema: objectSchema, Read: put("headers")},
	{Key: "encoding", Doc: "json or form, instead of the destination's.", Schema: document.TextSchema, Read: put("encoding")},
	{Key: "body", Doc: "What is sent: any value. A ${} that is null is empty inside a text, and leaves its member out when it is all there is. Without it an event hook sends the event, an inline hook the names of the hook and the rule and the call's ids.", Schema: leafSchema, Read: put("body")},
	{Key: "key", Doc: "The idempotency key; each action has one of its own without it.", Schema: document.TextSchema, Read: put("key")},
}

type sendSpec struct {
	keys  []string
	nodes []*document.Node
}

func put(key string) func(*document.Decoder, *sendSpec, *document.Node) {
	return func(_ *document.Decoder, s *sendSpec, n *document.Node) {
		s.keys, s.nodes = append(s.keys, key), append(s.nodes, n)
	}
}

// send compiles one action.
func (m *formCompiler) send(n *document.Node) {
	var spec sendSpec
	before := len(m.Problems)
	document.Decode(m.Decoder, n, "an action", sendFields, &spec)
	if n.Kind != document.Map {
		return
	}
	sample := []byte(`{"actions":[{`)
	parts := make([]part, 0, len(spec.keys))
	for i, key := range spec.keys {
		p, ok := m.part(key, spec.nodes[i])
		if !ok {
			continue
		}
		if parts = append(parts, p); p.need { // without a receiver the other members do not matter
			copy(parts[1:], parts)
			parts[0] = p
		}
		sample = append(openMember(sample, p.name), p.sample...)
	}
	m.checkReceiver(n)
	if len(m.Problems) > before {
		return
	}
	m.check(append(sample, "}]}"...), n, "actions[0]")
	all := appendParts(parts)
	m.effects.actions = append(m.effects.actions, func(dst []byte, r *runtime.Run) ([]byte, error) {
		mark := len(dst)
		dst = comma(dst)
		start := len(dst)
		dst, err := all(dst, r)
		if len(dst) == start {
			dst = dst[:mark]
		}
		return dst, err
	})
}

// checkReceiver checks the members of an action against the destination's kind.
func (m *formCompiler) checkReceiver(n *document.Node) {
	to := n.Get("to")
	if to == nil || to.Kind != document.Text || to.HasHoles() {
		return
	}
	i := slices.IndexFunc(m.destinations, func(d destination.Spec) bool { return d.Name == to.Text })
	if i < 0 {
		var names []string
		for _, d := range m.destinations {
			names = append(names, d.Name)
		}
		if len(names) == 0 {
			m.Add(to.Problem("there is no destination %q: this policy has no destinations", to.Text))
			return
		}
		m.Add(to.Problem("there is no destination %q%s", to.Text, document.Suggest(to.Text, names)))
		return
	}
	if !m.destinations[i].IsLines() {
		return
	}
	for _, key := range []string{"method", "path", "query", "headers", "encoding"} {
		if v := n.Get(key); v != nil {
			m.Add(v.Problem("%s is for destinations with a url, and %s has none", key, to.Text))
		}
	}
}

// part is one member of an action.
type part struct {
	name   string   // as `"name":`
	value  appender // appends nothing if the member is omitted
	sample []byte   // the value, with stand-ins for computed parts
	need   bool     // without it there is no action
}

// part compiles one member, and returns false after a problem.
func (m *formCompiler) part(key string, n *document.Node) (p part, ok bool) {
	p.name, p.need = `"`+key+`":`, key == "to"
	m.member = key
	defer func() { m.member = "" }()
	switch key {
	case "body":
		p.value, p.sample = m.body(n)
	case "query", "headers":
		p.value, p.sample = m.texts(n, key)
	default:
		p.value, p.sample = m.leaf(n, key, escapings[key])
	}
	if p.value != nil && escapings[key].escape != nil && n.HasHoles() { // the constant parts must be valid as written
		m.checkPart(append(append([]byte(`{"actions":[{"to":"x",`+p.name), p.sample...), "}]}"...), n)
	}
	return p, p.value != nil
}

// body compiles a body of any type. A null body is sent as null. A text with several holes is never
// omitted because one of them is null, because it is a message for a reader.
func (m *formCompiler) body(n *document.Node) (appender, []byte) {
	t := m.template(n)
	if t == nil {
		return nil, nil
	}
	t.keepTexts()
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		dst, null, err := t.append(dst, r)
		if null {
			dst = append(dst, "null"...)
		}
		return dst, err
	}, t.appendSample(nil, `"x"`)
}

// leaf compiles one text with escaped holes. A null or empty text is omitted, unless the position
// requires it.
func (m *formCompiler) leaf(n *document.Node, what string, fit escaping) (appender, []byte) {
	switch n.Kind {
	case document.Text:
	case document.Number, document.Bool:
		return constant(n.Text)
	default:
		if n.Kind != document.Broken {
			m.Add(n.Problem("want %s as a text, got %s", what, n.Describe()))
		}
		return nil, nil
	}
	t := m.text(n)
	if t == nil {
		return nil, nil
	}
	if s, ok := t.Literal(); ok {
		return constant(s)
	}
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		mark := len(dst)
		dst, null, err := fit.appendHoles(append(dst, '"'), t, r)
		if err != nil || null || len(dst) == mark+1 {
			return dst[:mark], err
		}
		if fit.maxBytes > 0 && len(dst)-mark-1 > fit.maxBytes {
			sum := sha256.Sum256(dst[mark+1:])
			dst = hex.AppendEncode(dst[:mark+1], sum[:])
		}
		return append(escapeTail(dst, mark+1), '"'), nil
	}, fit.sample(t)
}

func constant(s string) (appender, []byte) {
	text := jsondoc.AppendString(nil, s)
	return func(dst []byte, _ *runtime.Run) ([]byte, error) { return append(dst, text...), nil }, text
}

// texts compiles a map of names to texts, or one expression for it.
func (m *formCompiler) texts(n *document.Node, key string) (appender, []byte) {
	if n.Kind == document.Text {
		if t := m.text(n); t == nil {
			return nil, nil
		} else if t.Whole() != nil {
			return templateAppender(&template{node: n, text: t}), []byte(`{}`)
		}
	}
	if n.Kind != document.Map {
		m.Add(n.Problem("want %s as a map of names to texts, got %s", key, n.Describe()))
		return nil, nil
	}
	var parts []part
	sample := []byte{'{'}
	for _, e := range n.Members {
		if !m.hasConstantName(e) {
			return nil, nil
		}
		if e.Value.Kind == document.Null {
			continue
		}
		p := part{name: string(append(jsondoc.AppendString(nil, e.Key), ':'))}
		if p.value, p.sample = m.leaf(e.Value, e.Key, escapings[key]); p.value == nil {
			return nil, nil
		}
		parts = append(parts, p)
		sample = append(openMember(sample, p.name), p.sample...)
	}
	all := appendParts(parts)
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		mark := len(dst)
		dst, err := all(dst, r)
		if string(dst[mark:]) == "{}" {
			dst = dst[:mark]
		}
		return dst, err
	}, append(sample, '}')
}

// appendParts returns an appender of an object of the non-empty parts. It appends nothing if a
// required part is empty.
func appendParts(parts []part) appender {
	return func(dst []byte, r *runtime.Run) (_ []byte, err error) {
		mark := len(dst)
		dst = append(dst, '{')
		for i := range parts {
			p := &parts[i]
			before := len(dst)
			dst = openMember(dst, p.name)
			start := len(dst)
			if dst, err = p.value(dst, r); err != nil {
				return dst[:mark], err
			}
			if len(dst) > start {
				continue
			}
			if p.need {
				return dst[:mark], nil
			}
			dst = dst[:before]
		}
		return append(dst, '}'), nil
	}
}

// openMember starts another member of the object at the end of dst.
func openMember(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(dst, name...)
}
