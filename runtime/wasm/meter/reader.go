package meter

import "unicode/utf8"

// reader reads the binary format strictly. Its first mistake sticks: from then on everything reads as nought and nothing
// is left, so that a loop over an announced count ends at once. Nothing is ever allocated by an announced count.
type reader struct {
	src     []byte
	p, end  int
	bad     string // what is wrong, "" as long as nothing is
	targets []uint32
}

func (r *reader) fail(at int, reason string) {
	if r.bad == "" {
		r.bad = reason
		r.p = at
	}
	r.end = r.p
}

func (r *reader) more() bool { return r.p < r.end }

func (r *reader) byte() byte {
	if r.p >= r.end {
		r.fail(r.p, "it ends too soon")
		return 0
	}
	r.p++
	return r.src[r.p-1]
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(r.end-r.p) {
		r.fail(r.p, "it ends too soon")
		return nil
	}
	r.p += int(n)
	return r.src[r.p-int(n) : r.p : r.p]
}

// u32 reads an unsigned number of at most 32 bits in at most 5 bytes.
func (r *reader) u32() uint32 {
	if r.p < r.end && r.src[r.p] < 0x80 {
		r.p++
		return uint32(r.src[r.p-1])
	}
	return uint32(r.leb(32, false))
}

func (r *reader) s32() int32 { return int32(r.leb(32, true)) }
func (r *reader) s33() int64 { return r.leb(33, true) }
func (r *reader) s64() int64 { return r.leb(64, true) }

func (r *reader) leb(bits int, signed bool) int64 {
	var v uint64
	for at, shift := r.p, 0; ; shift += 7 {
		b := r.byte()
		if r.bad != "" {
			return 0
		}
		v |= uint64(b&0x7f) << shift
		left := bits - shift // of the number, in this byte and the next
		if left > 7 && b >= 0x80 {
			continue
		}
		if b >= 0x80 || left < 7 && !fits(b, left, signed) {
			r.fail(at, "a number does not fit its size")
			return 0
		}
		if signed && b&0x40 != 0 && shift+7 < 64 {
			v |= ^uint64(0) << (shift + 7)
		}
		return int64(v)
	}
}

// fits says whether what is beyond a number's last bits, in its last byte, repeats the sign, or is nought.
func fits(b byte, bits int, signed bool) bool {
	rest := int8(b<<1) >> (bits) // the byte's seven bits, sign-extended, without the number's own but its sign
	if !signed {
		return b>>bits == 0
	}
	return rest == 0 || rest == -1
}

// name reads a text; longest bounds its bytes.
func (r *reader) name() string {
	at := r.p
	b := r.take(r.u32())
	if !utf8.Valid(b) {
		r.fail(at, "a name is not UTF-8")
	}
	return string(b)
}

// sub is a reader of the next n bytes.
func (r *reader) sub(n uint32) reader {
	at := r.p
	r.take(n)
	if r.bad != "" {
		return reader{src: r.src, p: at, end: at, bad: r.bad}
	}
	return reader{src: r.src, p: at, end: r.p}
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
