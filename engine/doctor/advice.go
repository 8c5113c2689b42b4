package doctor

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// adviseStatus returns advice about the status of an authenticated call.
func (e *examination) adviseStatus(a *answer) string {
	switch a.status {
	case http.StatusUnauthorized:
		return e.adviseUnauthorized()
	case http.StatusForbidden:
		return ForbiddenAdvice(e.o.Type, a.body)
	case http.StatusNotFound:
		return "no hook is served at this path"
	case http.StatusBadRequest:
		return "is this a hook of another type? doctor called it as " + e.o.Type.String()
	case http.StatusServiceUnavailable:
		if len(e.acceptedTokens()) > 0 {
			return "the server may not have fetched the issuer's key yet: try again in a moment, or see the server's log"
		}
	}
	return ""
}

// ForbiddenAdvice returns advice about status 403.
func ForbiddenAdvice(t hook.Type, answer []byte) string {
	const (
		org     = "the call names a host that does not belong to the hook's org: name one with --host, for example --host acme.okta.com"
		address = "the server may not allow this address (--allow-from)"
	)
	switch {
	case bytes.Contains(answer, []byte(`"error":"org"`)):
		return org
	case !t.NamesHost():
		return address
	}
	return address + "; or " + org
}

// adviseUnauthorized returns advice about a rejected credential.
func (e *examination) adviseUnauthorized() string {
	if len(e.o.Headers) == 0 {
		return "this hook needs a secret: give the one in its auth: with --header 'Authorization: …'"
	}
	accepted, token := e.acceptedTokens(), e.bearerToken()
	switch {
	case token == "" && len(accepted) > 0 && e.requiresToken():
		return "this hook needs an access token: give one of its issuer with --header 'Authorization: Bearer …'"
	case token == "" || e.o.Hook != nil && len(accepted) == 0:
		return "the endpoint does not know this secret: Okta sends the value exactly as entered and adds no scheme"
	case e.o.Hook == nil:
		return "the endpoint does not know this secret or, if the hook uses oauth, rejects this token: give --hook and --policy to compare the token with the hook's oauth"
	}
	if differs := issuer.ExplainRejection(accepted, []byte(token), e.o.Now()); differs != "" {
		return "the hook's oauth does not accept this token: " + differs
	}
	return "the token's claims match the hook's oauth, but the endpoint could not verify the signature: it must be signed by its issuer, with a current key"
}

// acceptedTokens returns the hook's oauth settings, if the policy is known.
func (e *examination) acceptedTokens() (all []*credential.OAuth) {
	if e.o.Hook == nil {
		return nil
	}
	for _, c := range e.o.Hook.Auth {
		for _, l := range c.Lines {
			if l.OAuth != nil && l.OAuth.Issuer != "" {
				all = append(all, l.OAuth)
			}
		}
	}
	return all
}

// requiresToken reports whether every credential of the hook includes a token.
func (e *examination) requiresToken() bool {
	for _, c := range e.o.Hook.Auth {
		some := false
		for _, l := range c.Lines {
			some = some || l.OAuth != nil
		}
		if !some {
			return false
		}
	}
	return true
}

// bearerToken returns the given credential if it looks like a JWT, or "".
func (e *examination) bearerToken() string {
	scheme, token, _ := strings.Cut(e.o.Headers.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); strings.EqualFold(scheme, "bearer") && strings.Count(token, ".") == 2 {
		return token
	}
	return ""
}
