package gate

import (
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// foreignHost finds a host in a call that is none of its hook's org's: what was to be another org's was given to this one. Only
// some types name a host, and each elsewhere (hooks.md section 1.3): one that always does must, and in the one way that Okta writes
// it. Of the others a bare id says nothing.
func foreignHost(r *rules.Hook, root jsondoc.Node) (host string, is bool) {
	if r.Org == nil {
		return "", false
	}
	source := root.Get("source")
	switch r.Type {
	case hook.Registration, hook.UserImport:
		if source.Kind() == jsondoc.Missing || source.Kind() == jsondoc.String && !strings.ContainsAny(source.Text(), `:/\`) {
			return "", false
		}
	case hook.Token:
		uri := root.Get("data").Get("context").Get("protocol").Get("issuer").Get("uri")
		if host, ours := isOrgURL(r.Org, uri); !ours {
			return host, true
		}
	}
	host, ours := isOrgURL(r.Org, source)
	return host, !ours
}

// isOrgURL reports whether a URL's host is an org's. What is no URL with a host is told as it is.
func isOrgURL(o *rules.Org, url jsondoc.Node) (host string, ours bool) {
	host, ok := parseHost(url.Text())
	if !ok {
		return url.Text(), false
	}
	return host, o.Has(host)
}

// parseHost is the host of a URL that is https://HOST/… or https://HOST:PORT/…, with nothing in it that two could read in two ways.
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
