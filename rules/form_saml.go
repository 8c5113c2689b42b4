package rules

import (
	"fmt"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

const assertion = `{"type":"com.okta.assertion.patch","value":[`

// wrong is the failure of a computed value of a kind that a form cannot take.
func wrong(form, want string, got runtime.Value) error {
	return fmt.Errorf("%w: %s: want %s, got %s", runtime.ErrValue, form, want, got.Kind())
}

// assert appends a command that patches the assertion, when there is something to patch.
func assert(operations appender) appender {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		mark := len(dst)
		dst = append(comma(dst), assertion...)
		start := len(dst)
		dst, err := operations(dst, r)
		if err != nil || len(dst) == start {
			return dst[:mark], err
		}
		return append(dst, "]}"...), nil
	}
}

// compileAttributes makes an attribute statement of each member (hooks.md section 5).
func compileAttributes(m *formCompiler, n *document.Node) {
	if n.Kind == document.Text {
		if x := m.object(n); x != nil {
			m.effects.commands = append(m.effects.commands, assert(attributesOf(x)))
		}
		return
	}
	if n.Kind != document.Map {
		m.Add(n.Problem("want attributes as a map of names to values, got %s", n.Describe()))
		return
	}
	var statements []appender
	for _, a := range n.Members {
		if !m.hasConstantName(a) {
			continue
		}
		sample := appendStatement([]byte(`{"commands":[`+assertion), a.Key)
		if !m.checkPart(append(appendTyped(sample, "xs:string", "x"), `]}}]}]}`...), a.KeyNode) {
			continue
		}
		if values := m.values(a.Value); values != nil {
			m.sets = append(m.sets, outputSetting{"the attribute " + a.Key, a.KeyNode, len(values) > 0 && !a.Value.HasHoles()})
			statements = append(statements, statement(a.Key, values))
		}
	}
	m.effects.commands = append(m.effects.commands, assert(func(dst []byte, r *runtime.Run) (_ []byte, err error) {
		for _, add := range statements {
			if dst, err = add(dst, r); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}))
}

// attributeValue appends the values of a statement to the list that dst ends in.
type attributeValue func(dst []byte, r *runtime.Run) ([]byte, error)

// values compiles one value or a list of them, nil when there was a problem.
func (m *formCompiler) values(n *document.Node) []attributeValue {
	if n.Kind == document.List {
		return m.severalValues(n)
	}
	switch n.Kind {
	case document.Map:
		m.Add(n.Problem("want an attribute's value as a text, a number, a boolean or a list of them, got a map"))
		return nil
	case document.Broken:
		return nil
	case document.Null:
		return []attributeValue{}
	case document.Bool:
		return []attributeValue{formatAttribute("xs:boolean", n.Text)}
	case document.Number:
		return []attributeValue{formatAttribute(numberType(n.Text), n.Text)}
	}
	t := m.text(n)
	if t == nil {
		return nil
	}
	if s, ok := t.Literal(); ok {
		return []attributeValue{formatAttribute("xs:string", s)}
	}
	if x := t.Whole(); x != nil {
		return []attributeValue{evaluateAttribute(x)}
	}
	return []attributeValue{renderAttribute(t)}
}

func (m *formCompiler) severalValues(n *document.Node) []attributeValue {
	all := []attributeValue{}
	for _, item := range n.Items {
		if item.Kind == document.List {
			m.Add(item.Problem("want an attribute's value as a text, a number or a boolean, got a list"))
			return nil
		}
		one := m.values(item)
		if one == nil {
			return nil
		}
		all = append(all, one...)
	}
	return all
}

func formatAttribute(xsi, text string) attributeValue {
	value := appendTyped(nil, xsi, text)
	return func(dst []byte, _ *runtime.Run) ([]byte, error) { return append(comma(dst), value...), nil }
}

func numberType(text string) string {
	if strings.ContainsAny(text, ".eE") {
		return "xs:double"
	}
	return "xs:integer"
}

// renderAttribute is text with holes; nothing when one of them is null.
func renderAttribute(t *expr.Text) attributeValue {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		mark := len(dst)
		dst = append(comma(dst), typedHead("xs:string")...)
		dst, null, err := t.AppendJSON(dst, r)
		if err != nil || null {
			return dst[:mark], err
		}
		return append(dst, '}'), nil
	}
}

// evaluateAttribute is an expression's value, or each of a list's; null is none.
func evaluateAttribute(x *expr.Expression) attributeValue {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		v, err := x.Eval(r)
		if err != nil {
			return dst, err
		}
		return appendValues(dst, r, v)
	}
}

