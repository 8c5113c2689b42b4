package meter_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// TestRunaway ends endless guests, and continues with the same instance.
func TestRunaway(t *testing.T) {
	m := rewrite(t, readFixture(t, "runaway"), meter.Options{Depth: 1000})
	g := instantiate(t, m.Code, wazero.NewRuntimeConfigCompiler())
	g.h.total = 1_000_000
	g.mustCall(t, meter.Save)
	for _, name := range exportNames(g.Module) {
		t.Run(name, func(t *testing.T) {
			_, _, err := g.call(name)
			want := errFuel
			if slices.Contains([]string{"deep", "mutual", "table"}, name) {
				want = errDeep
			}
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			g.mustCall(t, meter.Restore)
		})
	}
	if size := g.Memory().Size() >> 16; size > 100 {
		t.Errorf("the memory has %d pages, want at most 100 as declared", size)
	}
}

// mustCall calls an unmetered export that must not fail.
func (g *guest) mustCall(t *testing.T, name string, args ...uint64) []uint64 {
	t.Helper()
	results, err := g.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return results
}

// TestStraightCode wants long functions without loops charged as they run.
func TestStraightCode(t *testing.T) {
	exported := section(7, []byte{1, 1, 'a', 0, 0})
	code := append(append([]byte{0}, slices.Repeat([]byte{0x41, 0, 0x1a}, 50_000)...), 0x0b)
	g := instantiate(t, rewrite(t, wasm(emptyType, oneFunction, exported, body(code...)), meter.Options{}).Code, wazero.NewRuntimeConfigCompiler())
	_, spent, err := g.call("a")
	if err != nil || spent != 100_000 {
		t.Errorf("got %d units and %v, want 100000", spent, err)
	}
	if g.h.yields < 8 {
		t.Errorf("it asked %d times, want once in 10,000 units", g.h.yields)
	}
}

// TestCarriedValues wants charges for values that calls, branches and joins carry.
func TestCarriedValues(t *testing.T) {
	wide := slices.Repeat([]byte{0x7b}, 16)
	types := slices.Concat([]byte{3, 0x60, 0, 0, 0x60, 0, 16}, wide, []byte{0x60, 16}, wide, []byte{0})
	value := append([]byte{0xfd, 0x0c}, make([]byte, 16)...)
	var sets []byte
	for i := range 416 {
		sets = append(append(sets, 0x41, 0, 0x21), uleb(uint64(i))...)
	}
	conditional := slices.Concat([]byte{1}, uleb(416), []byte{0x7f, 0x41, 0, 0x04, 0x40}, sets, []byte{0x0b, 0x0b})
	tests := []struct {
		name   string
		kinds  []byte // types of its functions; the first is called
		bodies [][]byte
		price  int64
	}{
		// 1 for the call, 28 for 32 words less 4 free ones, 16 drops, and the callee: 16 and 29 for
		// its own call
		{"results", []byte{0, 1, 1}, [][]byte{slices.Concat([]byte{0, 0x10, 1}, slices.Repeat([]byte{0x1a}, 16), []byte{0x0b}), {0, 0x10, 2, 0x0b}, slices.Concat([]byte{0}, slices.Repeat(value, 16), []byte{0x0b})}, 29 + 16 + 29 + 16},
		// 16 values, 1 and 28 for the branch back, 1 for its condition
		{"parameters of a loop", []byte{0}, [][]byte{slices.Concat([]byte{0}, slices.Repeat(value, 16), []byte{0x03, 2, 0x41, 0, 0x0d, 0}, slices.Repeat([]byte{0x1a}, 16), []byte{0x0b, 0x0b})}, 16 + 1 + 29 + 16},
		// 200 for the locals of the call, 2 for the condition, 32 speculative, 200 for the join
		{"locals that are set on one path", []byte{0}, [][]byte{conditional}, 200 + 2 + 32 + 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code := [][]byte{uleb(uint64(len(tt.bodies)))}
			for _, b := range tt.bodies {
				code = append(code, uleb(uint64(len(b))), b)
			}
			src := wasm(section(1, types), section(3, uleb(uint64(len(tt.kinds))), tt.kinds), section(7, []byte{1, 1, 'a', 0, 0}), section(10, code...))
			g := instantiate(t, rewrite(t, src, meter.Options{}).Code, wazero.NewRuntimeConfigCompiler())
			if _, spent, err := g.call("a"); err != nil || spent != tt.price {
				t.Errorf("got %d units and %v, want %d", spent, err, tt.price)
			}
		})
	}
}

// TestStart wants the start function to wait for the host's call.
func TestStart(t *testing.T) {
	src := wasm(emptyType, oneFunction, section(8, []byte{0}), body(0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b))
	m := rewrite(t, src, meter.Options{})
	if !m.Start {
		t.Error("Start is not told of")
	}
	g := instantiate(t, m.Code, wazero.NewRuntimeConfigCompiler())
	if g.h.yields > 0 {
		t.Error("it ran while it was instantiated")
	}
	g.h.total = 10_000
	if _, _, err := g.call(meter.Start); !errors.Is(err, errFuel) {
		t.Errorf("got %v, want %v", err, errFuel)
	}
}

