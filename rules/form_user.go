package rules

import (
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

const (
	userProfile        = `{"type":"com.okta.user.profile.update","value":`
	progressiveProfile = `{"type":"com.okta.user.progressive.profile.update","value":`
	appUserProfile     = `{"type":"com.okta.appUser.profile.update","value":`
)

// compileProfile sets attributes of the user. The requestType of the call selects one of two
// commands: each is invalid in calls of the other kind (hooks.md section 6).
func compileProfile(m *formCompiler, n *document.Node) {
	t := m.profile(n, "profile", userProfile)
	if t == nil {
		return
	}
	update := wrapTemplate(userProfile, t, "}")
	if m.HookType != hook.Registration {
		m.effects.commands = append(m.effects.commands, update)
		return
	}
	progressive := wrapTemplate(progressiveProfile, t, "}")
	m.effects.commands = append(m.effects.commands, func(dst []byte, r *runtime.Run) ([]byte, error) {
		if r.Event.Node.Get("requestType").Text() == "progressive.profile" {
			return progressive(dst, r)
		}
		return update(dst, r)
	})
}

func compileAppProfile(m *formCompiler, n *document.Node) {
	if t := m.profile(n, "app_profile", appUserProfile); t != nil {
		m.effects.commands = append(m.effects.commands, wrapTemplate(appUserProfile, t, "}"))
	}
}

// profile compiles attributes and their values, or returns nil after a problem.
func (m *formCompiler) profile(n *document.Node, what, command string) *template {
	t := m.template(n)
	if t == nil {
		return nil
	}
	if n.Kind != document.Map && !t.isExpression() {
		m.Add(n.Problem("want %s as a map of attributes, got %s", what, n.Describe()))
		return nil
	}
	fine := true
	if n.Kind != document.Map {
		fine = m.checkPart(append(t.appendSample([]byte(`{"commands":[`+command), `{}`), `}]}`...), n)
	}
	for _, a := range n.Members {
		sample := append(jsondoc.AppendString([]byte(`{"commands":[`+command+`{`), a.Key), `:"x"}}]}`...)
		fine = m.checkPart(sample, a.KeyNode) && fine
		m.sets = append(m.sets, outputSetting{"the attribute " + a.Key + " of the " + what, a.KeyNode, !a.Value.HasHoles()})
	}
	if !fine {
		return nil
	}
	return t
}

// compileLinkUser links to a user. LINK_USER without a user is the worst answer (hooks.md section
// 10), so a null id gives no command at all.
func compileLinkUser(m *formCompiler, n *document.Node) {
	t := m.template(n)
	if t == nil {
		return
	}
	const before = `{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":`
	sample := append([]byte(`{"commands":[`+before), t.appendSample(nil, `"x"`)...)
	if m.checkPart(append(sample, `}}]}`...), n) {
		m.effects.commands = append(m.effects.commands, wrapTemplate(before, t, "}}"))
	}
	if m.rule.output("create_user") != nil {
		m.Add(n.Problem("want either link_user or create_user in a rule, got both"))
	}
}

func compileCreateUser(m *formCompiler, n *document.Node) {
	if when := m.flag(n, "create_user"); when != nil {
		create := literal(`{"type":"com.okta.action.update","value":{"result":"CREATE_USER"}}`)
		m.effects.commands = append(m.effects.commands, func(dst []byte, r *runtime.Run) ([]byte, error) {
			if yes, err := when(r); err != nil || !yes {
				return dst, err
			}
			return create(dst, r)
		})
	}
}

// flag compiles a boolean or an expression that counts only if it is exactly true.
func (m *formCompiler) flag(n *document.Node, what string) func(*runtime.Run) (bool, error) {
	if n.Kind == document.Bool {
		yes := n.Text == "true"
		return func(*runtime.Run) (bool, error) { return yes, nil }
	}
	if n.Kind == document.Text {
		t := m.text(n)
		if t == nil {
			return nil
		}
		if x := t.Whole(); x != nil {
			m.decides = append(m.decides, clausesIn(n, m.env.CountWhole(t, n.Text))...)
			return func(r *runtime.Run) (bool, error) {
				v, err := x.Eval(r)
				return err == nil && v.Bool(), err
			}
		}
	}
	m.Add(n.Problem("want %s as true, false or one ${ expression }, got %s", what, n.Describe()))
	return nil
}

// verification is the outputSetting of verify.
const verification = "the verification of the password"

// compileVerify answers VERIFIED or UNVERIFIED: Okta imports a password only if it is VERIFIED
// (hooks.md section 8.1).
func compileVerify(m *formCompiler, n *document.Node) {
	right := m.flag(n, "verify")
	if right == nil {
		return
	}
	m.sets = append(m.sets, outputSetting{verification, n, n.Kind != document.Bool || n.Text != "true"})
	const before = `{"type":"com.okta.action.update","value":{"credential":`
	yes, no := literal(before+`"VERIFIED"}}`), literal(before+`"UNVERIFIED"}}`)
	m.effects.commands = append(m.effects.commands, func(dst []byte, r *runtime.Run) ([]byte, error) {
		ok, err := right(r)
		if err != nil {
			return dst, err
		}
		if ok {
			return yes(dst, r)
		}
		return no(dst, r)
	})
}

// compileTelephony reports the delivery status of the message (hooks.md section 8.2).
func compileTelephony(m *formCompiler, n *document.Node) {
	if n.Kind != document.Map {
		m.Add(n.Problem("want telephony as a map with status, got %s", n.Describe()))
		return
	}
	t := m.template(n)
	if t == nil {
		return
	}
	const before = `{"type":"com.okta.telephony.action","value":[`
	sample := append(t.appendSample([]byte(`{"commands":[`+before), `"x"`), `]}]}`...)
	m.check(sample, n, "commands[0].value[0]")
	m.effects.commands = append(m.effects.commands, wrapTemplate(before, t, "]}"))
}
