package admin

import (
	"bytes"
	"sync"
)

// framing finds requests with both Content-Length and Transfer-Encoding, which a proxy in front may
// read differently (RFC 9112 section 6.3). net/http drops the Content-Length of such a request, so
// the bytes of the head are checked when they are read from the connection.
type framing struct {
	mu      sync.Mutex // guards the fields below: net/http also reads while a handler runs
	inBody  bool
	line    []byte // start of the current line of the head
	length  bool   // the head has Content-Length
	chunked bool   // the head has Transfer-Encoding
	body    int64  // bytes read after the head
	unseen  bool   // part of the next head was read as body of the last request
}

// longestName is enough of a line to recognize both headers.
const longestName = len("transfer-encoding")

// scan reads bytes of the connection.
func (f *framing) scan(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(b) > 0 && !f.inBody {
		line, rest, complete := bytes.Cut(b, []byte("\n"))
		f.line = append(f.line, line[:min(len(line), longestName+1-len(f.line))]...)
		if b = rest; complete {
			f.endLine()
		}
	}
	if f.inBody {
		f.body += int64(len(b))
	}
}

func (f *framing) endLine() {
	text := bytes.TrimSuffix(f.line, []byte("\r"))
	name, _, _ := bytes.Cut(text, []byte(":"))
	f.length = f.length || bytes.EqualFold(name, []byte("content-length"))
	f.chunked = f.chunked || bytes.EqualFold(name, []byte("transfer-encoding"))
	f.inBody = len(text) == 0
	f.line = f.line[:0]
}

// isAmbiguous reports whether the current request has both headers, or its head was not seen.
func (f *framing) isAmbiguous() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unseen || f.length && f.chunked
}

// end ends the current request, whose body has this length. The next head was not seen completely
// if other bytes were read: a pipelined request, or the rest of an unread body. One byte more is
// read by net/http to detect that the client closes; it is the first of a method.
func (f *framing) end(length int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unseen = f.unseen || f.body < length || f.body > length+1
	f.inBody, f.length, f.chunked, f.body = false, false, false, 0
}
