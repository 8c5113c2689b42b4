package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost rejects requests for another host than an address, localhost, or one of the names. A
// browser page whose name was changed to resolve to this machine (DNS rebinding) sends that name.
// Any address is accepted: a page can send one only if it was loaded from there.
func checkHost(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAllowedHost(r.Host, names) {
			writeText(w, http.StatusMisdirectedRequest, "this listener does not have that host name; add it with --admin-host NAME\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isAllowedHost(host string, names []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ".")
	if host == "" || strings.EqualFold(host, "localhost") { // browsers always send it
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, name := range names {
		if strings.EqualFold(host, strings.TrimSuffix(strings.TrimSpace(name), ".")) {
			return true
		}
	}
	return false
}