func appendValues(dst []byte, r *runtime.Run, v runtime.Value) (_ []byte, err error) {
	if v.Kind() != runtime.List {
		return appendValue(dst, r, v)
	}
	err = elements(v, r.Meter, func(item runtime.Value) (err error) {
		dst, err = appendValue(dst, r, item)
		return err
	})
	return dst, err
}

func appendValue(dst []byte, r *runtime.Run, v runtime.Value) ([]byte, error) {
	var xsi string
	switch v.Kind() {
	case runtime.Null:
		return dst, nil
	case runtime.String:
		head := typedHead("xs:string")
		if !r.Meter.Emit(int64(len(head)) + 2) {
			return dst, r.Meter.Err()
		}
		dst, err := v.AppendJSON(append(comma(dst), head...), r.Meter)
		return append(dst, '}'), err
	case runtime.Bool:
		xsi = "xs:boolean"
	case runtime.Int:
		xsi, v = "xs:integer", runtime.IntOf(v.Int())
	case runtime.Float:
		xsi = "xs:double"
	default:
		return dst, wrong("attributes", "a text, a number, a boolean or a list of them", v)
	}
	if !r.Meter.Emit(80 + int64(len(v.Node().Raw()))) { // a payload's number may be written as long as it likes
		return dst, r.Meter.Err()
	}
	dst = append(comma(dst), typedHead(xsi)...)
	dst = v.AppendScalar(append(dst, '"'))
	return append(dst, `"}`...), nil
}

func typedHead(xsi string) string {
	switch xsi { // constants, so that nothing is built while a call waits
	case "xs:string":
		return `{"attributes":{"xsi:type":"xs:string"},"value":`
	case "xs:boolean":
		return `{"attributes":{"xsi:type":"xs:boolean"},"value":`
	case "xs:integer":
		return `{"attributes":{"xsi:type":"xs:integer"},"value":`
	}
	return `{"attributes":{"xsi:type":"xs:double"},"value":`
}

func appendTyped(dst []byte, xsi, text string) []byte {
	return append(jsondoc.AppendString(append(dst, typedHead(xsi)...), text), '}')
}

// appendStatement appends the operation that adds an attribute statement, up to its values. A name
// that is a URI says so.
func appendStatement(dst []byte, name string) []byte {
	format := "basic"
	if strings.Contains(name, ":") {
		format = "uri"
	}
	dst = appendAdd(dst, name)
	dst = append(dst, `{"attributes":{"NameFormat":"urn:oasis:names:tc:SAML:2.0:attrname-format:`...)
	return append(append(dst, format...), `"},"attributeValues":[`...)
}

// statement appends one attribute statement; none when it has no values.
func statement(name string, values []attributeValue) appender {
	head := appendStatement(nil, name)
	return func(dst []byte, r *runtime.Run) (_ []byte, err error) {
		mark := len(dst)
		dst = append(comma(dst), head...)
		start := len(dst)
		for _, add := range values {
			if dst, err = add(dst, r); err != nil {
				return dst, err
			}
		}
		if len(dst) == start {
			return dst[:mark], nil
		}
		return append(dst, `]}}`...), nil
	}
}

// attributesOf makes statements of an object that an expression gives.
func attributesOf(x *expr.Expression) appender {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		v, err := x.Eval(r)
		if err != nil || v.IsNull() {
			return dst, err
		}
		if v.Kind() != runtime.Object {
			return dst, wrong("attributes", "an object", v)
		}
		err = members(v, r.Meter, func(name string, value runtime.Value) (err error) {
			mark := len(dst)
			if dst, err = appendMetered(comma(dst), r, name, appendStatement); err != nil {
				return err
			}
			start := len(dst)
			if dst, err = appendValues(dst, r, value); err != nil {
				return err
			}
			if len(dst) == start {
				dst = dst[:mark]
				return nil
			}
			dst = append(dst, `]}}`...)
			return nil
		})
		return dst, err
	}
}

func compileNameID(m *formCompiler, n *document.Node) {
	m.assertLeaf(n, m.template(n), `{"op":"replace","path":"/subject/nameId","value":`, `"x"`)
}

func compileSessionLifetime(m *formCompiler, n *document.Node) {
	t := m.template(n)
	if t != nil {
		t.seconds = t.isExpression()
	}
	m.assertLeaf(n, t, `{"op":"add","path":"/authentication/sessionLifetime","value":`, "300")
}

// assertLeaf patches one place of the assertion; nothing when the value is null.
func (m *formCompiler) assertLeaf(n *document.Node, t *template, before, standIn string) {
	if t == nil {
		return
	}
	sample := append([]byte(`{"commands":[`+assertion+before), t.appendSample(nil, standIn)...)
	if m.checkPart(append(sample, `}]}]}`...), n) {
		m.effects.commands = append(m.effects.commands, assert(wrapTemplate(before, t, "}")))
	}
}
