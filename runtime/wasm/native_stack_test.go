package wasm_test

import (
	"errors"
	goruntime "runtime"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// stackGuests are functions with endless recursion and native frames as large as possible.
var stackGuests = []struct {
	name   string
	locals int
	code   func(b *builder, self int) []byte
}{
	{"values kept over the call", 0, func(b *builder, self int) []byte {
		return join(times(4_000, load32(0)), call(self), times(4_000, gset(0)))
	}},
	{"values kept over one call after the other", 0, func(b *builder, self int) []byte {
		return join(times(500, times(8, load32(0)), call(0), times(8, gset(0))), call(self))
	}},
	{"results of a call", 0, func(b *builder, self int) []byte {
		f := b.addFunction("", "", "iiiiiiiiiiiiiiii", 0, times(16, load32(0)))
		return join(times(200, call(f)), call(self+1), times(200*16, gset(0)))
	}},
	{"locals", 1_900, func(b *builder, self int) []byte {
		return join(each(1_900, func(i int) []byte { return join(load32(0), set(i)) }), call(self), each(1_900, func(i int) []byte { return join(get(i), gset(0)) }))
	}},
	{"locals that are set again", 500, func(b *builder, self int) []byte {
		return join(times(4, each(500, func(i int) []byte { return join(load32(0), set(i)) }), call(0), each(500, func(i int) []byte { return join(get(i), gset(0)) })), call(self))
	}},
	{"locals that differ by path", 90, func(b *builder, self int) []byte {
		return join(times(10, gget(0), op(0x04, 0x40), each(90, func(i int) []byte { return join(load32(0), set(i)) }), end, call(0)), each(90, func(i int) []byte { return join(get(i), gset(0)) }), call(self))
	}},
	{"a few locals that are set again", 12, func(b *builder, self int) []byte {
		return join(times(300, each(12, func(i int) []byte { return join(load32(0), set(i)) }), call(0), each(12, func(i int) []byte { return join(get(i), gset(0)) })), call(self))
	}},
	{"a few locals that are set again, and values above", 12, func(b *builder, self int) []byte {
		return join(times(300, each(12, func(i int) []byte { return join(load32(0), set(i)) }), times(8, load32(0)), each(12, func(i int) []byte { return join(get(i), gset(0)) }), times(8, gset(0))), call(self))
	}},
	{"a few locals that differ by path", 12, func(b *builder, self int) []byte {
		return join(times(300, gget(0), op(0x04, 0x40), each(12, func(i int) []byte { return join(load32(0), set(i)) }), end, call(0)), each(12, func(i int) []byte { return join(get(i), gset(0)) }), call(self))
	}},
	{"nothing", 0, func(b *builder, self int) []byte { return call(self) }},
}

// TestNativeStack wants memory outside of linear memory to be bounded in bytes and released after
// the run.
func TestNativeStack(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	for _, f := range stackGuests {
		t.Run(f.name, func(t *testing.T) {
			b := newBuilder(1).addABIExports()
			b.addGlobal(1)
			self := b.nFunctions
			code := f.code(b, self)
			self = b.addFunction("", "", "", f.locals, code)
			b.addFunction("decide", "", "I", 0, call(self), i64(0))
			p := newProgramIn(t, r, b.build(), wasm.ProgramOptions{Type: hook.Registration})
			before := readMemStats()
			_, err := runOnce(t, p, attackEvent(1, ""), runtime.Budget{})
			taken := readMemStats()
			goruntime.GC()
			kept := readMemStats()
			if !errors.Is(err, runtime.ErrTrap) {
				t.Fatalf("it came to %v, want %v", err, runtime.ErrTrap)
			}
			if n := taken.TotalAlloc - before.TotalAlloc; n > 12<<20 {
				t.Errorf("it took %d bytes in all while it grew", n)
			}
			if n := int64(kept.HeapAlloc) - int64(before.HeapAlloc); n > 256<<10 {
				t.Errorf("it kept %d bytes", n)
			}
		})
	}
}

// readMemStats reads the memory statistics.
func readMemStats() (m goruntime.MemStats) {
	goruntime.ReadMemStats(&m)
	return m
}
