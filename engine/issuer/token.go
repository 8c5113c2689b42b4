package issuer

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// What a token may weigh, in bytes. Okta's have one or two thousand.
const (
	maxToken = 8 << 10
	maxKid   = 256
)

// token is a token that was read, and not judged.
type token struct {
	claims
	kid     string
	text    []byte // all of it
	payload []byte
}

// encoding refuses what it would not have written: a token can be written in one way only.
var encoding = base64.RawURLEncoding.Strict()

// parseToken reads a token and what it says.
func parseToken(text []byte) (*token, Verdict) {
	t, v := parseCompact(text)
	if v == Accepted && !t.parseClaims() {
		return nil, Malformed
	}
	return t, v
}

// parseCompact reads a token in JWS compact serialization (RFC 7515 section 7.1). It is stricter than it need be: JSON is read as this
// program reads all JSON, no member twice; nothing in the header may change how the rest is understood.
func parseCompact(text []byte) (*token, Verdict) {
	if len(text) > maxToken || bytes.ContainsAny(text, "\r\n") { // which encoding passes over
		return nil, Malformed
	}
	parts := bytes.Split(text, []byte{'.'})
	if len(parts) != 3 || len(parts[2]) == 0 { // an encrypted one has five; without a signature it is anybody's
		return nil, Malformed
	}
	head, err := encoding.AppendDecode(nil, parts[0])
	if err != nil {
		return nil, Malformed
	}
	payload, err := encoding.AppendDecode(nil, parts[1])
	if err != nil {
		return nil, Malformed
	}
	if _, err := encoding.AppendDecode(nil, parts[2]); err != nil {
		return nil, Malformed
	}
	t := &token{text: text, payload: payload}
	return t, t.parseHeader(head)
}

// parseObject reads a part of a token.
func parseObject(d *jsondoc.Doc, text []byte) (jsondoc.Node, bool) {
	err := d.Parse(text, jsondoc.Limits{Bytes: maxToken, Depth: 16})
	return d.Root(), err == nil && d.Root().Kind() == jsondoc.Object
}

// parseHeader reads the header. A key that comes with the token is nobody's, and what changes how the token is to be understood is
// refused: all that may ever do so stands in crit (RFC 7515 section 4.1.11). Whatever else issuers add is passed over.
func (t *token) parseHeader(text []byte) Verdict {
	var d jsondoc.Doc
	root, ok := parseObject(&d, text)
	if !ok {
		return Malformed
	}
	for name, value := range root.Members() {
		switch name {
		case "alg", "kid", "typ":
			if value.Kind() != jsondoc.String {
				return Malformed
			}
		case "jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc":
			return Header
		}
	}
	typ := strings.TrimPrefix(strings.ToLower(root.Get("typ").Text()), "application/")
	if root.Get("typ").Kind() == jsondoc.String && typ != "jwt" && typ != "at+jwt" {
		return Header // Okta's org authorization server names its own, which are not for others to check
	}
	if t.kid = strings.Clone(root.Get("kid").Text()); len(t.kid) > maxKid {
		return UnknownKey
	}
	t.algorithm = strings.Clone(root.Get("alg").Text())
	return Accepted
}

// parseClaims reads the claims. It is false when one that matters has another shape than it must have.
func (t *token) parseClaims() bool {
	var d jsondoc.Doc
	root, ok := parseObject(&d, t.payload)
	if !ok {
		return false
	}
	var fine [7]bool
	t.issuer, fine[0] = textOf(root.Get("iss"))
	t.audience, fine[1] = textsOf(root.Get("aud"), false)
	t.expires, fine[2] = dateOf(root.Get("exp"))
	t.from, fine[3] = dateOf(root.Get("nbf"))
	t.issued, fine[4] = dateOf(root.Get("iat"))
	t.client, fine[5] = textOf(firstOf(root, "cid", "client_id", "azp"))
	t.scope, fine[6] = textsOf(firstOf(root, "scp", "scope"), true)
	t.bound = root.Get("cnf").Kind() != jsondoc.Missing
	return !slices.Contains(fine[:], false) && root.Get("exp").Kind() == jsondoc.Number
}

// firstOf is the first of some members that is there. Okta says cid and scp; RFC 9068 says client_id and scope.
func firstOf(root jsondoc.Node, names ...string) (n jsondoc.Node) {
	for _, name := range names {
		if n = root.Get(name); n.Kind() != jsondoc.Missing {
			break
		}
	}
	return n
}

func textOf(n jsondoc.Node) (string, bool) {
	return strings.Clone(n.Text()), n.Kind() == jsondoc.String || n.Kind() == jsondoc.Missing
}

// textsOf is a list of texts; a text is a list of one or, where words is set, of its words.
func textsOf(n jsondoc.Node, words bool) (all []string, ok bool) {
	switch {
	case n.Kind() == jsondoc.Missing:
	case n.Kind() == jsondoc.String && words:
		return strings.Fields(strings.Clone(n.Text())), true
	case n.Kind() == jsondoc.String:
		return []string{strings.Clone(n.Text())}, true
	case n.Kind() != jsondoc.Array:
		return nil, false
	}
	if n.Kind() == jsondoc.Array {
		for one := range n.Elements() {
			if one.Kind() != jsondoc.String {
				return nil, false
			}
			all = append(all, strings.Clone(one.Text()))
		}
	}
	return all, true
}

// dateOf is a NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction. A year after 9999 is none.
func dateOf(n jsondoc.Node) (int64, bool) {
	v := n.Float()
	return int64(math.Floor(v)), n.Kind() == jsondoc.Missing || n.Kind() == jsondoc.Number && v >= 0 && v < 253402300800
}

// signedBy reports whether a key's owner has signed the token. The key was chosen to go with the algorithm.
func (t *token) signedBy(k key) bool {
	signed, err := jose.ParseSignedCompact(string(t.text), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(t.algorithm)})
	if err != nil {
		return false
	}
	payload, err := signed.Verify(k.public)
	return err == nil && bytes.Equal(payload, t.payload) // the very bytes that were judged
}
