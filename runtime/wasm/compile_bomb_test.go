package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// bombs are the shapes of modules that are small, and take a compiler minutes or gigabytes. Each is made as large as n
// says; bad is a size that has been seen to hurt.
var bombs = []struct {
	name string
	bad  int
	make func(n int) []byte
	says string // what it is refused for at that size
}{
	{"blocks in blocks", 100_000, func(n int) []byte { return decider(0, times(n, block), times(n, end)) }, "nested deeper"},
	{"loops in loops", 8_000, func(n int) []byte { return decider(0, times(n, loop), times(n, end)) }, "nested deeper"},
	{"conditions, each of which sets a local", 20_000, func(n int) []byte {
		return decider(100, times(n, get(0), op(0x04, 0x40), i32(1), set(n%100), end))
	}, "locals times blocks"},
	{"loops, each of which uses all locals", 200, func(n int) []byte {
		return decider(n, times(n, loop, each(n, func(i int) []byte { return join(get(i), i32(1), add, set(i)) }), get(0), brIf(0), end))
	}, "locals times loops"},
	{"targets of one br_table", 200_000, func(n int) []byte {
		return decider(0, block, i32(0), op(0x0e), uleb(n), make([]byte, n+1), end)
	}, "targets of a br_table"},
	{"targets of many br_tables", 1_000, func(n int) []byte {
		return decider(0, times(n, block, i32(0), op(0x0e), uleb(99), make([]byte, 100), end))
	}, "targets of all br_tables"},
	{"one function of nothing but additions", 200_000, func(n int) []byte {
		return decider(1, times(n, get(0), i32(1), add, set(0)))
	}, "bytes"},
	{"locals of one function", 50_000, func(n int) []byte { return decider(n) }, "locals"},
	{"values on the stack at once", 100_000, func(n int) []byte { return decider(1, times(n, get(0)), times(n, drop)) }, "bytes"},
	{"functions", 100_000, func(n int) []byte {
		b := newBuilder(1).addABIExports()
		b.addFunction("decide", "", "I", 0, i64(0))
		at := b.addType("", "")
		b.functions, b.code = join(b.functions, bytes.Repeat(uleb(at), n)), join(b.code, bytes.Repeat([]byte{2, 0, 0x0b}, n))
		b.nFunctions += n
		return b.build()
	}, "functions"},
	{"elements of a table", 10_000_000, func(n int) []byte {
		b := newBuilder(1).addABIExports()
		b.addFunction("decide", "", "I", 0, i64(0))
		b.table = join([]byte{1, 0x70, 0}, uleb(n))
		return b.build()
	}, "elements of a table"},
	{"segments of data", 1_000_000, func(n int) []byte {
		b := newBuilder(1).addABIExports()
		b.addFunction("decide", "", "I", 0, i64(0))
		b.data, b.nData = bytes.Repeat([]byte{0, 0x41, 0, 0x0b, 0}, n), n
		return b.build()
	}, "data"},
}

// decider is a module whose decide has that code and so many locals.
func decider(locals int, code ...[]byte) []byte {
	b := newBuilder(1).addABIExports()
	b.addFunction("decide", "", "I", locals, append(code, i64(0))...)
	return b.build()
}

func times(n int, code ...[]byte) []byte { return bytes.Repeat(join(code...), n) }

func each(n int, code func(i int) []byte) (b []byte) {
	for i := range n {
		b = append(b, code(i)...)
	}
	return b
}

// TestBombs wants each shape refused by name where it hurts, and the largest that is let through to be compiled, or given up
// by the child for one of its limits.
func TestBombs(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := newRuntime(t, wasm.Options{Child: exe})
	load := func(src []byte) error {
		watchdog := time.AfterFunc(3*time.Minute, func() { panic("it does not end") })
		defer watchdog.Stop()
		m, err := r.Load(context.Background(), src)
		if err == nil {
			m.Close()
		}
		return err
	}
	for _, b := range bombs {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			err := load(b.make(b.bad))
			if !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), b.says) || strings.Contains(err.Error(), "compile:") {
				t.Errorf("%d: got %v, want it refused for its %s", b.bad, err, b.says)
			}
			if testing.Short() {
				return
			}
			largest := sort.Search(b.bad, func(n int) bool {
				_, err := meter.Rewrite(b.make(n+1), meter.Options{})
				return err != nil
			})
			start := time.Now()
			if err := load(b.make(largest)); err != nil && !strings.Contains(err.Error(), "compile: it takes more than") {
				t.Errorf("%d: got %v", largest, err)
			}
			t.Logf("the largest that is let through has %d (%d bytes) and took %v", largest, len(b.make(largest)), time.Since(start))
		})
	}
}
