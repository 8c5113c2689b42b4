package meter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// FuzzRewrite rewrites arbitrary bytes: they are rejected, or the result is valid exactly if they
// were.
func FuzzRewrite(f *testing.F) {
	for _, b := range seedModules(f) {
		f.Add(b)
	}
	config := wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(300)
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := meter.Rewrite(src, meter.Options{Limits: meter.Limits{Bytes: 1 << 16, Table: 1000}})
		if err != nil {
			if _, ok := err.(meter.Rejections); !ok || err.Error() == "" {
				t.Fatalf("got %#v, want Refusals", err)
			}
			return
		}
		ctx := context.Background()
		r := wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2))
		defer r.Close(ctx)
		_, before := r.CompileModule(ctx, src)
		_, after := r.CompileModule(ctx, m.Code)
		if before == nil && after != nil {
			t.Fatalf("a valid module became invalid: %v", after)
		}
		if before != nil && after == nil && !strings.Contains(before.Error(), "custom") { // dropped
			t.Fatalf("an invalid module became valid: %v", before)
		}
	})
}

// seedModules are small modules of every kind.
func seedModules(t testing.TB) [][]byte {
	t.Helper()
	all := [][]byte{[]byte("\x00asm\x01\x00\x00\x00"), []byte("\x00asm\x0d\x00\x01\x00")}
	for _, h := range hostileModules() {
		all = append(all, h.code)
	}
	dir, err := os.ReadDir(filepath.Join("testdata", "seeds"))
	if err != nil {
		return all
	}
	for _, e := range dir {
		b, err := os.ReadFile(filepath.Join("testdata", "seeds", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// FuzzSame makes valid modules from the bytes by binaryen, and runs them plain and metered,
// compiled and interpreted.
func FuzzSame(f *testing.F) {
	tool, err := exec.LookPath("wasm-opt")
	if err != nil {
		f.Skip("wasm-opt (binaryen) is not installed")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 20 {
		b := make([]byte, 200+n*200)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
		if err := os.WriteFile(in, seed, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool, in, "-ttf", "-o", out, "--enable-bulk-memory", "--enable-simd", "--enable-sign-ext",
			"--enable-nontrapping-float-to-int", "--enable-multivalue", "--enable-mutable-globals")
		if len(seed)%4 == 0 { // binaryen then often uses unsupported types
			cmd.Args = append(cmd.Args, "--enable-reference-types")
		}
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("wasm-opt: %v\n%s", err, b)
		}
		code, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		compareRuns(t, code)
	})
}

// compareRuns runs a module in every way. It wants equal host calls, results, traps and memory,
// equal fuel compiled and interpreted, and at least a unit for each instruction that was reached.
func compareRuns(t *testing.T, code []byte) {
	o := meter.Options{Depth: 1 << 30, Pages: 256}
	metered, err := meter.Rewrite(code, o)
	if err != nil {
		t.Skipf("refused: %v", err)
	}
	exact := rewrite(t, code, meter.Exact(o))
	compiler, interpreter := wazero.NewRuntimeConfigCompiler(), wazero.NewRuntimeConfigInterpreter()
	got := recordStory(t, metered.Code, compiler)
	if got.endless {
		t.Skip("it runs for long")
	}
	want := recordStory(t, code, compiler)
	if want.text == got.text {
		// equal
	} else if a, b := recordStory(t, code, interpreter), recordStory(t, metered.Code, interpreter); a.text != b.text {
		t.Fatalf("plain, metered:\n%s", diff(want.text, got.text))
	} else {
		t.Skipf("only the compiler tells them apart: payloads of NaN: %s", diff(want.text, got.text))
	}
	slow := recordStory(t, metered.Code, interpreter)
	if slow.text == got.text && !slices.Equal(slow.fuel, got.fuel) {
		t.Fatalf("fuel compiled %d, interpreted %d", got.fuel, slow.fuel)
	}
	least := recordStory(t, exact.Code, compiler)
	if least.text != got.text {
		t.Fatalf("metered, exactly metered:\n%s", diff(got.text, least.text))
	}
	for i := range least.fuel {
		if least.fuel[i] > got.fuel[i]+16 {
			t.Fatalf("call %d: %d units are charged for %d instructions", i, got.fuel[i], least.fuel[i])
		}
	}
}

func diff(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("line %d: %.300q, %.300q", i, left[i], right[i])
		}
	}
	return fmt.Sprintf("%d lines, %d lines", len(left), len(right))
}

// story records the visible results of calling a module's exports in order.
type story struct {
	text    string
	fuel    []int64 // of each successful call
	endless bool
}

func recordStory(t *testing.T, code []byte, c wazero.RuntimeConfig) (s story) {
	ctx := context.Background()
	h := &host{slice: 300, total: 1_000_000}
	r := newRuntime(t, c.WithMemoryLimitPages(300), h)
	defer r.Close(ctx)
	var b strings.Builder
	addFuzzingSupport(t, r, &b)
	mod, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return story{text: "instantiate: " + firstLine(err)}
	}
	fuel, _ := mod.ExportedGlobal(meter.Fuel).(api.MutableGlobal)
	names := exportNames(mod)
	for _, name := range append(names, names...) {
		h.spent = 0
		if fuel != nil {
			fuel.Set(uint64(h.slice))
		}
		f := mod.ExportedFunction(name)
		results, err := f.Call(ctx, make([]uint64, countSlots(f.Definition().ParamTypes()))...)
		if errors.Is(err, errFuel) {
			s.endless = true
			return s
		}
		normalizeValues(f.Definition().ResultTypes(), results)
		fmt.Fprintf(&b, "%s: %x %s\n", name, results, firstLine(err))
		if strings.Contains(firstLine(err), "stack overflow") {
			break
		}
		if fuel != nil && err == nil {
			s.fuel = append(s.fuel, h.spent+h.slice-int64(fuel.Get()))
		}
	}
	if memory := mod.Memory(); memory != nil {
		all, _ := memory.Read(0, memory.Size())
		fmt.Fprintf(&b, "memory: %d %x\n", len(all), bytes.TrimRight(all, "\x00"))
	}
	s.text = b.String()
	return s
}

