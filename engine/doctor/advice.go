package doctor

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// adviseStatus is what to do about the answer to a well-authenticated call.
func (e *examination) adviseStatus(a *answer) string {
	switch a.status {
	case http.StatusUnauthorized:
		return e.adviseUnauthorized()
	case http.StatusForbidden:
		return ForbiddenAdvice(e.o.Type, a.body)
	case http.StatusNotFound:
		return "nothing is served at this path"
	case http.StatusBadRequest:
		return "is it a hook of another type? this one was called as " + e.o.Type.String()
	case http.StatusServiceUnavailable:
		if len(e.acceptedTokens()) > 0 {
			return "the issuer's key that the token is signed by may not have been fetched yet: call again in a moment; tenterhook's log says why"
		}
	}
	return ""
}

// ForbiddenAdvice is what to do about a status of 403.
func ForbiddenAdvice(t hook.Type, answer []byte) string {
	const (
		org     = "the call names a host that is none of the hook's org: say one that is, with --host acme.okta.com"
		address = "it may not let this address in (--allow-from)"
	)
	switch {
	case bytes.Contains(answer, []byte(`"error":"org"`)):
		return org
	case !namesHost(t):
		return address
	}
	return address + "; or " + org
}

// adviseUnauthorized is what to do about a credential that is not accepted.
func (e *examination) adviseUnauthorized() string {
	if len(e.o.Headers) == 0 {
		return "this hook wants a secret: give it with --header 'Authorization: …', as the hook's auth: has it"
	}
	accepted, token := e.acceptedTokens(), e.bearerToken()
	switch {
	case token == "" && len(accepted) > 0 && e.requiresToken():
		return "this hook takes access tokens: want --header 'Authorization: Bearer …' with one of its issuer"
	case token == "" || e.o.Hook != nil && len(accepted) == 0:
		return "this is not the secret the endpoint knows: Okta sends the whole value as it is entered, and adds no scheme"
	case e.o.Hook == nil:
		return "the endpoint does not know this secret or, where its hook has oauth, does not accept this token: with --hook and --policy the token is held against it"
	}
	if differs := issuer.Differs(accepted, []byte(token), e.o.Now()); differs != "" {
		return "this is not a token that the hook's oauth accepts: " + differs
	}
	return "the token says what the hook's oauth wants: that it is signed by its issuer, with a key that the issuer still has, the endpoint did not find"
}

// acceptedTokens are the tokens that the hook is for, as far as the policy is at hand.
func (e *examination) acceptedTokens() (all []*rules.OAuth) {
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

// requiresToken reports whether each credential of the hook has a token in it.
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

// bearerToken is the one that was given, as far as it looks like one: empty when none does.
func (e *examination) bearerToken() string {
	scheme, token, _ := strings.Cut(e.o.Headers.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); strings.EqualFold(scheme, "bearer") && strings.Count(token, ".") == 2 {
		return token
	}
	return ""
}
