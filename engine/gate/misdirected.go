package gate

import (
	"net/netip"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/rules/credential"
)

// mayLogMisdirected reports whether a minute has passed since logMisdirected last wrote a line.
func (g *Gate) mayLogMisdirected() bool {
	return time.Now().Unix()-g.misdirectedLoggedAt.Load() >= 60
}

// logMisdirected logs a request with the right secret of a hook, but with another path or method:
// the URL in Okta is wrong, and Okta shows the administrator no more than the status. It writes at
// most one line a minute. Callers without a secret cannot write any.
func (g *Gate) logMisdirected(r reason, h *head, client netip.Addr, hooks ...*engine.Hook) {
	if !g.mayLogMisdirected() {
		return
	}
	for _, k := range hooks {
		if len(k.Rules.Auth) == 0 {
			continue
		}
		if _, ok := h.matchCredential(k.Rules.Auth, nil); !ok {
			continue
		}
		last, now := g.misdirectedLoggedAt.Load(), time.Now().Unix()
		if now-last >= 60 && g.misdirectedLoggedAt.CompareAndSwap(last, now) {
			g.o.Log.Warn("a call with the right secret has a wrong URL or method", "hook", k.Rules.Name, "reason", rejections[r].name,
				"method", string(h.method[:min(len(h.method), 20)]), "path", string(h.path[:min(len(h.path), 200)]), "want", "POST "+k.Rules.Path, "from", client.String())
		}
		return
	}
}

// missingScheme explains a failed authentication whose header has the right secret, but not the
// scheme in front of it. The scheme is part of the secret in Okta's configuration.
func (h *head) missingScheme(auth []credential.Credential) string {
	for i := range auth {
		for j := range auth[i].Lines {
			line := &auth[i].Lines[j]
			s := findHeader(h.auth, line.Header)
			if s.count != 1 || len(s.value) > 128 {
				continue
			}
			for _, scheme := range [...]string{"Basic", "Bearer"} {
				digest := credential.Digest(append([]byte(scheme+" "), s.value...))
				for n := range line.Secrets {
					if line.Secrets[n].Matches(digest) {
						return "the secret is right, but " + line.Header + " has to begin with " + scheme + " and a space: enter it in Okta with the scheme"
					}
				}
			}
		}
	}
	return ""
}
