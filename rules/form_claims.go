package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// tokens reads a map of id: and access:.
func (m *formCompiler) tokens(n *document.Node, what string, each func(k hook.TokenKind, n *document.Node)) {
	if n.Kind == document.Broken {
		return
	}
	if n.Kind != document.Map {
		m.Add(n.Problem("want %s as a map of id and access, got %s", what, n.Describe()))
		return
	}
	for _, token := range n.Members {
		k, ok := hook.ParseTokenKind(token.Key)
		if !ok {
			m.Add(token.KeyNode.Problem("unknown token %q: want id or access%s", token.Key, document.Suggest(token.Key, []string{"id", "access"})))
			continue
		}
		if token.Value.Kind != document.Broken {
			each(k, token.Value)
		}
	}
}

func compileClaims(m *formCompiler, n *document.Node) {
	if n.Kind == document.Text {
		if x := m.object(n); x != nil {
			m.effects.commands = append(m.effects.commands, claimsOf(hook.IDToken, x, "id"), claimsOf(hook.AccessToken, x, "access"))
		}
		return
	}
	m.tokens(n, "claims", func(k hook.TokenKind, n *document.Node) {
		if n.Kind == document.Text {
			if x := m.object(n); x != nil {
				m.effects.commands = append(m.effects.commands, claimsOf(k, x, ""))
			}
			return
		}
		if n.Kind != document.Map {
			m.Add(n.Problem("want claims as a map of names to values, got %s", n.Describe()))
			return
		}
		m.fixedClaims(k, n)
	})
}

// object compiles a leaf that must be one expression, which gives an object.
func (m *formCompiler) object(n *document.Node) *expr.Expression {
	t := m.text(n)
	if t == nil {
		return nil
	}
	x := t.Whole()
	if x == nil {
		m.Add(n.Problem("want a map, or one ${ expression } that gives an object, got a text"))
	}
	return x
}

// claim is one operation but for its value.
type claim struct {
	before []byte // {"op":"add","path":"/claims/name","value":
	value  *template
}

// fixedClaims sets claims with constant names. `add` also replaces existing claims (hooks.md section 4).
func (m *formCompiler) fixedClaims(k hook.TokenKind, n *document.Node) {
	var claims []claim
	for _, c := range n.Members {
		value := m.template(c.Value)
		if value != nil {
			value.wholeSeconds()
		}
		before := appendAdd(nil, c.Key)
		if !m.hasConstantName(c) || value == nil {
			continue
		}
		sample := append([]byte(`{"commands":[{"type":"`+k.Command()+`","value":[`), before...)
		sample = append(value.appendSample(sample, `"x"`), `}]}]}`...)
		if m.checkPart(sample, c.KeyNode) {
			claims = append(claims, claim{before, value})
			m.sets = append(m.sets, outputSetting{"the claim " + c.Key + " of the " + k.String() + " token", c.KeyNode, value.constant()})
		}
	}
	m.effects.commands = append(m.effects.commands, patch(k, func(dst []byte, r *runtime.Run) ([]byte, error) {
		for i := range claims {
			mark := len(dst)
			dst = append(comma(dst), claims[i].before...)
			var null bool
			var err error
			if dst, null, err = claims[i].value.append(dst, r); err != nil {
				return dst, err
			}
			if null {
				dst = dst[:mark]
				continue
			}
			dst = append(dst, '}')
		}
		return dst, nil
	}))
}

// patch appends a command that patches a token, when this call mints it and there is something to patch.
func patch(k hook.TokenKind, operations appender) appender {
	head := `{"type":"` + k.Command() + `","value":[`
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		if !k.Minted(r.Event) {
			return dst, nil
		}
		mark := len(dst)
		dst = append(comma(dst), head...)
		start := len(dst)
		dst, err := operations(dst, r)
		if err != nil || len(dst) == start {
			return dst[:mark], err
		}
		return append(dst, "]}"...), nil
	}
}

// appendAdd appends the operation that sets a claim, up to its value. A name with / or ~ is escaped as in a JSON Pointer.
func appendAdd(dst []byte, name string) []byte {
	dst = append(dst, `{"op":"add","path":"/claims/`...)
	return append(jsondoc.AppendEscaped(dst, jsondoc.EscapePointer(name)), `","value":`...)
}

// claimsOf sets the claims that an expression gives: an object of names to values, or its member of the token's name.
func claimsOf(k hook.TokenKind, x *expr.Expression, member string) appender {
	return patch(k, func(dst []byte, r *runtime.Run) ([]byte, error) {
		v, err := x.Eval(r)
		if err != nil {
			return dst, err
		}
		if member != "" && !v.IsNull() {
			if v.Kind() != runtime.Object {
				return dst, wrong("claims", "an object", v)
			}
			v = v.Get(member)
		}
		if v.IsNull() {
			return dst, nil
		}
		if v.Kind() != runtime.Object {
			return dst, wrong("claims", "an object", v)
		}
		return appendClaims(dst, r, v, x.Timed())
	})
}

// appendClaims appends an operation for each member of an object, except null members. Numbers lose their fractions if
// timed.
func appendClaims(dst []byte, r *runtime.Run, v runtime.Value, timed bool) (_ []byte, err error) {
	err = members(v, r.Meter, func(name string, value runtime.Value) (err error) {
		if value.IsNull() {
			return nil
		}
		if timed {
			value = expr.WholeNumber(value)
		}
		if dst, err = appendMetered(comma(dst), r, name, appendAdd); err != nil {
			return err
		}
		if dst, err = value.AppendJSON(dst, r.Meter); err == nil {
			dst = append(dst, '}')
		}
		return err
	})
	return dst, err
}