// normalizeValues clears undefined bits: the high half of 32-bit values, and addresses in
// references.
func normalizeValues(kinds []api.ValueType, stack []uint64) {
	at := 0
	for _, k := range kinds {
		switch {
		case at >= len(stack):
		case k == 0x70 || k == api.ValueTypeExternref:
			stack[at] = min(stack[at], 1)
		case k == api.ValueTypeI32 || k == api.ValueTypeF32:
			stack[at] = uint64(uint32(stack[at]))
		}
		at += countSlots([]api.ValueType{k})
	}
}

// exportNames returns the upload's exports in order.
func exportNames(mod api.Module) (names []string) {
	for name := range mod.ExportedFunctionDefinitions() {
		if !strings.HasPrefix(name, meter.Reserved) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func countSlots(kinds []api.ValueType) (n int) {
	for _, k := range kinds {
		if n++; k == 0x7b { // a vector takes two
			n++
		}
	}
	return n
}

// addFuzzingSupport adds the imports of binaryen's modules, which log their arguments.
func addFuzzingSupport(t *testing.T, r wazero.Runtime, b *strings.Builder) {
	t.Helper()
	m := r.NewHostModuleBuilder("fuzzing-support")
	for name, kinds := range map[string][]api.ValueType{
		"log-i32": {api.ValueTypeI32}, "log-i64": {api.ValueTypeI64}, "log-f32": {api.ValueTypeF32}, "log-f64": {api.ValueTypeF64}, "log-v128": {0x7b},
	} {
		m = m.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			if normalizeValues(kinds, stack); b.Len() < 1<<20 {
				fmt.Fprintf(b, "%s %x\n", name, stack[:countSlots(kinds)])
			}
		}), kinds, nil).Export(name)
	}
	if _, err := m.Instantiate(context.Background()); err != nil {
		t.Fatal(err)
	}
}
