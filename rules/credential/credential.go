// Package credential is for the orgs, secrets and OAuth settings by which hooks authenticate their
// callers.
package credential

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// Credential is one way to authenticate: a caller must match every line.
type Credential struct {
	Lines []Line
}

// Line is a header with its accepted values: any of the secrets, or a token.
type Line struct {
	Header  string
	Secrets []Secret
	OAuth   *OAuth // if set: the value is "Bearer" with a token that OAuth accepts, and Secrets is empty
}

// MaxSecrets is the number of secrets a hook may have: a bit mask records the matching ones.
const MaxSecrets = 64

// lineSpec is a Line as it is written.
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

// Owner is the hook whose auth is read.
type Owner struct {
	Name, Org string
	Event     bool           // an event hook
	Node      *document.Node // the hook
}

// Reader reads the orgs of a policy and the credentials of its hooks. Problems go to the Decoder.
type Reader struct {
	*document.Decoder
	folder *folder.Folder // holds files with key sets
	env    environment
	owners map[[sha256.Size]byte]Owner // by digest of a secret: the first hook that has it
}

// NewReader returns a Reader. env looks up environment variables. With check, a missing variable or
// file is a warning.
func NewReader(d *document.Decoder, f *folder.Folder, env func(string) (string, bool), check bool) *Reader {
	return &Reader{Decoder: d, folder: f, env: environment{env, check}, owners: map[[sha256.Size]byte]Owner{}}
}

// authSpec collects the secrets of one hook while its auth is read.
type authSpec struct {
	owner   Owner
	node    *document.Node
	all     []Credential
	secrets []placedSecret
}

// Auth reads the auth of a hook: the credentials of its callers. n is nil if the hook has none.
func (l *Reader) Auth(owner Owner, n *document.Node) []Credential {
	switch {
	case n == nil:
		if owner.Node.Kind == document.Map && owner.Node.Get("auth") == nil {
			l.Add(owner.Node.Problem("a hook without auth: say who may call it, or auth: none to try it on loopback"))
		}
		return nil
	case n.Kind == document.Text && n.Text == "none":
		l.Add(n.Warning("anybody may call this hook: it is served on loopback only"))
		return nil
	case n.Kind == document.Text || n.Kind == document.Map || n.Kind == document.List && len(n.Items) == 0:
		l.Add(n.Problem("want auth as a list of entries of which any may match, or none, got %s", n.Describe()))
		return nil
	}
	a := &authSpec{owner: owner, node: n}
	for _, entry := range l.Items(n, "auth") {
		l.entry(a, entry)
	}
	l.number(a)
	l.warnShared(a)
	return a.all
}

// entry reads one credential: a map, or a list of maps.
func (l *Reader) entry(a *authSpec, n *document.Node) {
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
func (l *Reader) lines(a *authSpec, n *document.Node) (lines []Line) {
	var spec lineSpec
	document.Decode(l.Decoder, n, "an auth entry", lineFields, &spec)
	r := secretReader{environment: l.env}
	if spec.basic != nil {
		lines = append(lines, Line{Header: authorization, Secrets: r.basic(spec.basic)})
	}
	if spec.oauth != nil {
		lines = append(lines, Line{Header: authorization, OAuth: l.oauth(&r, a.owner, spec.oauth)})
	}
	switch {
	case spec.secret != nil && spec.headerAt != nil:
		l.header(spec.headerAt, spec.header)
		lines = append(lines, Line{Header: spec.header, Secrets: r.secrets(spec.secret)})
	case n.Kind == document.Map && (spec.secret != nil || spec.headerAt != nil || spec.basic == nil && spec.oauth == nil):
		l.Add(n.Problem("want header with secret, basic or oauth in an auth entry"))
	}
	l.Add(r.problems...)
	a.secrets = append(a.secrets, r.placed...)
	return lines
}

// takenHeaders lists the headers that Okta sends with values of its own.
var takenHeaders = []string{"accept", "content-type", "content-length", "host", "connection", "transfer-encoding", "user-agent"}

// header checks the name of a header.
func (l *Reader) header(n *document.Node, name string) {
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

// number assigns each secret of a hook its index, and a name where the policy has none: the first
// is "1".
func (l *Reader) number(a *authSpec) {
	index, names := 0, map[string]bool{}
	for _, c := range a.all {
		for _, line := range c.Lines {
			for i := range line.Secrets {
				s := &line.Secrets[i]
				s.index = index
				if index++; s.name == "" {
					s.name = strconv.Itoa(index)
				}
				if names[s.name] {
					l.Add(a.node.Problem("two secrets of this hook are named %s: want a name for each, or metrics cannot tell them apart", s.name))
				}
				names[s.name] = true
			}
		}
	}
	if index > MaxSecrets {
		l.Add(a.node.Problem("%d secrets: want at most %d, because every call compares each", index, MaxSecrets))
	}
}

// warnShared warns about secrets that occur more than once: a caller that knows one can call each
// of these hooks.
func (l *Reader) warnShared(a *authSpec) {
	for _, s := range a.secrets {
		first, ok := l.owners[s.digest]
		switch {
		case !ok:
			l.owners[s.digest] = a.owner
		case first == a.owner:
			l.Add(s.node.Warning("this hook has the same secret already: to rotate to it changes nothing"))
		case first.Org != a.owner.Org:
			l.Add(s.node.Warning("hook %s, of another org, has the same secret: whoever administers either org can call both", first.Name))
		default:
			l.Add(s.node.Warning("hook %s has the same secret: whoever learns it can call both", first.Name))
		}
	}
}
