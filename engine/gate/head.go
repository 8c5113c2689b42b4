package gate

import (
	"bytes"
	"strconv"
)

// needMore is the result of parsing a head that is not complete yet.
const needMore = reasons

// maxLines is the limit of header lines in a request.
const maxLines = 100

// head is the part of a request's head that the gate uses. It is parsed once: it delimits the body,
// it decides on the caller, and the server gets a minimal head made of it (see appendMinimal). Its
// slices share the memory of the text.
type head struct {
	method, path     []byte // the path as sent, without the query
	http11           bool   // else HTTP/1.0
	length           int64  // of the body; -1: no Content-Length
	chunked          bool
	expectsContinue  bool // 100-continue
	close, keepAlive bool // from Connection
	hosts            int

	media, encoding    headerField
	challenge, request headerField
	auth               []credentialHeader // the headers that the hook's credentials need
	token              tokenCheck
	forwarded          *[]string // the values of X-Forwarded-For; nil: not needed
}

// headerField is a header that may appear only once.
type headerField struct {
	value []byte // of the last one
	count int
}

// credentialHeader is a header that a credential needs, with its value in the request.
type credentialHeader struct {
	name string
	headerField
	digest [32]byte
}

// parseRequestLine parses the request line that p begins with. n is the offset of the header lines.
func (h *head) parseRequestLine(p []byte) (n int, r reason) {
	line, n, r := cutLine(p, 0)
	if r == admitted {
		h.length = -1
		r = h.decodeRequestLine(line)
	}
	return n, r
}

// parseLines parses the header lines from offset n to the empty line, in one strict form: RFC 9112
// without its tolerances for old peers. A proxy in front may be lenient in other ways, and two
// readers that disagree about a head allow request smuggling. end is the head's length.
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
	case h.hasNoBody() && (h.length > 0 || h.chunked): // readers disagree about such a body
		return 0, malformed
	}
	return n, admitted
}

func (h *head) is(method string) bool { return string(h.method) == method }

func (h *head) hasNoBody() bool { return h.is("GET") || h.is("HEAD") }

// appendMinimal appends the minimal head, which the server gets instead of the original: how to
// read the body and whether to keep the connection. Since the server sees nothing else, it cannot
// disagree with the gate. It is never longer than the original.
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

// cutLine returns the line at an offset, without its end, and the offset of the next line.
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

// decodeRequestLine parses "POST /path HTTP/1.1": a method in capitals, an absolute path without
// characters that need escaping, single spaces.
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
	h.path, _, _ = bytes.Cut(target, []byte{'?'}) // compared byte by byte: without unescaping or cleaning there is one way to write a path
	return admitted
}

// versionReason distinguishes another version of HTTP, which gets its own status, from bytes that
// are not HTTP.
func versionReason(line []byte) reason {
	i := bytes.LastIndexByte(line, ' ')
	if v := line[i+1:]; len(v) == len("HTTP/x.x") && bytes.HasPrefix(v, []byte("HTTP/")) && v[5] >= '0' && v[5] <= '9' && v[6] == '.' &&
		v[7] >= '0' && v[7] <= '9' && string(v) != "HTTP/1.1" && string(v) != "HTTP/1.0" {
		return wrongVersion
	}
	return malformed
}

// parseLine parses "Name: value".
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

// parseFraming parses the headers that frame the request and control the connection, and
// X-Okta-Request-Id, whose name is as long as one of theirs.
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

// parseConnection parses the options of Connection, two of which are supported.
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

// parseLength parses a Content-Length: only digits, and only once.
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
