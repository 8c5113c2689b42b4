package wasm_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// scriptedModule is a module that the event controls: it reads six numbers and the index of a
// function from data.do, calls that function with them, and returns a draft at the first two.
func scriptedModule() []byte {
	b := &builder{}
	functions := []struct{ module, name, params, result string }{
		{"tenterhook", "get", "iiii", "i"}, {"tenterhook", "get_text", "iiii", "i"}, {"tenterhook", "length", "ii", "i"},
		{"tenterhook", "lookup", "iiiiii", "i"}, {"tenterhook", "log", "ii", ""},
		{"wasi_snapshot_preview1", "fd_write", "iiii", "i"}, {"wasi_snapshot_preview1", "poll_oneoff", "iiii", "i"},
		{"wasi_snapshot_preview1", "random_get", "ii", "i"}, {"wasi_snapshot_preview1", "fd_fdstat_get", "ii", "i"},
		{"wasi_snapshot_preview1", "args_sizes_get", "ii", "i"}, {"env", "abort", "iiii", ""},
	}
	for _, f := range functions {
		b.addImport(f.module, f.name, f.params, f.result)
	}
	m := newBuilder(1)
	b.memory = m.memory
	b.addExport("memory", 2, 0)
	b.addABIExports()
	b.addData(0, "/data/do/0")
	b.addData(64, "words")
	number := func(i int64) []byte { return load32(scratch + 4*i) }
	code := [][]byte{}
	// data.do encodes arbitrary bytes: two letters a byte, in base 16 from a
	code = append(code, i32(0), i32(8), i32(2048), i32(56), call(1), drop,
		block, loop, get(2), i32(28), op(0x46), brIf(1),
		store8(join(i32(scratch), get(2), add), join(
			join(get(2), i32(1), op(0x74), op(0x2d, 0), uleb(2048), i32('a'), op(0x6b), i32(4), op(0x74)),
			join(get(2), i32(1), op(0x74), op(0x2d, 0), uleb(2049), i32('a'), op(0x6b), op(0x72)))),
		get(2), i32(1), add, set(2), br(0), end, end)
	for i, f := range functions {
		var args []byte
		for n := range f.params {
			args = append(args, number(int64(n))...)
		}
		then := join(args, call(i))
		if f.result != "" {
			then = append(then, drop...)
		}
		code = append(code, number(6), i32(int64(i)), op(0x46), op(0x04, 0x40), then, end)
	}
	b.addFunction("evaluate", "ii", "I", 1, append(code, draft(number(0), number(1)))...)
	return b.build()
}

// FuzzGuest calls host functions with arbitrary arguments: each run must end with a reason of its
// own, and the next must not be affected.
func FuzzGuest(f *testing.F) {
	words, err := table.New(table.Set, []table.Entry{{Key: "words"}})
	if err != nil {
		f.Fatal(err)
	}
	p := newProgram(f, scriptedModule(), wasm.ProgramOptions{Tables: map[string]*table.Table{"words": words}})
	seed := func(numbers ...uint32) {
		var b []byte
		for _, n := range numbers {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		f.Add(b)
	}
	for function := range uint32(12) {
		seed(0, 8, 4096, 100, 64, 5, function)
		seed(64, 5, 64, 5, 4096, 100, function)
		seed(65535, 2, 65535, 2, 65535, 2, function)
		seed(1<<32-1, 1<<32-1, 1<<31, 1<<31, 1<<31-1, 1, function)
		seed(1, 64, 2, 4096, 0, 0, function)
	}
	calm := newEvent(f, `{"data":{"do":"`+strings.Repeat("a", 56)+`"}}`)
	_, r, err := calm.run(p, runtime.Budget{})
	if err != nil {
		f.Fatal(err)
	}
	fuel := r.Meter.Spent()
	f.Fuzz(func(t *testing.T, numbers []byte) {
		var do []byte
		for _, c := range numbers[:min(len(numbers), 28)] {
			do = append(do, 'a'+c>>4, 'a'+c&15)
		}
		e := newEvent(t, `{"data":{"do":"`+string(do)+`"}}`)
		_, _, err := e.run(p, runtime.Budget{Fuel: 10_000_000})
		if reason := runtime.Reason(err); reason == "internal" || reason == "time" {
			t.Errorf("got %v", err)
		}
		_, r, again := calm.run(p, runtime.Budget{})
		if again != nil || r.Meter.Spent() != fuel || len(r.Logs) > 0 {
			t.Errorf("the next run: %v, %d of fuel, want %d", again, r.Meter.Spent(), fuel)
		}
	})
}

// FuzzLoad loads arbitrary bytes: they are rejected with reasons, or make a module that ends.
func FuzzLoad(f *testing.F) {
	for _, src := range [][]byte{echoModule(), counterModule(), recursiveModule(), scriptedModule(), decideModule(0, endlessLoop), startupModule(endlessLoop[:4], endlessLoop[:4], i32(1), countAndAnswer), nil} {
		f.Add(src)
	}
	r := newRuntime(f, wasm.Options{})
	f.Fuzz(func(t *testing.T, src []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		m, err := r.Load(context.Background(), src)
		if err != nil {
			if !errors.Is(err, wasm.ErrModule) {
				t.Errorf("got %v", err)
			}
			return
		}
		defer m.Close()
		p, err := m.Program(ctx, wasm.ProgramOptions{Type: 1, Budget: runtime.Budget{Memory: 1 << 20}})
		if err != nil {
			return
		}
		defer p.Close()
		first, a, err := newEvent(t, body).run(p, runtime.Budget{Fuel: 1_000_000})
		if runtime.Reason(err) == "internal" {
			t.Errorf("got %v", err)
		}
		second, b, again := newEvent(t, body).run(p, runtime.Budget{Fuel: 1_000_000})
		if first != second || runtime.Reason(err) != runtime.Reason(again) || a.Meter.Spent() != b.Meter.Spent() || !bytes.Equal([]byte(first), []byte(second)) {
			t.Errorf("the same event twice: %q %v, %q %v", first, err, second, again)
		}
	})
}
