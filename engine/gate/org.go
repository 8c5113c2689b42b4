package gate

import (
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// foreign finds a host in a call that is none of its hook's org's: what was to be another org's was given to this one. Only
// some types name a host, and each elsewhere (hooks.md section 1.3); a call that names none is not judged by it.
func foreign(r *rules.Hook, root hook.Node) (host string, is bool) {
	if r.Org == nil {
		return "", false
	}
	if host = hostOf(root.Get("source").Text()); host != "" && !r.Org.Has(host) {
		return host, true
	}
	if r.Type == hook.Token {
		host = hostOf(root.Get("data").Get("context").Get("protocol").Get("issuer").Get("uri").Text())
		return host, host != "" && !r.Org.Has(host)
	}
	return "", false
}

// hostOf is the host in a URL, empty when it is none. What is odd about it stays, and is no org's host then.
func hostOf(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	host, _, _ := strings.Cut(rest, ":")
	return host
}
