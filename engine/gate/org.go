package gate

import (
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// foreignHost finds a host in a call that does not belong to the hook's org: a call for another org
// was sent to this hook. A member that always names a host must name one of the org's, in the one
// form that Okta writes (hooks.md section 1.3). In other members an absent value or a bare id says
// nothing.
func foreignHost(r *rules.Hook, root jsondoc.Node) (host string, is bool) {
	if r.Org == nil {
		return "", false
	}
	for _, m := range r.Type.Hosts() {
		n := m.Find(root)
		if !m.Always && (n.Kind() == jsondoc.Missing || n.Kind() == jsondoc.String && !strings.ContainsAny(n.Text(), `:/\`)) {
			continue
		}
		if host, ours := isOrgURL(r.Org, n); !ours {
			return host, true
		}
	}
	return "", false
}

// isOrgURL reports whether a URL's host belongs to an org. A text that is not such a URL is
// returned as the host.
func isOrgURL(o *credential.Org, url jsondoc.Node) (host string, ours bool) {
	host, ok := parseHost(url.Text())
	if !ok {
		return url.Text(), false
	}
	return host, o.Has(host)
}

// parseHost returns the host of https://HOST/… or https://HOST:PORT/…. It rejects every form that
// two readers could interpret in two ways.
func parseHost(url string) (host string, ok bool) {
	const scheme = "https://"
	if len(url) < len(scheme) || !equalFold(url[:len(scheme)], scheme) {
		return "", false
	}
	host, _, _ = strings.Cut(url[len(scheme):], "/")
	host, port, some := strings.Cut(host, ":")
	if host == "" || some && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return "", false
	}
	for _, c := range []byte(host) {
		if c != '-' && c != '.' && (c < '0' || '9' < c) && (lower(c) < 'a' || 'z' < lower(c)) {
			return "", false
		}
	}
	return host, true
}