// TestDepth wants nested calls counted, reset by Restore, and consecutive calls of the host not
// added up.
func TestDepth(t *testing.T) {
	types := section(1, []byte{2, 0x60, 1, 0x7f, 0, 0x60, 0, 0})
	down := []byte{1, 13, 0, 0x20, 0, 0x04, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x0b, 0x0b}
	down[1] = byte(len(down) - 2)
	src := wasm(types, section(3, []byte{1, 0}), section(7, []byte{1, 1, 'a', 0, 0}), section(10, down))
	g := instantiate(t, rewrite(t, src, meter.Options{Depth: 100}).Code, wazero.NewRuntimeConfigCompiler())
	for range 1000 {
		if _, _, err := g.call("a", 99); err != nil {
			t.Fatalf("100 calls deep: %v", err)
		}
	}
	if _, _, err := g.call("a", 100); !errors.Is(err, errDeep) {
		t.Fatalf("101 calls deep: got %v, want %v", err, errDeep)
	}
	g.mustCall(t, meter.Restore)
	if _, _, err := g.call("a", 99); err != nil {
		t.Errorf("after Restore: %v", err)
	}
}

// TestSaveRestore wants globals of every type and tables restored.
func TestSaveRestore(t *testing.T) {
	m := rewrite(t, readFixture(t, "state"), meter.Options{})
	if len(m.Unrestorable) > 0 {
		t.Errorf("unrestorable: %v", m.Unrestorable)
	}
	g := instantiate(t, m.Code, wazero.NewRuntimeConfigCompiler())
	g.mustCall(t, "keep", 77)
	g.mustCall(t, "change")
	g.mustCall(t, meter.Save)
	look := func() (all [][]uint64) {
		for _, name := range []string{"numbers", "references"} {
			all = append(all, g.mustCall(t, name))
		}
		through, _, err := g.call("through", 0)
		_, _, null := g.call("through", 1)
		if err != nil || null == nil {
			t.Fatalf("through the table: %v, %v", err, null)
		}
		return append(all, through)
	}
	want := look()
	for _, change := range []string{"change", "trap", "keep", "change"} {
		var args []uint64
		if change == "keep" {
			args = []uint64{78}
		}
		g.call(change, args...)
		g.mustCall(t, meter.Restore)
		got := look()
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("after %s: got %x, want %x", change, got[i], want[i])
			}
		}
	}
}

// TestUnrestorable wants the instructions listed that Restore cannot undo.
func TestUnrestorable(t *testing.T) {
	data := section(11, []byte{1, 1, 1, 'a'})
	elements := section(9, []byte{1, 1, 0, 1, 0})
	tests := []struct {
		name string
		code []byte
		want []string
	}{
		{"nothing", wasm(emptyType, oneFunction, body(0, 0x0b)), nil},
		{"memory.grow", functionModule(0x41, 0, 0x40, 0, 0x1a), nil},
		{"table.grow", functionModule(0xd0, 0x70, 0x41, 0, 0xfc, 15, 0, 0x1a), []string{"table.grow"}},
		{"data.drop", wasm(emptyType, oneFunction, memory1, section(12, []byte{1}), body(0, 0xfc, 9, 0, 0x0b), data), []string{"data.drop"}},
		{"elem.drop", wasm(emptyType, oneFunction, table1, elements, body(0, 0xfc, 13, 0, 0x0b)), []string{"elem.drop"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := rewrite(t, test.code, meter.Options{})
			if !slices.Equal(m.Unrestorable, test.want) {
				t.Errorf("got %v, want %v", m.Unrestorable, test.want)
			}
			instantiate(t, m.Code, wazero.NewRuntimeConfigCompiler())
		})
	}
}

// TestDescription checks the description for the host.
func TestDescription(t *testing.T) {
	types := section(1, []byte{2, 0x60, 2, 0x7f, 0x7e, 1, 0x7d, 0x60, 0, 2, 0x7b, 0x70})
	imports := section(2, []byte{2, 3}, []byte("env"), []byte{5}, []byte("abort"), []byte{0, 0, 1, 'a', 1, 'b', 0, 1})
	exported := section(7, []byte{4, 1, 'f', 0, 1, 1, 't', 1, 0, 1, 'm', 2, 0, 1, 'g', 3, 0})
	m := rewrite(t, wasm(types, imports, table1, section(5, []byte{1, 1, 2, 9}), global1, exported), meter.Options{Pages: 20})
	want := []meter.Extern{
		{Module: "env", Name: "abort", Kind: "func", Type: "(i32, i64) -> f32"}, {Module: "a", Name: "b", Kind: "func", Type: "() -> (v128, funcref)"},
		{Name: "f", Kind: "func", Type: "() -> (v128, funcref)"}, {Name: "t", Kind: "table", Type: "funcref"},
		{Name: "m", Kind: "memory", Type: "2..9 pages"}, {Name: "g", Kind: "global", Type: "mut i32"},
	}
	if got := slices.Concat(m.Imports, m.Exports); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if m.MemoryMin != 2 || m.MemoryMax != 10 {
		t.Errorf("memory %d..%d, want 2..10: what it declares and a page to shrink by", m.MemoryMin, m.MemoryMax)
	}
}

