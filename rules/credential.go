package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
)

// Credential is one way to be let in: every line must match.
type Credential struct {
	Lines []Line
}

// Line is a header and what its whole value may be: any of the secrets, or a token.
type Line struct {
	Header  string
	Secrets []Secret
	OAuth   *OAuth // set: the value is "Bearer" and a token that this accepts, and there are no secrets
}

// maxSecrets is how many secrets a hook may have: which of them was shown is told by a bit for each.
const maxSecrets = 64

// Secrets lists the names of the hook's secrets; a Secret's Place is its place here.
func (h *Hook) Secrets() (names []string) {
	for _, c := range h.Auth {
		for _, l := range c.Lines {
			for _, s := range l.Secrets {
				names = append(names, s.name)
			}
		}
	}
	return names
}

// lineSpec is one thing a caller must show.
type lineSpec struct {
	header               string
	headerAt             *document.Node
	secret, basic, oauth *document.Node
}

const secretSchema = `{"oneOf":[{"$ref":"#/$defs/secret"},{"type":"array","minItems":1,"items":{"$ref":"#/$defs/secret"}}]}`

var lineFields = []document.Field[lineSpec]{
	{Key: "header", Doc: "The header's name.", Schema: document.TextSchema,
		Read: func(d *document.Decoder, l *lineSpec, n *document.Node) { l.header, l.headerAt = d.Text(n), n }},
	{Key: "secret", Doc: "The header's whole value, or a list of values of which any will do: ${env.NAME} or ${file./path}, each with a name if wanted: {name: 2026-10, value: ...}.", Schema: secretSchema,
		Read: func(_ *document.Decoder, l *lineSpec, n *document.Node) { l.secret = n }},
	{Key: "basic", Doc: "User and password of HTTP Basic authentication.", Schema: `{"type":"object","properties":{"user":{"type":"string"},"password":` + secretSchema + `},"required":["user","password"],"additionalProperties":false}`,
		Read: func(_ *document.Decoder, l *lineSpec, n *document.Node) { l.basic = n }},
	{Key: "oauth", Doc: "An access token of the issuer, as Okta's OAuth 2.0 hooks send it in Authorization.", Schema: `{"$ref":"#/$defs/oauth"}`,
		Read: func(_ *document.Decoder, l *lineSpec, n *document.Node) { l.oauth = n }},
}

// authSpec gathers the secrets of one hook on the way.
type authSpec struct {
	hook  *hookSpec
	all   []Credential
	shown []told
}

// auth reads who may call.
func (l *loader) auth(spec *hookSpec) []Credential {
	n := spec.auth
	switch {
	case n == nil:
		if spec.node.Kind == document.Map && spec.node.Get("auth") == nil {
			l.Add(spec.node.Problem("a hook without auth: say who may call it, or auth: none to try it on loopback"))
		}
		return nil
	case n.Kind == document.Text && n.Text == "none":
		l.Add(n.Warning("anybody may call this hook: it is served on loopback only"))
		return nil
	case n.Kind == document.Text || n.Kind == document.Map || n.Kind == document.List && len(n.Items) == 0:
		l.Add(n.Problem("want auth as a list of entries of which any may match, or none, got %s", n.Describe()))
		return nil
	}
	a := &authSpec{hook: spec}
	for _, entry := range l.Items(n, "auth") {
		l.entry(a, entry)
	}
	l.number(a)
	l.shared(a)
	return a.all
}

// entry reads one way to be let in: a map, or a list of maps.
func (l *loader) entry(a *authSpec, n *document.Node) {
	each := []*document.Node{n}
	if n.Kind == document.List {
		each = n.Items
	}
	var c Credential
	for _, one := range each {
		c.Lines = append(c.Lines, l.lines(a, one)...)
	}
	bearer := slices.ContainsFunc(c.Lines, func(l Line) bool { return l.OAuth != nil })
	if bearer && slices.ContainsFunc(c.Lines, func(l Line) bool { return l.OAuth == nil && strings.EqualFold(l.Header, authorization) }) {
		l.Add(n.Problem("oauth reads Authorization, and another line of this entry wants a secret there: no call shows both"))
	}
	a.all = append(a.all, c)
}

const authorization = "Authorization"

// lines reads one map of an entry: a header with its secret, basic, oauth, or several of them.
func (l *loader) lines(a *authSpec, n *document.Node) (lines []Line) {
	var spec lineSpec
	document.Decode(&l.Decoder, n, "an auth entry", lineFields, &spec)
	r := secretReader{outside: outside{env: l.options.Env, check: l.options.Check}}
	if spec.basic != nil {
		lines = append(lines, Line{Header: authorization, Secrets: r.basic(spec.basic)})
	}
	if spec.oauth != nil {
		lines = append(lines, Line{Header: authorization, OAuth: l.oauth(&r, a.hook, spec.oauth)})
	}
	switch {
	case spec.secret != nil && spec.headerAt != nil:
		l.header(spec.headerAt, spec.header)
		lines = append(lines, Line{Header: spec.header, Secrets: r.secrets(spec.secret)})
	case n.Kind == document.Map && (spec.secret != nil || spec.headerAt != nil || spec.basic == nil && spec.oauth == nil):
		l.Add(n.Problem("want header with secret, basic or oauth in an auth entry"))
	}
	l.Add(r.problems...)
	a.shown = append(a.shown, r.shown...)
	return lines
}

// takenHeaders are those that say something else already.
var takenHeaders = []string{"accept", "content-type", "content-length", "host", "connection", "transfer-encoding", "user-agent"}

func (l *loader) header(n *document.Node, name string) {
	valid := !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
	switch {
	case name == "":
	case !valid:
		l.Add(n.Problem("want the name of a header: letters, digits and hyphens"))
	case slices.Contains(takenHeaders, strings.ToLower(name)):
		l.Add(n.Problem("Okta sends %s with a value of its own: want another header", name))
	}
}

// number gives each secret of a hook its place, and a name where the policy gives none: the first is "1".
func (l *loader) number(a *authSpec) {
	place, names := 0, map[string]bool{}
	for _, c := range a.all {
		for _, line := range c.Lines {
			for i := range line.Secrets {
				s := &line.Secrets[i]
				s.place = place
				if place++; s.name == "" {
					s.name = strconv.Itoa(place)
				}
				if names[s.name] {
					l.Add(a.hook.auth.Problem("two secrets of this hook are named %s: want a name for each, or metrics cannot tell them apart", s.name))
				}
				names[s.name] = true
			}
		}
	}
	if place > maxSecrets {
		l.Add(a.hook.auth.Problem("%d secrets: want at most %d, for each is compared on each call", place, maxSecrets))
	}
}

// shared warns of secrets that are there more than once: who knows one of two hooks' can then call the other.
func (l *loader) shared(a *authSpec) {
	for _, t := range a.shown {
		first, there := l.shown[t.digest]
		switch {
		case !there:
			l.shown[t.digest] = a.hook
		case first == a.hook:
			l.Add(t.at.Warning("this hook has the same secret already: to rotate to it changes nothing"))
		case first.org != a.hook.org:
			l.Add(t.at.Warning("hook %s, of another org, has the same secret: whoever administers either org can call both", first.name))
		default:
			l.Add(t.at.Warning("hook %s has the same secret: whoever learns it can call both", first.name))
		}
	}
}
