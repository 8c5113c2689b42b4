package outlet

import (
	"context"
	"net/netip"
	"syscall"

	"github.com/tenterhook/tenterhook/rules/destination"
)

// addressGuard checks each connection of a destination. The dialer calls it for each socket, after
// the name was resolved.
type addressGuard destination.Addresses

// control is the dialer's ControlContext. Its error wraps ErrAddress.
func (g addressGuard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") {
		return &safeError{ErrAddress, "not a TCP address"}
	}
	if err := destination.Addresses(g).Check(at.Addr()); err != nil {
		return &safeError{ErrAddress, err.Error()}
	}
	return nil
}
