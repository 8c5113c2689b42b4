package gate

import (
	"bytes"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules/credential"
)

// tokenCheck is the result for the access token in a request.
type tokenCheck struct {
	config  *credential.OAuth // nil: the request has no token
	verdict issuer.Verdict
}

// authenticate decides whether the caller may call the hook, and by which secrets: one bit for
// each.
func (g *Gate) authenticate(k *engine.Hook, h *head) (secrets uint64, r reason) {
	secrets, ok := h.matchCredential(k.Rules.Auth, g.o.Issuers)
	if h.token.config != nil {
		g.o.Issuers.Note(h.token.config, h.token.verdict, k.Rules.Name)
	}
	switch {
	case ok:
		return secrets, admitted
	case h.token.config != nil && h.token.verdict == issuer.NoKeys:
		return 0, keysMissing
	case h.token.config != nil && h.token.verdict == issuer.AwaitedKey:
		return 0, keyPending
	default:
		return 0, unauthorized
	}
}

// matchCredential reports whether one of the credentials matched, and by which secrets: one bit for
// each. A hook without credentials admits every caller. Every secret of every credential is
// compared, whatever the earlier results, so the time says nothing about which secret was right, or
// how much of it. A header that appears twice has no value.
func (h *head) matchCredential(auth []credential.Credential, issuers *issuer.Keyring) (secrets uint64, some bool) {
	for i := range h.auth {
		h.auth[i].digest = credential.Digest(h.auth[i].value)
	}
	some = len(auth) == 0
	for i := range auth {
		every, matched := len(auth[i].Lines) > 0, uint64(0)
		for j := range auth[i].Lines {
			line := &auth[i].Lines[j]
			s, right := findHeader(h.auth, line.Header), false
			for n := range line.Secrets {
				secret := &line.Secrets[n]
				same := secret.Matches(s.digest)
				right = same || right
				if same {
					matched |= 1 << secret.Index()
				}
			}
			if line.OAuth != nil {
				right = h.checkBearer(line.OAuth, s, issuers)
			}
			every = right && s.count == 1 && every
		}
		if every {
			some, secrets = true, secrets|matched
		}
	}
	return secrets, some
}

// checkBearer checks the token in a header (RFC 6750 section 2.1). Of several verdicts, the most
// informative one is kept.
func (h *head) checkBearer(o *credential.OAuth, s *credentialHeader, issuers *issuer.Keyring) bool {
	const scheme = "bearer "
	if issuers == nil || s.count != 1 || len(s.value) < len(scheme) || !equalFold(s.value[:len(scheme)], scheme) {
		return false
	}
	v := issuers.Check(o, bytes.TrimLeft(s.value[len(scheme):], " "), s.digest)
	if h.token.config == nil || v == issuer.Accepted || h.token.verdict == issuer.Issuer {
		h.token = tokenCheck{o, v}
	}
	return v == issuer.Accepted
}
