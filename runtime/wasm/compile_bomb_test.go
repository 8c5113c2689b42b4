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

// bombs are shapes of small modules that take a compiler minutes or gigabytes. make returns one of
// size n; bad is a size known to hurt.
var bombs = []struct {
	name    string
	bad     int
	make    func(n int) []byte
	errText string // reason for its rejection at that size
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

// decider is a module with that code and number of locals in decide.
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

// TestBombs wants each shape rejected with its own reason at the bad size. The largest accepted
// size must compile or exceed a limit of the child.
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
			if !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), b.errText) || strings.Contains(err.Error(), "compile:") {
				t.Errorf("%d: got %v, want it rejected for its %s", b.bad, err, b.errText)
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
