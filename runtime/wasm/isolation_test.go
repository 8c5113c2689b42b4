package wasm_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// counterModule counts its calls in memory, in grown memory, in a global and in a table, and
// answers with the digits. data.do of the event then selects a trap (t), an endless loop (l),
// recursion (r), or growth until it fails (g).
func counterModule() []byte {
	b := &builder{}
	text := b.addImport("tenterhook", "get_text", "iiii", "i")
	m := newBuilder(2)
	b.memory = m.memory
	b.addExport("memory", 2, 0)
	b.addABIExports()
	count := b.addGlobal(0)
	b.table = join([]byte{2, 0x70, 0, 4, 0x70, 0, 1})                                        // two tables of functions
	one, two := b.addFunction("", "", "i", 0, i32(0)), b.addFunction("", "", "i", 0, i32(1)) // table entries for these values
	b.elements = join([]byte{1, 0}, i32(0), []byte{0x0b, 2}, uleb(one), uleb(two))
	calls := b.addType("", "i")
	deep := b.nImports + b.nFunctions
	b.addFunction("", "", "", 0, call(deep))
	b.addData(0, "/data/do")
	digit := func(at int64, v []byte) []byte { return store8(i32(at), join(v, i32('0'), add)) }
	when := func(c byte, then ...[]byte) []byte {
		return join(load32(64), i32(int64(c)), op(0x46), op(0x04, 0x40), join(then...), end)
	}
	b.addFunction("decide", "", "I", 1,
		store32(scratch, join(load32(scratch), i32(1), add)),
		i32(1), grow, set(0), store32(140_000, join(load32(140_000), i32(1), add)), // in the page just grown
		join(gget(count), i32(1), add), gset(count),
		digit(2000, load32(scratch)), digit(2001, gget(count)), digit(2002, load32(140_000)),
		// the first table entry returns 0 until it is replaced by the second
		digit(2003, join(i32(0), op(0x11), uleb(calls), op(0))),
		i32(0), i32(1), op(0x25, 0), op(0x26, 0),
		i32(0), i32(8), i32(64), i32(4), call(text), drop,
		when('t', unreachable), when('l', loop, br(0), end), when('r', call(deep)),
		when('g', loop, i32(16), grow, i32(-1), op(0x46), op(0x04, 0x40), unreachable, end, br(0), end),
		draft(i32(2000), i32(4)))
	return b.build()
}

// A call finds fresh state, whatever the run before did.
func TestIsolation(t *testing.T) {
	calls, workers := 100_000, 4
	if testing.Short() {
		calls = 5_000
	}
	p := newProgram(t, counterModule(), wasm.ProgramOptions{})
	wants := map[string]error{"": nil, "t": runtime.ErrTrap, "l": runtime.ErrFuel, "r": runtime.ErrTrap, "g": runtime.ErrMemory}
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			events := make(map[string]*testEvent)
			for do := range wants {
				events[do] = newEvent(t, fmt.Sprintf(`{"data":{"do":%q}}`, do))
			}
			for i := range calls / workers {
				do := ""
				if random.IntN(200) == 0 {
					do = []string{"t", "l", "r", "g"}[random.IntN(4)]
				}
				got, _, err := events[do].run(p, runtime.Budget{Fuel: 3_000_000})
				if !errors.Is(err, wants[do]) || err == nil && got != "1110" {
					t.Errorf("call %d (%q): got %q, %v", i, do, got, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// A run pays for restoring or making its instance, and tables count as memory.
func TestStartupFuel(t *testing.T) {
	tables := func(code ...[]byte) []byte {
		b := newBuilder(1).addABIExports()
		b.table = join([]byte{8}, bytes.Repeat(join([]byte{0x70, 0}, uleb(100_000)), 8))
		b.addFunction("decide", "", "I", 0, append(code, i64(0))...)
		return b.build()
	}
	var change []byte // makes all tables restorable without running
	for table := range byte(8) {
		change = join(change, i32(0), op(0xd0, 0x70), op(0x26, table))
	}
	never := join(i32(0), op(0x04, 0x40), change, end)
	wide := newBuilder(256).addABIExports()
	wide.addFunction("decide", "", "I", 0, i64(0))
	tests := []struct {
		name   string
		module []byte
		fuel   int64 // approximately
		pages  int64 // minimum
	}{
		{"Little", decideModule(0, i64(0)), 0, 1},
		{"Memory", wide.build(), 16 << 20 / 32, 256},
		{"Tables", tables(), 0, 1 + 6_400_000>>16},
		{"TablesThatChange", tables(never), 800_000 / 2, 1 + 12_800_000>>16},
		{"New", tables(join(op(0xd0, 0x70), i32(0), op(0xfc, 0x0f, 0), drop)), 7_200_000 / 4, 1 + 7_200_000>>16},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProgram(t, tt.module, wasm.ProgramOptions{Budget: runtime.Budget{Memory: tt.pages << 16}})
			_, r, err := newEvent(t, body).run(p, runtime.Budget{})
			if spent := r.Meter.Spent(); err != nil || spent < tt.fuel*9/10 || spent > 10_000+tt.fuel*11/10 {
				t.Errorf("spent %d, %v; want %d or so", spent, err, tt.fuel)
			}
			_, _, err = newEvent(t, body).run(p, runtime.Budget{Fuel: tt.fuel / 2})
			if tt.fuel > 0 && !errors.Is(err, runtime.ErrFuel) {
				t.Errorf("with half of that: %v", err)
			}
			_, err = openProgram(t, newRuntime(t, wasm.Options{}), tt.module, wasm.ProgramOptions{Budget: runtime.Budget{Memory: tt.pages<<16 - 1}})
			if !errors.Is(err, runtime.ErrMemory) {
				t.Errorf("with less memory: %v", err)
			}
		})
	}
}

// The same event costs the same fuel, whatever ran before.
func TestFuel(t *testing.T) {
	p := newProgram(t, counterModule(), wasm.ProgramOptions{})
	e := newEvent(t, `{"data":{}}`)
	var first int64
	for i := range 100 {
		_, r, err := e.run(p, runtime.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		if spent := r.Meter.Spent(); i == 0 {
			first = spent
		} else if spent != first {
			t.Fatalf("run %d spent %d, the first %d", i, spent, first)
		}
		if i%10 == 0 {
			newEvent(t, `{"data":{"do":"t"}}`).run(p, runtime.Budget{})
		}
	}
}
