package credential

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// OAuth describes the accepted access tokens (hooks.md section 2). Nothing in it is secret.
type OAuth struct {
	Issuer     string // exactly as in the tokens
	Audience   string
	Client     string   // the client the token was given to; empty: any
	Scope      string   // that the token must have; empty: any
	KeysURL    string   // address of the issuer's keys; empty without a KeySet: the issuer's metadata names it
	KeySet     string   // the keys themselves, a JSON Web Key Set: nothing is fetched
	Algorithms []string // accepted signature algorithms
}

// algorithms lists the accepted signature algorithms. All are asymmetric, so that a verifier cannot
// sign.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}

var oneAlgorithm = `{"enum":["` + strings.Join(algorithms, `","`) + `"]}`

// oauthSpec is an OAuth as it is written.
type oauthSpec struct {
	issuer, audience, client, scope, keys *document.Node
	algorithms                            []*document.Node
}

var oauthFields = []document.Field[oauthSpec]{
	{Key: "issuer", Doc: "The authorization server, as its tokens name it: https://acme.okta.com/oauth2/default.", Schema: document.TextSchema, Required: true,
		Read: func(_ *document.Decoder, o *oauthSpec, n *document.Node) { o.issuer = n }},
	{Key: "audience", Doc: "What tokens are for, as the authorization server says: api://default.", Schema: document.TextSchema, Required: true,
		Read: func(_ *document.Decoder, o *oauthSpec, n *document.Node) { o.audience = n }},
	{Key: "client", Doc: "The client ID of the app that the hook gets its tokens with.", Schema: document.TextSchema,
		Read: func(_ *document.Decoder, o *oauthSpec, n *document.Node) { o.client = n }},
	{Key: "scope", Doc: "The scope that the hook asks for.", Schema: document.TextSchema,
		Read: func(_ *document.Decoder, o *oauthSpec, n *document.Node) { o.scope = n }},
	{Key: "keys", Doc: "Where the issuer's keys are: a URL, a file of the policy folder, or ${file./path}; left out, the issuer's metadata says.", Schema: document.TextSchema,
		Read: func(_ *document.Decoder, o *oauthSpec, n *document.Node) { o.keys = n }},
	{Key: "algorithms", Doc: "What tokens may be signed with, one or a list; RS256 when left out.", Schema: `{"oneOf":[` + oneAlgorithm + `,{"type":"array","minItems":1,"items":` + oneAlgorithm + `}]}`,
		Read: func(d *document.Decoder, o *oauthSpec, n *document.Node) { o.algorithms = d.Texts(n, "algorithms") }},
}

// oauth reads an OAuth.
func (l *Reader) oauth(r *secretReader, owner Owner, n *document.Node) *OAuth {
	var spec oauthSpec
	document.Decode(l.Decoder, n, "oauth", oauthFields, &spec)
	if owner.Event {
		l.Add(n.Problem("Okta calls event hooks with a header only: want header with secret"))
	}
	text := func(n *document.Node, what string) string {
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
	if n.Kind != document.Map {
		return o
	}
	if spec.client == nil {
		l.Add(n.Warning("oauth without a client: any app with a token of this issuer for this audience can call this hook: want client, with the app's client ID"))
	}
	if spec.scope == nil {
		l.Add(n.Warning("oauth without a scope: a token that the client was given for anything else of this audience is accepted too: want scope"))
	}
	return o
}

// issuer checks the form of an issuer, and warns about unsuitable ones of Okta.
func (l *Reader) issuer(n *document.Node, text string) {
	u, ok := l.keysURL(n, text)
	switch {
	case !ok:
	case u.RawQuery != "" || u.ForceQuery:
		l.Add(n.Problem("want an issuer without a query"))
	case isOktaDomain(u.Hostname()) && strings.Trim(u.Path, "/") == "":
		l.Add(n.Warning("this is the org's own authorization server, whose tokens others cannot verify: want a custom one, such as %s/oauth2/default",
			strings.TrimRight(text, "/")))
	case isOktaDomain(u.Hostname()) && strings.HasSuffix(u.Path, "/"):
		l.Add(n.Warning("Okta's issuers have no / at their end, and must be written exactly as in the tokens"))
	}
}

func isOktaDomain(host string) bool {
	return slices.ContainsFunc([]string{".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"}, func(d string) bool {
		return strings.HasSuffix(strings.ToLower(host), d)
	})
}

// keysURL parses an address of keys.
func (l *Reader) keysURL(n *document.Node, text string) (*url.URL, bool) {
	if err := KeysAddress(text); err != nil {
		l.Add(n.Problem("%s", err))
		return nil, false
	}
	u, err := url.Parse(text)
	return u, err == nil
}

// KeysAddress checks an address of an issuer's keys. It must be https, because a party that can
// replace the keys in transit can sign tokens. Plain http is for the loopback range only.
func KeysAddress(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("want an address such as https://acme.okta.com/oauth2/default")
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return errors.New("want https: over http the issuer's keys can be replaced in transit")
	}
	return nil
}

func isLoopback(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

// keys reads the source of an issuer's keys.
func (l *Reader) keys(o *OAuth, n *document.Node, text string) {
	switch {
	case text == "":
	case strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://"):
		if _, ok := l.keysURL(n, text); ok {
			o.KeysURL = text
		}
	case strings.HasPrefix(strings.TrimSpace(text), "{"):
		o.KeySet = l.keySet(n, text)
	default:
		file, ok := l.folder.File(text)
		if !ok {
			l.Add(n.Problem("want keys as a URL, as a file of the policy folder, or as ${file./path}: no such file"))
			return
		}
		o.KeySet = l.keySet(n, string(file))
	}
}

// keySet checks that a text is a JSON Web Key Set. Package issuer checks its keys.
func (l *Reader) keySet(n *document.Node, text string) string {
	var d jsondoc.Doc
	if err := d.Parse([]byte(text), jsondoc.Limits{Bytes: 256 << 10}); err != nil {
		l.Add(n.Problem("keys: want a JSON Web Key Set: %s", err))
		return ""
	}
	if set := d.Root().Get("keys"); set.Kind() != jsondoc.Array || set.Len() == 0 {
		l.Add(n.Problem(`keys: want a JSON Web Key Set, {"keys": [...]}, with at least one key`))
		return ""
	}
	return text
}

// algorithms reads the names of signature algorithms.
func (l *Reader) algorithms(nodes []*document.Node) (all []string) {
	for _, n := range nodes {
		switch {
		case slices.Contains(algorithms, n.Text):
			all = append(all, n.Text)
		case n.Text == "none" || strings.HasPrefix(n.Text, "HS"):
			l.Add(n.Problem("with this algorithm a verifier, or anybody, could sign a token: want %s", document.Either(algorithms)))
		default:
			l.Add(n.Problem("unknown algorithm: want %s%s", document.Either(algorithms), document.Suggest(n.Text, algorithms)))
		}
	}
	return all
}
