package expr

import (
	"fmt"
	"unsafe"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Limits of a value that is built. With them, each piece of work between two questions to the Meter
// takes well under a millisecond.
const (
	maxText = 64 << 10 // bytes
	maxList = 10_000   // values
)

const valueSize = int64(unsafe.Sizeof(runtime.Value{}))

// builder builds a list in the Run's Scratch. The Meter is charged whenever it grows.
type builder struct {
	r      *runtime.Run
	values []runtime.Value
}

func newBuilder(r *runtime.Run, size int) builder {
	b := builder{r: r}
	if size > 0 {
		b.grow(size)
	}
	return b
}

func (b *builder) grow(size int) {
	if size > maxList {
		failTooLarge("a list of more than %d values", maxList)
	}
	charge(b.r, int64(size)>>2)
	reserve(b.r, int64(size)*valueSize)
	b.values = append(b.r.Scratch.Values(size), b.values...)
}

func (b *builder) add(v runtime.Value) {
	if len(b.values) == cap(b.values) {
		b.grow(max(8, min(2*len(b.values), maxList), len(b.values)+1))
	}
	charge(b.r, 1)
	b.values = append(b.values, v)
}

// member adds an object's member; one of the same name is replaced.
func (b *builder) member(key, v runtime.Value) {
	for i := 0; i < len(b.values); i += 2 {
		if charge(b.r, 1); b.values[i].Text() == key.Text() {
			b.values[i+1] = v
			return
		}
	}
	b.add(key)
	b.add(v)
}

// failTooLarge ends the run: a value would exceed the limit for any value, whatever the budget.
func failTooLarge(format string, most int) {
	panic(&fault{fmt.Errorf("%w: "+format, runtime.ErrMemory, most)})
}

// reserveText reserves memory for a text of up to n bytes, or fails.
func reserveText(r *runtime.Run, n int) []byte {
	if n > maxText {
		failTooLarge("a text of more than %d bytes", maxText)
	}
	charge(r, 1+int64(n)>>4)
	reserve(r, int64(n))
	return r.Scratch.Text(n)
}

// textOfBytes is a text in memory that reserveText gave.
func textOfBytes(b []byte) runtime.Value {
	return runtime.TextOf(unsafe.String(unsafe.SliceData(b), len(b)))
}

// each calls f with the values of a list until f returns false. The Meter is charged for every
// value.
func each(r *runtime.Run, v runtime.Value, f func(i int, item runtime.Value) bool) {
	if n := v.Node(); n.Kind() == jsondoc.Array {
		i := 0
		for item := range n.Elements() {
			charge(r, 1)
			if !f(i, runtime.NodeOf(item)) {
				return
			}
			i++
		}
		return
	}
	for i, item := range v.Items() {
		charge(r, 1)
		if !f(i, item) {
			return
		}
	}
}

// eachMember calls f with an object's names and values until f returns false.
func eachMember(r *runtime.Run, v runtime.Value, f func(name string, item runtime.Value) bool) {
	for name, item := range v.Node().Members() {
		charge(r, 1)
		if !f(name, runtime.NodeOf(item)) {
			return
		}
	}
	pairs := v.Items()
	for i := 0; i < len(pairs); i += 2 {
		charge(r, 1)
		if !f(pairs[i].Text(), pairs[i+1]) {
			return
		}
	}
}
