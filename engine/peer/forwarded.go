package peer

import (
	"net/netip"
	"strings"
)

// maxHops limits the addresses of X-Forwarded-For that are read.
const maxHops = 32

// ForwardedClient returns the client that a chain of proxies forwards for: the last address in
// X-Forwarded-For that is not a proxy's. Each proxy appends the address that connected to it, so
// the addresses to the left may be forged. The lines are the request's, in order. Without a line
// the result is from, the connection's own address. It is invalid if the text in its place is not
// an address.
func ForwardedClient(proxies List, from netip.Addr, lines []string) netip.Addr {
	client := from
	for i, hops := len(lines)-1, 0; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var text string
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				rest, text = rest[:at], rest[at+1:]
			} else {
				text, more = rest, false
			}
			if hops++; hops > maxHops {
				return netip.Addr{}
			}
			client = parseHop(text)
			if !proxies.Has(client) {
				return client
			}
		}
	}
	return client
}

// parseHop parses an address in the forms that proxies write: bare, with a port, in brackets.
func parseHop(text string) netip.Addr {
	text = strings.Trim(text, " \t")
	if n := len(text) - 1; n > 0 && text[0] == '[' && text[n] == ']' {
		text = text[1:n]
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		at, _ := netip.ParseAddrPort(text)
		a = at.Addr()
	}
	return a.Unmap().WithZone("")
}
