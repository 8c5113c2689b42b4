package gate

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// maxLines is how many header lines a request may have.
const maxLines = 100

// framing is what a head says about the body behind it.
type framing struct {
	length  int64 // -1: there is no Content-Length
	chunked bool
}

// readHead reads the head that p begins with, up to its empty line, and allows one way to write it: RFC 9112 without what it
// tolerates for the sake of old peers. What stands between this program and Okta may be more lenient, or lenient
// otherwise, and two who read a head differently can be played off against each other. The reason ask says that the head
// does not end in p; n is its length.
func readHead(p []byte) (f framing, n int, _ reason) {
	line, n, r := cutLine(p, 0)
	if r != admitted {
		return f, 0, r
	}
	body, newest, r := requestLine(line)
	if r != admitted {
		return f, 0, r
	}
	h := headReader{framing: framing{length: -1}}
	for lines := 0; ; lines++ {
		if line, n, r = cutLine(p, n); r != admitted {
			return f, 0, r
		}
		if len(line) == 0 {
			break
		}
		if lines == maxLines {
			return f, 0, headTooLarge
		}
		if !h.line(line) {
			return f, 0, malformed
		}
	}
	switch {
	case h.hosts > 1, newest && h.hosts == 0: // RFC 9112 section 3.2
		return f, 0, malformed
	case h.chunked && (h.length >= 0 || !newest):
		return f, 0, malformed
	case !body && (h.length > 0 || h.chunked): // a body that some read and some do not
		return f, 0, malformed
	}
	return h.framing, n, admitted
}

// cutLine is the line that begins at from, without its end, and where the next one begins.
func cutLine(p []byte, from int) (line []byte, next int, _ reason) {
	i := bytes.IndexByte(p[from:], '\n')
	switch {
	case i < 0:
		return nil, 0, ask
	case i == 0 || p[from+i-1] != '\r':
		return nil, 0, malformed
	}
	return p[from : from+i-1], from + i + 1, admitted
}

// requestLine reads "POST /path HTTP/1.1": a method in capitals, an absolute path without anything that needs escaping, one
// space each.
func requestLine(line []byte) (body, newest bool, _ reason) {
	method, rest, ok := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	if !ok || !ok2 || len(method) == 0 || len(target) == 0 || target[0] != '/' {
		return false, false, notOurs(line)
	}
	for _, c := range method {
		if c < 'A' || c > 'Z' {
			return false, false, malformed
		}
	}
	if !all(target, inTarget) {
		return false, false, malformed
	}
	if newest = string(version) == "HTTP/1.1"; !newest && string(version) != "HTTP/1.0" {
		return false, false, notOurs(line)
	}
	return string(method) != "GET" && string(method) != "HEAD", newest, admitted
}

// notOurs tells another version of HTTP, which is worth a word of its own, from what is no HTTP.
func notOurs(line []byte) reason {
	i := bytes.LastIndexByte(line, ' ')
	if v := line[i+1:]; len(v) == len("HTTP/x.x") && bytes.HasPrefix(v, []byte("HTTP/")) && v[5] >= '0' && v[5] <= '9' && v[6] == '.' &&
		v[7] >= '0' && v[7] <= '9' && string(v) != "HTTP/1.1" && string(v) != "HTTP/1.0" {
		return wrongVersion
	}
	return malformed
}

type headReader struct {
	framing
	hosts int
}

// line reads "Name: value".
func (h *headReader) line(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !all(line[:colon], inToken) || !printable(line[colon+1:]) {
		return false
	}
	name, value := line[:colon], line[colon+1:]
	switch len(name) {
	case len("Host"):
		if equalFold(name, "host") {
			h.hosts++
			return all(trim(value), inHost)
		}
	case len("Expect"):
		if equalFold(name, "expect") {
			return equalFold(trim(value), "100-continue")
		}
	case len("Content-Length"):
		if equalFold(name, "content-length") {
			return h.size(trim(value))
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "transfer-encoding") {
			once := !h.chunked
			h.chunked = true
			return once && equalFold(trim(value), "chunked")
		}
	}
	return true
}

// size reads a Content-Length: once, digits alone.
func (h *headReader) size(value []byte) bool {
	if h.length >= 0 || len(value) == 0 || len(value) > 12 {
		return false
	}
	h.length = 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		h.length = 10*h.length + int64(c-'0')
	}
	return true
}

func trim(value []byte) []byte { return bytes.Trim(value, " \t") }

// What a byte may be part of.
const (
	inToken  = 1 << iota // RFC 9110 section 5.6.2
	inHost               // a name or an address, with a port or without
	inTarget             // what needs no escaping, and is the same to everybody
)

var parts = func() (t [256]byte) {
	for c := range t {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9':
			t[c] = inToken | inHost
		case strings.IndexByte("-!#$%&'*+.^_`|~", byte(c)) >= 0:
			t[c] = inToken
		}
		if strings.IndexByte(".-_:[]", byte(c)) >= 0 {
			t[c] |= inHost
		}
		if ' ' < c && c < 0x7f && c != '#' && c != '\\' {
			t[c] |= inTarget
		}
	}
	return t
}()

func all(text []byte, part byte) bool {
	for _, c := range text {
		if parts[c]&part == 0 {
			return false
		}
	}
	return true
}

// printable reports whether there is no control character in a value but tabs. It looks at eight bytes at a time: a head
// is read on every call.
func printable(value []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(value) >= 8; value = value[8:] {
		w := binary.LittleEndian.Uint64(value)
		low := (w - ones*0x20) &^ w & tops // a byte beneath the space, or a borrow from one
		del := w ^ ones*0x7f               // nought where there is DEL
		if low|(del-ones)&^del&tops != 0 && !plainly(value[:8]) {
			return false
		}
	}
	return plainly(value)
}

func plainly(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