// TestFuel wants the same price for the same work, compiled and interpreted, in any slices.
func TestFuel(t *testing.T) {
	code := rewrite(t, readFixture(t, "loops"), meter.Options{}).Code
	want := map[string]int64{}
	for _, config := range []wazero.RuntimeConfig{wazero.NewRuntimeConfigCompiler(), wazero.NewRuntimeConfigInterpreter()} {
		for _, slice := range []int64{1, 999, 1 << 40} {
			g := instantiate(t, code, config)
			g.h.slice = slice
			for _, export := range exportNames(g.Module) {
				_, spent, err := g.call(export, 15)
				if err != nil {
					t.Fatal(err)
				}
				if _, known := want[export]; !known {
					want[export] = spent
				}
				if spent != want[export] {
					t.Errorf("%s in slices of %d: %d units, want %d", export, slice, spent, want[export])
				}
			}
		}
	}
	if want["spin"] != 15*9+1 {
		t.Errorf("15 rounds of 9 instructions and one are %d units", want["spin"])
	}
}

// TestPrice wants higher charges for instructions that cost more.
func TestPrice(t *testing.T) {
	exported := section(7, []byte{1, 1, 'a', 0, 0})
	tests := []struct {
		name string
		code []byte
		want int64
	}{
		{"many locals", slices.Concat([]byte{1}, uleb(1016), []byte{0x7f, 0x03, 0x40, 0x0b, 0x0b}), 500},
		{"a reference", []byte{0, 0xd2, 0, 0x1a, 0x0b}, 502},
		{"blocks", []byte{0, 0x02, 0x40, 0x03, 0x40, 0x01, 0x0b, 0x0b, 0x0b}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := instantiate(t, rewrite(t, wasm(emptyType, oneFunction, exported, body(test.code...)), meter.Options{}).Code, wazero.NewRuntimeConfigCompiler())
			if _, spent, err := g.call("a"); err != nil || spent != test.want {
				t.Errorf("%d units and %v, want %d", spent, err, test.want)
			}
		})
	}
}

// TestNames wants function names kept for stack traces.
func TestNames(t *testing.T) {
	names := section(0, []byte{4}, []byte("name"), []byte{1, 12, 1, 0, 9}, []byte("trapdoors"))
	exported := section(7, []byte{1, 1, 'a', 0, 0})
	g := instantiate(t, rewrite(t, wasm(emptyType, oneFunction, exported, body(0, 0, 0x0b), names), meter.Options{}).Code, wazero.NewRuntimeConfigCompiler())
	if _, _, err := g.call("a"); err == nil || !strings.Contains(err.Error(), "trapdoors") {
		t.Errorf("got %v, want the function's name", err)
	}
}

// TestGuests accepts the output of real toolchains.
func TestGuests(t *testing.T) {
	t.Run("Go", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it takes seconds to compile")
		}
		m := rewrite(t, buildGoGuest(t), meter.Options{Pages: 1024})
		if len(m.Imports) == 0 || m.Imports[0].Module != "wasi_snapshot_preview1" || len(m.Unrestorable) > 0 {
			t.Errorf("imports %v, unrestorable %v", m.Imports, m.Unrestorable)
		}
		answerAll(t, m.Code)
	})
	t.Run("C", func(t *testing.T) { answerAll(t, rewrite(t, buildCGuest(t, "-O2"), meter.Options{}).Code) })
}

// answerAll runs a guest of testdata twice and wants the same answer at the same price.
func answerAll(t *testing.T, code []byte) {
	t.Helper()
	ctx := context.Background()
	h := &host{slice: 10_000}
	r := newRuntime(t, wazero.NewRuntimeConfigCompiler(), h)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	mod, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{mod, h, mod.ExportedGlobal(meter.Fuel).(api.MutableGlobal)}
	at, text := uint32(g.mustCall(t, "buffer")[0]), orderJSON()
	mod.Memory().WriteString(at, text)
	g.mustCall(t, meter.Save)
	image, _ := mod.Memory().Read(0, mod.Memory().Size())
	image = slices.Clone(image)
	first, spent, err := g.call("run", uint64(len(text)))
	if err != nil || int32(first[0]) <= 0 {
		t.Fatalf("got %v, %v", first, err)
	}
	g.mustCall(t, meter.Restore)
	mod.Memory().Write(0, image)
	again, spentAgain, err := g.call("run", uint64(len(text)))
	if err != nil || !slices.Equal(first, again) || mod.Memory().Size() == uint32(len(image)) && spent != spentAgain {
		t.Errorf("first %d for %d units, then %d for %d units, %v", first, spent, again, spentAgain, err)
	}
}
