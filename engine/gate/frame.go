package gate

// frame splits the bytes of a connection into requests: head, body, and the beginning of the next
// request. It delivers one request at a time to fasthttp, and only bytes that follow the grammar.
type frame struct {
	phase  phase
	left   int64 // bytes of the body, or of the chunk, still to come
	size   int64 // of the chunk whose size is being read
	digits int   // of that size
	chunks int64 // bytes of all chunks whose sizes were read
}

// phase is the part of a request that the next byte belongs to.
type phase uint8

const (
	inHead phase = iota
	inBody
	inSize    // the line that begins a chunk
	endOfSize // the LF of that line
	inChunk
	endOfChunk // the CR of the line that ends a chunk
	endOfLine  // and its LF
	finalCR    // the CR that ends a chunked body: there are no trailers
	finalLF    // and its LF
	ended
)

// scan returns how many of the bytes behind the head belong to the request, or the reason to reject
// it.
func (f *frame) scan(p []byte) (n int, r reason) {
	for n < len(p) && f.phase != ended {
		if f.phase == inBody || f.phase == inChunk {
			n += f.skip(int64(len(p) - n))
			continue
		}
		if !f.stepChunk(p[n]) {
			return 0, malformed
		}
		n++
	}
	return n, admitted
}

// skip advances over up to n bytes of a body, or of a chunk.
func (f *frame) skip(n int64) int {
	n = min(n, f.left)
	if f.left -= n; f.left > 0 {
		return int(n)
	}
	if f.phase == inBody {
		f.phase = ended
	} else {
		f.phase = endOfChunk
	}
	return int(n)
}

// start begins with the body that a head announces.
func (f *frame) start(h *head) {
	switch {
	case h.chunked:
		f.phase = inSize
	case h.length > 0:
		f.phase, f.left = inBody, h.length
	default:
		f.phase = ended
	}
}

// stepChunk checks one byte of the chunked framing: sizes have at most eight hexadecimal digits;
// extensions and trailers are rejected (RFC 9112 section 7.1, reduced to the forms that current
// senders use).
func (f *frame) stepChunk(c byte) bool {
	want := byte('\r')
	switch f.phase {
	case inSize:
		if d, ok := hexDigit(c); ok {
			f.size = f.size<<4 | d
			f.digits++
			return f.digits <= 8
		}
		f.phase = endOfSize
		return c == '\r' && f.digits > 0
	case endOfSize:
		want, f.phase, f.left = '\n', inChunk, f.size
		f.chunks += f.size
		if f.size == 0 {
			f.phase = finalCR
		}
	case endOfChunk:
		f.phase = endOfLine
	case endOfLine:
		want, f.phase, f.size, f.digits = '\n', inSize, 0, 0
	case finalCR:
		f.phase = finalLF
	case finalLF:
		want, f.phase = '\n', ended
	}
	return c == want
}

func hexDigit(c byte) (int64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int64(c|0x20-'a') + 10, true
	}
	return 0, false
}
