package rules

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// OAuth is which access tokens are accepted (hooks.md section 2). None of it is secret.
type OAuth struct {
	Issuer     string // exactly as tokens name it
	Audience   string
	Client     string   // the client the token was given to; empty: any
	Scope      string   // that the token must have; empty: any
	KeysURL    string   // where the issuer's keys are fetched from; empty with no KeySet: its metadata says
	KeySet     string   // the keys themselves, a JSON Web Key Set; nothing is fetched then
	Algorithms []string // that a token may be signed with
}

// algorithms are those that a token may be signed with: asymmetric ones, for whoever checks must not be able to sign.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}

var oneAlgorithm = `{"enum":["` + strings.Join(algorithms, `","`) + `"]}`

// oauthSpec is an OAuth as it is written.
type oauthSpec struct {
	issuer, audience, client, scope, keys *node
	algorithms                            []*node
}

var oauthFields = []field[oauthSpec]{
	{key: "issuer", doc: "The authorization server, as its tokens name it: https://acme.okta.com/oauth2/default.", schema: textSchema, need: true,
		read: func(_ *decoder, o *oauthSpec, n *node) { o.issuer = n }},
	{key: "audience", doc: "What tokens are for, as the authorization server says: api://default.", schema: textSchema, need: true,
		read: func(_ *decoder, o *oauthSpec, n *node) { o.audience = n }},
	{key: "client", doc: "The client ID of the app that the hook gets its tokens with.", schema: textSchema,
		read: func(_ *decoder, o *oauthSpec, n *node) { o.client = n }},
	{key: "scope", doc: "The scope that the hook asks for.", schema: textSchema,
		read: func(_ *decoder, o *oauthSpec, n *node) { o.scope = n }},
	{key: "keys", doc: "Where the issuer's keys are: a URL, a file of the policy folder, or ${file./path}; left out, the issuer's metadata says.", schema: textSchema,
		read: func(_ *decoder, o *oauthSpec, n *node) { o.keys = n }},
	{key: "algorithms", doc: "What tokens may be signed with, one or a list; RS256 when left out.", schema: `{"oneOf":[` + oneAlgorithm + `,{"type":"array","minItems":1,"items":` + oneAlgorithm + `}]}`,
		read: func(d *decoder, o *oauthSpec, n *node) { o.algorithms = d.several(n, "algorithms") }},
}

// oauth reads which tokens are accepted.
func (l *loader) oauth(r *secretReader, h *hookSpec, n *node) *OAuth {
	var spec oauthSpec
	decode(&l.decoder, n, "oauth", oauthFields, &spec)
	if h.typ == hook.EventHook {
		l.add(n.problem("Okta calls event hooks with a header only: want header with secret"))
	}
	text := func(n *node, what string) string {
		if n == nil {
			return ""
		}
		value, _ := r.text(n, what)
		return value
	}
	o := &OAuth{Audience: text(spec.audience, "audience"), Client: text(spec.client, "client"), Scope: text(spec.scope, "scope"), Algorithms: []string{"RS256"}}
	if o.Issuer = text(spec.issuer, "issuer"); o.Issuer != "" {
		l.issuer(spec.issuer, o.Issuer)
	}
	l.keys(o, spec.keys, text(spec.keys, "keys"))
	if spec.algorithms != nil {
		o.Algorithms = l.algorithms(spec.algorithms)
	}
	if n.kind != mapNode {
		return o
	}
	if spec.client == nil {
		l.add(n.warning("oauth without a client: any app with a token of this issuer for this audience can call this hook: want client, with the app's client ID"))
	}
	if spec.scope == nil {
		l.add(n.warning("oauth without a scope: a token that the client was given for anything else of this audience is accepted too: want scope"))
	}
	return o
}

// issuer holds an issuer against what Okta's are.
func (l *loader) issuer(n *node, text string) {
	u, ok := l.web(n, text)
	switch {
	case !ok:
	case u.RawQuery != "" || u.ForceQuery:
		l.add(n.problem("want an issuer without a query"))
	case oktaDomain(u.Hostname()) && strings.Trim(u.Path, "/") == "":
		l.add(n.warning("this is the org's own authorization server, whose tokens are not made to be checked by others: want a custom one, such as %s/oauth2/default",
			strings.TrimRight(text, "/")))
	case oktaDomain(u.Hostname()) && strings.HasSuffix(u.Path, "/"):
		l.add(n.warning("Okta's issuers have no / at their end, and must be written exactly as tokens name them"))
	}
}

func oktaDomain(host string) bool {
	return slices.ContainsFunc([]string{".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"}, func(d string) bool {
		return strings.HasSuffix(strings.ToLower(host), d)
	})
}

// web reads an address that keys may come from.
func (l *loader) web(n *node, text string) (*url.URL, bool) {
	if err := KeysAddress(text); err != nil {
		l.add(n.problem("%s", err))
		return nil, false
	}
	u, err := url.Parse(text)
	return u, err == nil
}

// KeysAddress is what is wrong with an address that keys are to be fetched from, nil when nothing is: it must be https, for
// whoever could change keys on their way could sign. Plain http is for this machine only.
func KeysAddress(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("want an address such as https://acme.okta.com/oauth2/default")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return errors.New("want https: whoever sits between could put keys of their own in the place of the issuer's")
	}
	return nil
}

func loopback(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

// keys reads where an issuer's keys are.
func (l *loader) keys(o *OAuth, n *node, text string) {
	switch {
	case text == "":
	case strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://"):
		if _, ok := l.web(n, text); ok {
			o.KeysURL = text
		}
	case strings.HasPrefix(strings.TrimSpace(text), "{"):
		o.KeySet = l.keySet(n, text)
	default:
		file, ok := l.folder.File(text)
		if !ok {
			l.add(n.problem("want keys as a URL, as a file of the policy folder, or as ${file./path}: no such file"))
			return
		}
		o.KeySet = l.keySet(n, string(file))
	}
}

// keySet holds a text against what a JSON Web Key Set looks like. Whether its keys can be used, package issuer knows.
func (l *loader) keySet(n *node, text string) string {
	var d jsondoc.Doc
	if err := d.Parse([]byte(text), jsondoc.Limits{Bytes: 256 << 10}); err != nil {
		l.add(n.problem("keys: want a JSON Web Key Set: %s", err))
		return ""
	}
	if set := d.Root().Get("keys"); set.Kind() != jsondoc.Array || set.Len() == 0 {
		l.add(n.problem(`keys: want a JSON Web Key Set, {"keys": [...]}, with at least one key`))
		return ""
	}
	return text
}

func (l *loader) algorithms(nodes []*node) (all []string) {
	for _, n := range nodes {
		switch {
		case slices.Contains(algorithms, n.text):
			all = append(all, n.text)
		case n.text == "none" || strings.HasPrefix(n.text, "HS"):
			l.add(n.problem("an algorithm by which whoever checks a token could sign one, or anybody: want %s", either(algorithms)))
		default:
			l.add(n.problem("unknown algorithm: want %s%s", either(algorithms), suggest(n.text, algorithms)))
		}
	}
	return all
}
