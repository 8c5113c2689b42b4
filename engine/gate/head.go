package gate

import (
	"bytes"
	"strconv"
)

// needMore is what reading a head says when it does not end in the bytes there are.
const needMore = reasons

// maxLines is how many header lines a request may have.
const maxLines = 100

// head is what a request's head says, as far as the gate wants to know. It is read once: the body is cut off by it, the caller is
// judged by it, and the server is told no more of it than that (see told). What it has of the text is borrowed.
type head struct {
	method, path     []byte // the path as it was sent, without the query
	http11           bool   // HTTP/1.1, or else 1.0
	length           int64  // of the body; -1: there is no Content-Length
	chunked          bool
	expectsContinue  bool // 100-continue
	close, keepAlive bool // what Connection says
	hosts            int

	media, encoding    headerField
	challenge, request headerField
	auth               []credentialHeader // each header that a credential of the hook asks for
	token              tokenCheck
	forwarded          *[]string // the lines of X-Forwarded-For; nil: nobody wants them
}

// headerField is a header that is to be there once.
type headerField struct {
	value []byte // the last one's
	count int
}

// credentialHeader is a header that a credential asks for, as the caller showed it.
type credentialHeader struct {
	name string
	headerField
	digest [32]byte
}

// parseRequestLine reads the request line that p begins with. n is where the header lines begin.
func (h *head) parseRequestLine(p []byte) (n int, r reason) {
	line, n, r := cutLine(p, 0)
	if r == admitted {
		h.length = -1
		r = h.decodeRequestLine(line)
	}
	return n, r
}

// parseLines reads the header lines that begin at n, up to the empty one, and allows one way to write them: RFC 9112 without what it
// tolerates for the sake of old peers. What stands between this program and Okta may be more lenient, or lenient
// otherwise, and two who read a head differently can be played off against each other. end is the head's length.
func (h *head) parseLines(p []byte, n int) (end int, r reason) {
	var line []byte
	for lines := 0; ; lines++ {
		if line, n, r = cutLine(p, n); r != admitted {
			return 0, r
		}
		if len(line) == 0 {
			break
		}
		if lines == maxLines {
			return 0, headTooLarge
		}
		if !h.parseLine(line) {
			return 0, malformed
		}
	}
	switch {
	case h.hosts > 1, h.http11 && h.hosts == 0: // RFC 9112 section 3.2
		return 0, malformed
	case h.chunked && (h.length >= 0 || !h.http11):
		return 0, malformed
	case h.hasNoBody() && (h.length > 0 || h.chunked): // a body that some read and some do not
		return 0, malformed
	}
	return n, admitted
}

func (h *head) is(method string) bool { return string(h.method) == method }

func (h *head) hasNoBody() bool { return h.is("GET") || h.is("HEAD") }

// appendMinimal appends what the server is told of the head, in one way to write it: how the body is to be read and the connection used. The
// rest is no business of its, so it can see nothing otherwise than the gate. It is never longer than the head was.
func (h *head) appendMinimal(b []byte) []byte {
	b = append(append(b, h.method...), ' ', '/', ' ')
	if h.http11 {
		b = append(b, "HTTP/1.1\r\nHost:-\r\n"...)
	} else {
		b = append(b, "HTTP/1.0\r\n"...)
	}
	if h.length >= 0 {
		b = append(strconv.AppendInt(append(b, "Content-Length:"...), h.length, 10), "\r\n"...)
	}
	if h.chunked {
		b = append(b, "Transfer-Encoding:chunked\r\n"...)
	}
	if h.expectsContinue {
		b = append(b, "Expect:100-continue\r\n"...)
	}
	switch {
	case h.close:
		b = append(b, "Connection:close\r\n"...)
	case h.keepAlive:
		b = append(b, "Connection:keep-alive\r\n"...)
	}
	return append(b, "\r\n"...)
}

// cutLine is the line that begins at from, without its end, and where the next one begins.
func cutLine(p []byte, from int) (line []byte, next int, _ reason) {
	i := bytes.IndexByte(p[from:], '\n')
	switch {
	case i < 0:
		return nil, 0, needMore
	case i == 0 || p[from+i-1] != '\r':
		return nil, 0, malformed
	}
	return p[from : from+i-1], from + i + 1, admitted
}

