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

// Limits of a token, in bytes. Okta's have one or two thousand.
const (
	maxToken = 8 << 10
	maxKid   = 256
)

// token is a token that was read, and not judged.
type token struct {
	claims
	kid     string
	text    []byte // whole token
	payload []byte
}

// encoding rejects non-canonical encodings, so that a token has only one spelling.
var encoding = base64.RawURLEncoding.Strict()

// parseToken parses a token and its claims.
func parseToken(text []byte) (*token, Verdict) {
	t, v := parseCompact(text)
	if v == Accepted && !t.parseClaims() {
		return nil, Malformed
	}
	return t, v
}

// parseCompact parses a token in JWS compact serialization (RFC 7515 section 7.1). It is stricter
// than the RFC: JSON must have no duplicate member, as everywhere in this program, and the header
// must not change the meaning of the rest.
func parseCompact(text []byte) (*token, Verdict) {
	if len(text) > maxToken || bytes.ContainsAny(text, "\r\n") { // encoding ignores these characters
		return nil, Malformed
	}
	parts := bytes.Split(text, []byte{'.'})
	if len(parts) != 3 || len(parts[2]) == 0 { // an encrypted token has five parts; an unsigned one has no signature
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

// parseHeader parses the header. It rejects a key that comes with the token, and members that
// change the token's meaning: all future ones must be listed in crit (RFC 7515 section 4.1.11). It
// ignores other members.
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
		return Header // Okta's org authorization server uses types of its own, for tokens that others cannot check
	}
	if t.kid = strings.Clone(root.Get("kid").Text()); len(t.kid) > maxKid {
		return UnknownKey
	}
	t.algorithm = strings.Clone(root.Get("alg").Text())
	return Accepted
}

// parseClaims parses the claims. It returns false if a relevant claim has a wrong type.
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

// firstOf returns the first present member. Okta writes cid and scp; RFC 9068 has client_id and
// scope.
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

// dateOf returns a NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction. It rejects
// years after 9999.
func dateOf(n jsondoc.Node) (int64, bool) {
	v := n.Float()
	return int64(math.Floor(v)), n.Kind() == jsondoc.Missing || n.Kind() == jsondoc.Number && v >= 0 && v < 253402300800
}

// signedBy reports whether the token's signature is by a key. The key was chosen to match the
// algorithm.
func (t *token) signedBy(k key) bool {
	signed, err := jose.ParseSignedCompact(string(t.text), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(t.algorithm)})
	if err != nil {
		return false
	}
	payload, err := signed.Verify(k.public)
	return err == nil && bytes.Equal(payload, t.payload) && t.hasSaltOfHash(k, signed.Signatures[0].Signature) // the bytes that were checked
}
