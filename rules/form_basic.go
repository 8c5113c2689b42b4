package rules

import (
	"bytes"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func compileCommands(m *formCompiler, n *document.Node) {
	if n.Kind == document.Text {
		m.computedCommands(n)
		return
	}
	if n.Kind != document.List {
		m.Add(n.Problem("want commands as a list, got %s", n.Describe()))
		return
	}
	sample, fine := []byte(`{"commands":[`), true
	for _, item := range n.Items {
		t := m.template(item)
		if fine = fine && t != nil; !fine {
			continue
		}
		t.pointers()
		t.wholeSeconds()
		m.effects.commands = append(m.effects.commands, wrapTemplate("", t, ""))
		sample = t.appendSample(comma(sample), `"x"`)
	}
	if !fine {
		return
	}
	m.check(append(sample, "]}"...), n, "commands")
}

// computedCommands compiles commands that are one expression for the whole list.
func (m *formCompiler) computedCommands(n *document.Node) {
	t := m.text(n)
	if t == nil {
		return
	}
	if t.Whole() == nil {
		m.Add(n.Problem("want commands as a list, got a text"))
		return
	}
	m.effects.commands = append(m.effects.commands, spliceList(t))
}

// spliceList returns an appender of an expression's value: one element, or the elements of a list.
func spliceList(t *expr.Text) appender {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		mark := len(dst)
		dst = comma(dst)
		start := len(dst)
		dst, null, err := t.AppendJSON(dst, r)
		if err != nil || null || string(dst[start:]) == "[]" {
			return dst[:mark], err
		}
		if dst[start] == '[' {
			return append(dst[:start], dst[start+1:len(dst)-1]...), nil
		}
		return dst, nil
	}
}

func compileError(m *formCompiler, n *document.Node) {
	if n.Kind == document.Text {
		if t := m.text(n); t != nil {
			m.effects.error = func(dst []byte, r *runtime.Run) ([]byte, error) {
				dst, err := appendSummary(append(dst, '{'), t, r)
				return append(dst, '}'), err
			}
		}
		return
	}
	if n.Kind != document.Map {
		m.Add(n.Problem("want error as a text or as Okta's error object, got %s", n.Describe()))
		return
	}
	t := m.template(n)
	if t == nil {
		return
	}
	t.setFallbacks()
	m.effects.error = templateAppender(t)
	sample := append([]byte(`{"error":`), t.appendSample(nil, `"x"`)...)
	m.check(append(sample, '}'), n, "error")
}

// defaultDenial is the text of a denial whose own text is empty.
const defaultDenial = "This request was refused."

// appendSummary appends the member errorSummary with the text.
func appendSummary(dst []byte, t *expr.Text, r *runtime.Run) ([]byte, error) {
	dst = append(dst, `"errorSummary":"`...)
	start := len(dst)
	dst, err := appendEscaped(dst, t, r)
	if len(bytes.TrimSpace(dst[start:])) == 0 {
		dst = append(dst[:start], defaultDenial...)
	}
	return append(dst, '"'), err
}

// appendEscaped renders the text at the end of dst and escapes it there.
func appendEscaped(dst []byte, t *expr.Text, r *runtime.Run) ([]byte, error) {
	start := len(dst)
	dst, err := t.AppendText(dst, r)
	if err != nil {
		return dst, err
	}
	return escapeTail(dst, start), nil
}

func compileDebug(m *formCompiler, n *document.Node) {
	if n.Kind != document.Map && n.Kind != document.Text {
		m.Add(n.Problem("want debug as a map, got %s", n.Describe()))
		return
	}
	t := m.template(n)
	if t == nil {
		return
	}
	if n.Kind == document.Text && !t.isExpression() {
		m.Add(n.Problem("want debug as a map, got a text"))
		return
	}
	if !m.checkPart(append(t.appendSample([]byte(`{"debugContext":`), `{}`), '}'), n) {
		return
	}
	m.effects.debug = templateAppender(t)
}

func compileDeny(m *formCompiler, n *document.Node) {
	if n.Kind != document.Text {
		m.Add(n.Problem("want deny as the text the user is shown, got %s", n.Describe()))
		return
	}
	t := m.text(n)
	if t == nil {
		return
	}
	at := m.location()
	m.effects.commands = append(m.effects.commands, literal(`{"type":"com.okta.action.update","value":{"registration":"DENY"}}`))
	m.effects.error = func(dst []byte, r *runtime.Run) ([]byte, error) {
		dst = append(dst, '{')
		start := len(dst)
		dst, err := appendSummary(dst, t, r)
		if err != nil || at == nil {
			return append(dst, '}'), err
		}
		summary := dst[start:]
		dst = append(dst, `,"errorCauses":[{`...)
		dst = append(dst, summary...)
		dst = append(dst, `,"reason":"REFUSED","locationType":"body","location":`...)
		dst = append(dst, at...)
		return append(dst, `,"domain":"end-user"}]}`...), nil
	}
}

// location returns the `at` of the rule as JSON, or nil. The Sign-In Widget shows a cause only if
// its location names a submitted attribute (hooks.md section 6).
func (m *formCompiler) location() []byte {
	n := m.rule.at
	if n == nil || n.Kind == document.Broken {
		return nil
	}
	for _, prefix := range []string{"data.userProfile.", "data.userProfileUpdate."} {
		if rest, ok := strings.CutPrefix(n.Text, prefix); ok && n.Kind == document.Text && rest != "" && !strings.ContainsAny(rest, " ${}\"'") {
			return jsondoc.AppendString(nil, n.Text)
		}
	}
	m.Add(n.Problem("want at to name a submitted attribute, as in data.userProfile.email: Okta shows the text beside no other"))
	return nil
}