// decodeRequestLine reads "POST /path HTTP/1.1": a method in capitals, an absolute path without anything that needs escaping, one
// space each.
func (h *head) decodeRequestLine(line []byte) reason {
	method, rest, ok := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	if !ok || !ok2 || len(method) == 0 || len(target) == 0 || target[0] != '/' {
		return versionReason(line)
	}
	for _, c := range method {
		if c < 'A' || c > 'Z' {
			return malformed
		}
	}
	if !allIn(target, inTarget) {
		return malformed
	}
	if h.http11 = string(version) == "HTTP/1.1"; !h.http11 && string(version) != "HTTP/1.0" {
		return versionReason(line)
	}
	h.method = method
	h.path, _, _ = bytes.Cut(target, []byte{'?'}) // compared byte by byte: nothing is unescaped or cleaned up, so there is one way to write it
	return admitted
}

// versionReason tells another version of HTTP, which is worth a word of its own, from what is no HTTP.
func versionReason(line []byte) reason {
	i := bytes.LastIndexByte(line, ' ')
	if v := line[i+1:]; len(v) == len("HTTP/x.x") && bytes.HasPrefix(v, []byte("HTTP/")) && v[5] >= '0' && v[5] <= '9' && v[6] == '.' &&
		v[7] >= '0' && v[7] <= '9' && string(v) != "HTTP/1.1" && string(v) != "HTTP/1.0" {
		return wrongVersion
	}
	return malformed
}

// parseLine reads "Name: value".
func (h *head) parseLine(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !allIn(line[:colon], inToken) || !printable(line[colon+1:]) {
		return false
	}
	name, value := line[:colon], trim(line[colon+1:])
	for i := range h.auth {
		h.auth[i].addIfNamed(name, value, h.auth[i].name)
	}
	switch len(name) {
	case len("Content-Type"):
		h.media.addIfNamed(name, value, "content-type")
	case len("Content-Encoding"):
		h.encoding.addIfNamed(name, value, "content-encoding")
	case len(challengeHeader):
		h.challenge.addIfNamed(name, value, challengeHeader)
	case len("X-Forwarded-For"):
		if h.forwarded != nil && equalFold(name, "x-forwarded-for") {
			*h.forwarded = append(*h.forwarded, string(value))
		}
	default:
		return h.parseFraming(name, value)
	}
	return true
}

// parseFraming reads what says how the request is to be read and the connection to be used, and Okta's name for the request, which is as
// long as one of those.
func (h *head) parseFraming(name, value []byte) bool {
	switch len(name) {
	case len("Host"):
		if equalFold(name, "host") {
			h.hosts++
			return len(value) > 0 && allIn(value, inHost)
		}
	case len("Expect"):
		if equalFold(name, "expect") {
			h.expectsContinue = true
			return equalFold(value, "100-continue")
		}
	case len("Connection"):
		if equalFold(name, "connection") {
			h.parseConnection(value)
		}
	case len("Content-Length"):
		if equalFold(name, "content-length") {
			return h.parseLength(value)
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "transfer-encoding") {
			once := !h.chunked
			h.chunked = true
			return once && equalFold(value, "chunked")
		}
		h.request.addIfNamed(name, value, requestIDHeader)
	}
	return true
}

// parseConnection reads a list of words, of which two are known.
func (h *head) parseConnection(value []byte) {
	for len(value) > 0 {
		var word []byte
		word, value, _ = bytes.Cut(value, []byte{','})
		h.close = h.close || equalFold(trim(word), "close")
		h.keepAlive = h.keepAlive || equalFold(trim(word), "keep-alive")
	}
}

func (f *headerField) addIfNamed(name, value []byte, wanted string) {
	if equalFold(name, wanted) {
		f.value = value
		f.count++
	}
}

// parseLength reads a Content-Length: once, digits alone.
func (h *head) parseLength(value []byte) bool {
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
