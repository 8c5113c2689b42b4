package peer

import (
	"net/netip"
	"strings"
)

// maxHops is how many addresses of X-Forwarded-For are looked at.
const maxHops = 32

// ForwardedClient is the client that proxies speak for: the last address of X-Forwarded-For that is not a proxy's. Each proxy adds
// the address that it was called from, so that what stands before that one is whatever a client wrote. The lines are those of
// the request, in order. Without any it is from, whom the connection comes from; it is not valid where no address stands.
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

// parseHop reads an address as proxies write them: bare, with a port, in brackets.
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