// compileRemoveClaims removes only claims that are there, as earlier rules have left them: the removal of an absent claim
// makes Okta drop the whole patch (hooks.md section 4).
func compileRemoveClaims(m *formCompiler, n *document.Node) {
	m.tokens(n, "remove_claims", func(k hook.TokenKind, n *document.Node) {
		if n.Kind == document.Text {
			t := m.text(n)
			if t == nil {
				return
			}
			if x := t.Whole(); x != nil {
				m.effects.commands = append(m.effects.commands, removalsOf(k, x))
				return
			}
		}
		if n.Kind != document.List {
			m.Add(n.Problem("want the names of claims as a list, got %s", n.Describe()))
			return
		}
		m.fixedRemovals(k, n)
	})
}

func (m *formCompiler) fixedRemovals(k hook.TokenKind, n *document.Node) {
	var names []string
	for _, item := range n.Items {
		if item.Kind != document.Text || item.Text == "" {
			if item.Kind != document.Broken {
				m.Add(item.Problem("want a claim's name, got %s", item.Describe()))
			}
			continue
		}
		if item.HasHoles() {
			m.Add(item.Problem("want a claim's name as it is; to compute names, give the whole list as one ${ expression }"))
			continue
		}
		name := strings.ReplaceAll(item.Text, "$${", "${")
		if slices.Contains(names, name) {
			continue
		}
		sample := appendRemove([]byte(`{"commands":[{"type":"`+k.Command()+`","value":[`), name)
		if m.checkPart(append(sample, `]}]}`...), item) {
			names = append(names, name)
		}
	}
	m.effects.commands = append(m.effects.commands, patch(k, func(dst []byte, r *runtime.Run) ([]byte, error) {
		for _, name := range names {
			there, err := has(r, k, name)
			if err != nil {
				return dst, err
			}
			if there {
				dst = appendRemove(comma(dst), name)
			}
		}
		return dst, nil
	}))
}

// has reports whether the token has the claim, as earlier rules have left it.
func has(r *runtime.Run, k hook.TokenKind, name string) (bool, error) {
	if r.Merge == nil {
		return k.Claims(r.Event).Get(name).Kind() != jsondoc.Missing, nil
	}
	if !r.Meter.Spend(1 + int64(r.Merge.Changes())) {
		return false, r.Meter.Err()
	}
	return r.Merge.Has(k, name), nil
}

func appendRemove(dst []byte, name string) []byte {
	dst = append(dst, `{"op":"remove","path":"/claims/`...)
	return append(jsondoc.AppendEscaped(dst, jsondoc.EscapePointer(name)), `"}`...)
}

func removalsOf(k hook.TokenKind, x *expr.Expression) appender {
	return patch(k, func(dst []byte, r *runtime.Run) ([]byte, error) {
		v, err := x.Eval(r)
		if err != nil || v.IsNull() {
			return dst, err
		}
		if v.Kind() != runtime.List {
			return dst, wrong("remove_claims", "a list of names", v)
		}
		var removed stringSet
		err = elements(v, r.Meter, func(name runtime.Value) error {
			if name.Kind() != runtime.String {
				return wrong("remove_claims", "a list of names", name)
			}
			there, err := has(r, k, name.Text())
			if err != nil || !there || !removed.add(name.Text()) {
				return err
			}
			dst, err = appendMetered(comma(dst), r, name.Text(), appendRemove)
			return err
		})
		return dst, err
	})
}

// usual is Okta's default lifetime of a token, in seconds.
const usual = 3600

// shortens reports whether a lifetime may make a token shorter than Okta's usual one.
func shortens(n *document.Node) bool {
	for _, m := range n.Members {
		if v, err := strconv.Atoi(m.Value.Text); m.Value.Kind != document.Number || err != nil || v < usual {
			return true
		}
	}
	return n.Kind != document.Map
}

func compileLifetime(m *formCompiler, n *document.Node) {
	m.tokens(n, "lifetime", func(k hook.TokenKind, n *document.Node) {
		t := m.template(n)
		if t == nil {
			return
		}
		if !t.constant() && !t.isExpression() {
			m.Add(n.Problem("want a lifetime in seconds, got %s", n.Describe()))
			return
		}
		t.seconds = t.isExpression()
		const before = `{"op":"replace","path":"/token/lifetime/expiration","value":`
		sample := append([]byte(`{"commands":[{"type":"`+k.Command()+`","value":[`+before), t.appendSample(nil, "300")...)
		if d, err := time.ParseDuration(n.Text); n.Kind == document.Text && err == nil && d >= time.Second {
			m.Add(n.Problem("want a lifetime in seconds, got %s: say %d", n.Text, d/time.Second))
			return
		}
		if !m.checkPart(append(sample, `}]}]}`...), n) {
			return
		}
		m.sets = append(m.sets, outputSetting{"the lifetime of the " + k.String() + " token", n, t.constant()})
		m.effects.commands = append(m.effects.commands, patch(k, wrapTemplate(before, t, "}")))
	})
}
