package meter

import "unicode/utf8"

// reader reads the binary format strictly. The first error sticks: later reads return zero and no
// bytes are left, so a loop over an announced count ends at once. Nothing is allocated by an
// announced count.
type reader struct {
	src      []byte
	pos, end int
	failure  string // the error, "" if none
	targets  []uint32
}

func (r *reader) fail(at int, reason string) {
	if r.failure == "" {
		r.failure = reason
		r.pos = at
	}
	r.end = r.pos
}

func (r *reader) more() bool { return r.pos < r.end }

func (r *reader) byte() byte {
	if r.pos >= r.end {
		r.fail(r.pos, "it ends too soon")
		return 0
	}
	r.pos++
	return r.src[r.pos-1]
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail(r.pos, "it ends too soon")
		return nil
	}
	r.pos += int(n)
	return r.src[r.pos-int(n) : r.pos : r.pos]
}

// u32 reads an unsigned LEB128 number of at most 32 bits in at most 5 bytes.
func (r *reader) u32() uint32 {
	if r.pos < r.end && r.src[r.pos] < 0x80 {
		r.pos++
		return uint32(r.src[r.pos-1])
	}
	return uint32(r.leb(32, false))
}

func (r *reader) s32() int32 { return int32(r.leb(32, true)) }
func (r *reader) s33() int64 { return r.leb(33, true) }
func (r *reader) s64() int64 { return r.leb(64, true) }

func (r *reader) leb(bits int, signed bool) int64 {
	var v uint64
	for at, shift := r.pos, 0; ; shift += 7 {
		b := r.byte()
		if r.failure != "" {
			return 0
		}
		v |= uint64(b&0x7f) << shift
		left := bits - shift // bits of the number that are not read yet
		if left > 7 && b >= 0x80 {
			continue
		}
		if b >= 0x80 || left < 7 && !fitsLastByte(b, left, signed) {
			r.fail(at, "a number does not fit its size")
			return 0
		}
		if signed && b&0x40 != 0 && shift+7 < 64 {
			v |= ^uint64(0) << (shift + 7)
		}
		return int64(v)
	}
}

// fitsLastByte reports whether the unused bits of a number's last byte repeat the sign, or are zero
// if unsigned.
func fitsLastByte(b byte, bits int, signed bool) bool {
	rest := int8(b<<1) >> (bits) // unused bits and the sign bit, sign-extended
	if !signed {
		return b>>bits == 0
	}
	return rest == 0 || rest == -1
}

// name reads a UTF-8 name.
func (r *reader) name() string {
	at := r.pos
	b := r.bytes(r.u32())
	if !utf8.Valid(b) {
		r.fail(at, "a name is not UTF-8")
	}
	return string(b)
}

// subReader returns a reader of the next n bytes.
func (r *reader) subReader(n uint32) reader {
	at := r.pos
	r.bytes(n)
	if r.failure != "" {
		return reader{src: r.src, pos: at, end: at, failure: r.failure}
	}
	return reader{src: r.src, pos: at, end: r.pos}
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendS64(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte { return append(appendU32(b, uint32(len(s))), s...) }
