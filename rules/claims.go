package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// tokens reads a map of id: and access:.
func (m *maker) tokens(n *node, what string, each func(k hook.TokenKind, n *node)) {
	if n.kind == brokenNode {
		return
	}
	if n.kind != mapNode {
		m.add(n.problem("want %s as a map of id and access, got %s", what, n.is()))
		return
	}
	for _, token := range n.members {
		k, ok := hook.ParseTokenKind(token.key)
		if !ok {
			m.add(token.at.problem("unknown token %q: want id or access%s", token.key, suggest(token.key, []string{"id", "access"})))
			continue
		}
		if token.value.kind != brokenNode {
			each(k, token.value)
		}
	}
}

func compileClaims(m *maker, n *node) {
	if n.kind == textNode {
		if x := m.object(n); x != nil {
			m.effects.commands = append(m.effects.commands, claimsOf(hook.IDToken, x, "id"), claimsOf(hook.AccessToken, x, "access"))
		}
		return
	}
	m.tokens(n, "claims", func(k hook.TokenKind, n *node) {
		if n.kind == textNode {
			if x := m.object(n); x != nil {
				m.effects.commands = append(m.effects.commands, claimsOf(k, x, ""))
			}
			return
		}
		if n.kind != mapNode {
			m.add(n.problem("want claims as a map of names to values, got %s", n.is()))
			return
		}
		m.fixedClaims(k, n)
	})
}

// object compiles a leaf that must be one expression, which gives an object.
func (m *maker) object(n *node) *expr.Expression {
	t := m.text(n)
	if t == nil {
		return nil
	}
	x := t.Whole()
	if x == nil {
		m.add(n.problem("want a map, or one ${ expression } that gives an object, got a text"))
	}
	return x
}

// claim is one operation but for its value.
type claim struct {
	before []byte // {"op":"add","path":"/claims/name","value":
	value  *template
}

// fixedClaims sets claims whose names are known. Add also replaces what is there (hooks.md section 4).
func (m *maker) fixedClaims(k hook.TokenKind, n *node) {
	var claims []claim
	for _, c := range n.members {
		value := m.template(c.value)
		before := appendAdd(nil, c.key)
		if !m.fixed(c) || value == nil {
			continue
		}
		sample := append([]byte(`{"commands":[{"type":"`+k.Command()+`","value":[`), before...)
		sample = append(value.appendSample(sample, `"x"`), `}]}]}`...)
		if m.checkPart(sample, c.at) {
			claims = append(claims, claim{before, value})
			m.sets = append(m.sets, setting{"the claim " + c.key + " of the " + k.String() + " token", c.at, value.constant()})
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
		return appendClaims(dst, r, v)
	})
}

// appendClaims appends an operation for each member of an object; those that are null are left out.
func appendClaims(dst []byte, r *runtime.Run, v runtime.Value) (_ []byte, err error) {
	err = members(v, r.Meter, func(name string, value runtime.Value) (err error) {
		if value.IsNull() {
			return nil
		}
		if dst, err = paid(comma(dst), r, name, appendAdd); err != nil {
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
func compileRemoveClaims(m *maker, n *node) {
	m.tokens(n, "remove_claims", func(k hook.TokenKind, n *node) {
		if n.kind == textNode {
			t := m.text(n)
			if t == nil {
				return
			}
			if x := t.Whole(); x != nil {
				m.effects.commands = append(m.effects.commands, removalsOf(k, x))
				return
			}
		}
		if n.kind != listNode {
			m.add(n.problem("want the names of claims as a list, got %s", n.is()))
			return
		}
		m.fixedRemovals(k, n)
	})
}

func (m *maker) fixedRemovals(k hook.TokenKind, n *node) {
	var names []string
	for _, item := range n.items {
		if item.kind != textNode || item.text == "" {
			if item.kind != brokenNode {
				m.add(item.problem("want a claim's name, got %s", item.is()))
			}
			continue
		}
		if item.computed() {
			m.add(item.problem("want a claim's name as it is; to compute names, give the whole list as one ${ expression }"))
			continue
		}
		name := strings.ReplaceAll(item.text, "$${", "${")
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
		var removed names
		err = elements(v, r.Meter, func(name runtime.Value) error {
			if name.Kind() != runtime.String {
				return wrong("remove_claims", "a list of names", name)
			}
			there, err := has(r, k, name.Text())
			if err != nil || !there || !removed.add(name.Text()) {
				return err
			}
			dst, err = paid(comma(dst), r, name.Text(), appendRemove)
			return err
		})
		return dst, err
	})
}

// usual is the lifetime in seconds that Okta gives a token when nobody has set another one.
const usual = 3600

// shortens reports whether a lifetime may make a token shorter than Okta's usual one.
func shortens(n *node) bool {
	for _, m := range n.members {
		if v, err := strconv.Atoi(m.value.text); m.value.kind != numberNode || err != nil || v < usual {
			return true
		}
	}
	return n.kind != mapNode
}

func compileLifetime(m *maker, n *node) {
	m.tokens(n, "lifetime", func(k hook.TokenKind, n *node) {
		t := m.template(n)
		if t == nil {
			return
		}
		if !t.constant() && !t.whole() {
			m.add(n.problem("want a lifetime in seconds, got %s", n.is()))
			return
		}
		const before = `{"op":"replace","path":"/token/lifetime/expiration","value":`
		sample := append([]byte(`{"commands":[{"type":"`+k.Command()+`","value":[`+before), t.appendSample(nil, "300")...)
		if d, err := time.ParseDuration(n.text); n.kind == textNode && err == nil && d >= time.Second {
			m.add(n.problem("want a lifetime in seconds, got %s: say %d", n.text, d/time.Second))
			return
		}
		if !m.checkPart(append(sample, `}]}]}`...), n) {
			return
		}
		m.sets = append(m.sets, setting{"the lifetime of the " + k.String() + " token", n, t.constant()})
		m.effects.commands = append(m.effects.commands, patch(k, around(before, t, "}")))
	})
}
