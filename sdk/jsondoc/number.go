package jsondoc

import (
	"bytes"
	"strconv"
)

// scalar reads a number, or true, false or null; c is its first byte.
func (r *reader) scalar(pos int, c byte) int {
	src, end, kind := r.src, pos, Null
	switch {
	case c == '-' || c-'0' <= 9:
		return r.number(pos)
	case c == 't' && hasWord(src, pos, "true"):
		end, kind = pos+4, True
	case c == 'f' && hasWord(src, pos, "false"):
		end, kind = pos+5, False
	case c == 'n' && hasWord(src, pos, "null"):
		end = pos + 4
	default:
		return r.fail(pos, ErrSyntax, "a value")
	}
	r.nodes = append(r.nodes, node{start: uint32(pos), end: uint32(end), info: uint32(kind)})
	return end
}

func hasWord(src []byte, pos int, w string) bool {
	return len(src)-pos >= len(w) && string(src[pos:pos+len(w)]) == w
}

func (r *reader) number(start int) int {
	src, pos, info := r.src, start, uint32(Number)
	if src[pos] == '-' {
		pos++
	}
	first := pos
	if pos = digits(src, pos); pos == first {
		return r.fail(pos, ErrSyntax, "a digit")
	}
	if src[first] == '0' && pos > first+1 {
		return r.fail(first, ErrSyntax, "no zero before other digits")
	}
	if pos < len(src) && src[pos] == '.' {
		info |= notPlain
		first = pos + 1
		if pos = digits(src, first); pos == first {
			return r.fail(pos, ErrSyntax, "a digit")
		}
	}
	if pos < len(src) && src[pos]|' ' == 'e' {
		info |= notPlain
		if pos++; pos < len(src) && (src[pos] == '+' || src[pos] == '-') {
			pos++
		}
		first = pos
		if pos = digits(src, first); pos == first {
			return r.fail(pos, ErrSyntax, "a digit")
		}
	}
	r.nodes = append(r.nodes, node{start: uint32(start), end: uint32(pos), info: info})
	return pos
}

func digits(src []byte, pos int) int {
	for pos < len(src) && src[pos]-'0' <= 9 {
		pos++
	}
	return pos
}

// Int returns a number's exact value. It returns false for a number written with a fraction or an
// exponent, including 1.0 and 1e3, and for one beyond 64 bits; Float approximates these. -0 is 0.
func (n Node) Int() (int64, bool) {
	if n.Kind() != Number || n.node().info&notPlain != 0 {
		return 0, false
	}
	raw := n.Raw()
	if len(raw) > 18 {
		v, err := strconv.ParseInt(shareString(raw), 10, 64)
		return v, err == nil
	}
	return parseShort(raw), true
}

// parseShort is an integer of at most 18 characters.
func parseShort(raw []byte) (v int64) {
	negative := raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	for _, c := range raw {
		v = v*10 + int64(c-'0')
	}
	if negative {
		return -v
	}
	return v
}

// Float returns a number's nearest float64: 0 for other kinds, infinity beyond its range (1e400), 0
// below it. Integers beyond 2^53 may lose their last digits; Int is exact.
func (n Node) Float() float64 {
	if n.Kind() != Number {
		return 0
	}
	raw := n.Raw()
	if n.node().info&notPlain == 0 && len(raw) <= 15 && raw[0] != '-' { // exact; -0 is not an integer's
		return float64(parseShort(raw))
	}
	v, _ := strconv.ParseFloat(shareString(raw), 64)
	return v
}

// sameNumber compares two numbers by value, exactly and at any size: 100 is 1e2 and 1.00E+2.
// Numbers with exponents of more than 18 digits are equal only in the same spelling.
func sameNumber(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, y := parseDecimal(a), parseDecimal(b)
	if x.hugeExponent || y.hugeExponent || x.negative != y.negative || x.scale != y.scale {
		return false
	}
	for {
		c, d := x.nextDigit(), y.nextDigit()
		if c != d {
			return false
		}
		if c == 0 {
			return true
		}
	}
}

// decimal is a parsed number: its digits, without zeros at either end, times ten to the scale. Zero
// has no digits.
type decimal struct {
	negative     bool
	digits       []byte // the point is still among them
	scale        int64
	hugeExponent bool // the exponent is too large to count with
}

func parseDecimal(raw []byte) decimal {
	d := decimal{digits: bytes.TrimPrefix(raw, []byte{'-'})}
	var exponent []byte
	if e := bytes.IndexAny(d.digits, "eE"); e >= 0 {
		d.digits, exponent = d.digits[:e], d.digits[e+1:]
	}
	if point := bytes.IndexByte(d.digits, '.'); point >= 0 {
		d.scale = int64(point + 1 - len(d.digits))
	}
	for len(d.digits) > 0 {
		last := d.digits[len(d.digits)-1]
		if last != '0' && last != '.' {
			break
		}
		if last == '0' {
			d.scale++
		}
		d.digits = d.digits[:len(d.digits)-1]
	}
	if d.digits = bytes.TrimLeft(d.digits, "0."); len(d.digits) == 0 {
		return decimal{}
	}
	d.negative = raw[0] == '-'
	d.scale, d.hugeExponent = addExponent(d.scale, exponent)
	return d
}

// addExponent adds an exponent as it is written, "" and "+05" included, to a scale.
func addExponent(scale int64, exponent []byte) (sum int64, wild bool) {
	negative := len(exponent) > 0 && exponent[0] == '-'
	exponent = bytes.TrimLeft(exponent, "+-0")
	if len(exponent) > 18 {
		return 0, true
	}
	var n int64
	for _, c := range exponent {
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return scale + n, false
}

// nextDigit removes and returns the next digit; 0 at the end.
func (d *decimal) nextDigit() byte {
	for len(d.digits) > 0 {
		c := d.digits[0]
		d.digits = d.digits[1:]
		if c != '.' {
			return c
		}
	}
	return 0
}
