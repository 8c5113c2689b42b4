package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// ErrProxyHeader is returned by ReadProxyHeader for bytes other than a PROXY header of a TCP
// connection.
var ErrProxyHeader = errors.New("no PROXY header")

// The PROXY header of HAProxy's specification (proxy-protocol.txt, sections 2.1 and 2.2).
const (
	v2Signature = "\r\n\r\n\x00\r\nQUIT\n"
	v1Prefix    = "PROXY "
	maxV1       = 107 // bytes of a version 1 header, with the end of line
	maxV2       = 4096
)

// ReadProxyHeader reads the header of version 1 or 2 that a proxy sends first, and no byte behind
// it. It returns the client's address, which is invalid if the proxy itself connects, as for health
// checks.
func ReadProxyHeader(r io.Reader) (netip.Addr, error) {
	var b [len(v2Signature)]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return netip.Addr{}, err
	}
	switch {
	case string(b[:]) == v2Signature:
		return readV2(r)
	case strings.HasPrefix(string(b[:]), v1Prefix):
		return readV1(r, b[:])
	}
	return netip.Addr{}, ErrProxyHeader
}

// readV1 reads the rest of a version 1 header byte by byte, because the bytes behind it belong to
// the connection.
func readV1(r io.Reader, prefix []byte) (netip.Addr, error) {
	line := append(make([]byte, 0, maxV1), prefix...)
	for one := line[len(line) : len(line)+1]; line[len(line)-1] != '\n'; one = line[len(line) : len(line)+1] {
		if _, err := io.ReadFull(r, one); err != nil {
			return netip.Addr{}, err
		}
		line = line[:len(line)+1]
		if len(line) == maxV1 && line[maxV1-1] != '\n' {
			return netip.Addr{}, fmt.Errorf("%w: the line is too long", ErrProxyHeader)
		}
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok {
		return netip.Addr{}, fmt.Errorf("%w: want CR LF", ErrProxyHeader)
	}
	return parseV1(text[len(v1Prefix):])
}

func parseV1(text string) (netip.Addr, error) {
	words := strings.Split(text, " ")
	if words[0] == "UNKNOWN" {
		return netip.Addr{}, nil // the rest is to be ignored
	}
	if len(words) != 5 || words[0] != "TCP4" && words[0] != "TCP6" {
		return netip.Addr{}, fmt.Errorf("%w: want TCP4 or TCP6, two addresses and two ports", ErrProxyHeader)
	}
	source, err := netip.ParseAddr(words[1])
	to, toErr := netip.ParseAddr(words[2])
	if err != nil || toErr != nil || source.Zone() != "" || to.Zone() != "" || source.Is4() != (words[0] == "TCP4") || to.Is4() != source.Is4() {
		return netip.Addr{}, fmt.Errorf("%w: want two addresses of %s", ErrProxyHeader, words[0])
	}
	for _, port := range words[3:] {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
			return netip.Addr{}, fmt.Errorf("%w: want two ports", ErrProxyHeader)
		}
	}
	return source.Unmap(), nil
}

// Values of the bytes behind the version 2 signature.
const (
	version2     = 0x2
	commandLocal = 0x0
	commandProxy = 0x1
	familyTCP4   = 0x11
	familyTCP6   = 0x21
)

// readV2 reads the rest of a version 2 header.
func readV2(r io.Reader) (netip.Addr, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return netip.Addr{}, err
	}
	command, n := head[0]&0xf, int(binary.BigEndian.Uint16(head[2:]))
	if head[0]>>4 != version2 || command > commandProxy || n > maxV2 {
		return netip.Addr{}, fmt.Errorf("%w: want version 2, a known command and at most %d bytes", ErrProxyHeader, maxV2)
	}
	block := make([]byte, n)
	if _, err := io.ReadFull(r, block); err != nil {
		return netip.Addr{}, err
	}
	switch {
	case command == commandLocal:
		return netip.Addr{}, nil // the addresses are to be ignored
	case head[1] == familyTCP4 && n >= 12:
		return netip.AddrFrom4([4]byte(block)), nil
	case head[1] == familyTCP6 && n >= 36:
		return netip.AddrFrom16([16]byte(block)).Unmap(), nil
	}
	return netip.Addr{}, fmt.Errorf("%w: want the addresses of a TCP connection", ErrProxyHeader)
}
