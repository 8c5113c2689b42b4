package meter_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

var errDeep = errors.New("calls nest too deep")

// host is what answers Yield: slices of a size, until they are used up.
type host struct {
	slice int64
	total int64 // what may be spent; 0: anything
	spent int64
	asked int // how often it was
}

var errFuel = errors.New("fuel is used up")

func (h *host) yield(_ context.Context, stack []uint64) {
	left := int64(stack[0])
	if left == meter.Deep {
		panic(errDeep)
	}
	h.asked++
	h.spent += h.slice - left
	if h.total > 0 && h.spent > h.total {
		panic(errFuel)
	}
	stack[0] = uint64(h.slice)
}

// newRuntime is a runtime that has the import of metered modules.
func newRuntime(t testing.TB, c wazero.RuntimeConfig, h *host) wazero.Runtime {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, c.WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() { r.Close(ctx) })
	_, err := r.NewHostModuleBuilder(meter.Import).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(h.yield), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.Yield).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// guest is one metered module that was instantiated and started.
type guest struct {
	api.Module
	h    *host
	fuel api.MutableGlobal
}

func instantiate(t testing.TB, code []byte, c wazero.RuntimeConfig) *guest {
	t.Helper()
	h := &host{slice: 1000}
	r := newRuntime(t, c, h)
	mod, err := r.InstantiateWithConfig(context.Background(), code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	return &guest{Module: mod, h: h, fuel: mod.ExportedGlobal(meter.Fuel).(api.MutableGlobal)}
}

// call calls an export and says what it spent.
func (g *guest) call(name string, args ...uint64) (results []uint64, spent int64, err error) {
	g.fuel.Set(uint64(g.h.slice))
	g.h.spent = 0
	results, err = g.ExportedFunction(name).Call(context.Background(), args...)
	return results, g.h.spent + g.h.slice - int64(g.fuel.Get()), err
}

// reason is the first line of what went wrong.
func reason(err error) string {
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// wat compiles a text; without wabt the test is skipped.
func wat(t testing.TB, text string) []byte {
	t.Helper()
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is not installed")
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "a.wat"), filepath.Join(dir, "a.wasm")
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(tool, "--no-check", "-o", out, in).CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm: %v\n%s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rewrite(t testing.TB, src []byte, o meter.Options) *meter.Module {
	t.Helper()
	m, err := meter.Rewrite(src, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRunaway(t *testing.T) {
	src := wat(t, `(module (func (export "spin") (loop br 0)) (func $r (export "deep") (call $r)))`)
	g := instantiate(t, rewrite(t, src, meter.Options{}).Code, wazero.NewRuntimeConfigCompiler())
	g.h.total = 100_000
	_, _, err := g.call("spin")
	if !errors.Is(err, errFuel) {
		t.Errorf("spin: got %v, want %v", err, errFuel)
	}
	_, _, err = g.call("deep")
	if !errors.Is(err, errDeep) {
		t.Errorf("deep: got %v, want %v", err, errDeep)
	}
}
