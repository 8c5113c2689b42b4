package runtime

import (
	"bytes"
	"math"
	"strconv"
)

// decimal is a number as its digits, without zeros at the ends, and the power of ten of the last one.
// Zero has no digits.
type decimal struct {
	negative bool
	digits   []byte
	exponent int64
}

// parseDecimal parses a JSON number. It allocates for a number with a point.
func parseDecimal(raw []byte) decimal {
	var d decimal
	if raw[0] == '-' {
		d.negative, raw = true, raw[1:]
	}
	if i := bytes.IndexAny(raw, "eE"); i >= 0 {
		e, err := strconv.ParseInt(string(raw[i+1:]), 10, 64)
		if err != nil || e > math.MaxInt32 || e < -math.MaxInt32 {
			e = max(-math.MaxInt32, min(math.MaxInt32, e))
		}
		d.exponent, raw = e, raw[:i]
	}
	if i := bytes.IndexByte(raw, '.'); i >= 0 {
		d.exponent -= int64(len(raw) - i - 1)
		raw = append(bytes.Clone(raw[:i]), raw[i+1:]...)
	}
	d.digits = bytes.TrimLeft(raw, "0")
	kept := bytes.TrimRight(d.digits, "0")
	d.exponent += int64(len(d.digits) - len(kept))
	d.digits = kept
	return d
}

// wholeIntOf is the value of a number with a point or an exponent that is whole, beyond the integers
// that a float64 holds exactly, and within 64 bits.
func wholeIntOf(raw []byte, f float64) (int64, bool) {
	if abs := math.Abs(f); abs < 1<<53 || abs > 1<<63 {
		return 0, false
	}
	d := parseDecimal(raw)
	if d.exponent < 0 || len(d.digits) == 0 || int64(len(d.digits))+d.exponent > 19 {
		return 0, false
	}
	return intOf(d.appendPlain(nil))
}

// IsWhole reports whether a number, as it is written, has no fraction.
func (v Value) IsWhole() bool {
	if v.kind == Int {
		return true
	}
	if raw := v.node.Raw(); raw != nil {
		d := parseDecimal(raw)
		return d.exponent >= 0 || len(d.digits) == 0
	}
	return v.Float() == math.Trunc(v.Float())
}

// maxPlainDigits is the length of a number up to which it is written without an exponent.
const maxPlainDigits = 40

// AppendPlain appends null, a boolean or a number as text content. Numbers that are equal give the same
// text in whatever notation a payload has them: 1.0 and 1e0 are 1. An unparsed number stays as it is.
func (v Value) AppendPlain(dst []byte) []byte {
	raw, f := v.node.Raw(), v.Float()
	switch {
	case v.kind == Int:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case v.kind != Float || math.IsNaN(f):
		return v.AppendScalar(dst)
	case f == 0:
		return append(dst, '0')
	case raw == nil || math.Abs(f) < 1<<53 || !math.IsInf(f, 0) && !v.IsWhole():
		return appendFloat(dst, f)
	}
	d := parseDecimal(raw)
	if int64(len(d.digits))+d.exponent <= maxPlainDigits {
		return d.appendPlain(dst)
	}
	return d.appendScientific(dst)
}

// appendPlain writes a whole number.
func (d decimal) appendPlain(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(dst, d.digits...)
	for range d.exponent {
		dst = append(dst, '0')
	}
	return dst
}

// appendScientific writes d.ddde+N.
func (d decimal) appendScientific(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(dst, d.digits[0])
	if len(d.digits) > 1 {
		dst = append(append(dst, '.'), d.digits[1:]...)
	}
	return strconv.AppendInt(append(dst, "e+"...), d.exponent+int64(len(d.digits))-1, 10)
}

// PlainSize is an upper bound of the bytes that AppendPlain appends.
func (v Value) PlainSize() int { return max(maxPlainDigits+8, len(v.node.Raw())+16) }
