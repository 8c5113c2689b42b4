package expr

import (
	"math"
	"slices"

	"github.com/tenterhook/tenterhook/runtime"
)

// anyTimed reports whether one of these is calculated from a time.
func anyTimed(all ...*code) bool {
	return slices.ContainsFunc(all, func(c *code) bool { return c.timed })
}

// Timed reports whether the value is calculated from a time by sums, differences and choices, so
// that it is a number of seconds and may have a fraction. A quotient, such as an age in days, is
// not.
func (x *Expression) Timed() bool { return x.code.timed }

// AppendWhole appends the leaf as AppendJSON does, but without the fraction of a number.
func (t *Text) AppendWhole(dst []byte, r *runtime.Run) (out []byte, null bool, err error) {
	x := t.Whole()
	if x == nil {
		return t.AppendJSON(dst, r)
	}
	v, err := x.evalMasked(r)
	if err != nil || v.IsNull() {
		return dst, err == nil, err
	}
	if out, err = WholeNumber(v).AppendJSON(dst, r.Meter); err != nil {
		return dst, false, err
	}
	return out, false, nil
}

// WholeNumber removes the fraction of a number, rounding down. Other values stay.
func WholeNumber(v runtime.Value) runtime.Value {
	if v.Kind() != runtime.Float {
		return v
	}
	f := math.Floor(v.Float())
	if !(f >= -1<<53 && f <= 1<<53) {
		return v
	}
	return runtime.IntOf(int64(f))
}
