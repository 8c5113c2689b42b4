package destination

import (
	"net/http"
	"slices"
	"strings"
)

// framingHeaders decide how a message is framed and routed. An author who sets them could smuggle a
// second request.
var framingHeaders = []string{"Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding",
	"Upgrade"}

// IsReservedHeader reports whether only the program may set a header.
func IsReservedHeader(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return slices.Contains(framingHeaders, name) || strings.HasPrefix(name, "Proxy-")
}

// IsHeaderName reports whether a text is a token of RFC 9110 section 5.6.2.
func IsHeaderName(name string) bool {
	if name == "" || len(name) > 256 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return true
}

// IsHeaderValue reports whether a text is a field value without control characters (RFC 9110
// section 5.5).
func IsHeaderValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return len(value) <= 16<<10
}
