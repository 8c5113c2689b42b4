package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost lets in requests that name a host which this listener goes by: an address, localhost, or one of the names. A browser
// page whose own name was made to resolve to this machine (DNS rebinding) sends that name, and is refused. Any address will do:
// a page can only send one when it came from there.
func checkHost(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAllowedHost(r.Host, names) {
			writeText(w, http.StatusMisdirectedRequest, "not a name of this listener; --admin-host NAME makes it one\n")
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
	if host == "" || strings.EqualFold(host, "localhost") { // no browser leaves it out
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
