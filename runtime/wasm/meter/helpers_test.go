package meter_test

import (
	"bytes"
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

// host implements Yield: it returns equal slices until the total is used up.
type host struct {
	slice  int64
	total  int64 // fuel limit; 0: none
	spent  int64
	yields int // calls of Yield
}

var errFuel = errors.New("fuel is used up")

func (h *host) yield(_ context.Context, stack []uint64) {
	left := int64(stack[0])
	if left == meter.TooDeep {
		panic(errDeep)
	}
	if left == meter.StackGrown {
		return
	}
	h.yields++
	h.spent += h.slice - left
	if h.total > 0 && h.spent > h.total {
		panic(errFuel)
	}
	stack[0] = uint64(h.slice)
}

// newRuntime is a runtime with the imports of metered modules.
func newRuntime(t testing.TB, c wazero.RuntimeConfig, h *host) wazero.Runtime {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, c.WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() { r.Close(ctx) })
	_, err := r.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(h.yield), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.Yield).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// guest is an instantiated metered module.
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

// call calls an export and returns the fuel it spent.
func (g *guest) call(name string, args ...uint64) (results []uint64, spent int64, err error) {
	g.fuel.Set(uint64(g.h.slice))
	g.h.spent = 0
	results, err = g.ExportedFunction(name).Call(context.Background(), args...)
	return results, g.h.spent + g.h.slice - int64(g.fuel.Get()), err
}

// firstLine returns the first line of an error.
func firstLine(err error) string {
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// readFixture reads testdata/name.wasm. If wabt is installed it must equal the output for
// testdata/name.wat.
func readFixture(t testing.TB, name string) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	b, err := os.ReadFile(path + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		return b
	}
	out := filepath.Join(t.TempDir(), "out.wasm")
	if text, err := exec.Command(tool, "-o", out, path+".wat").CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm: %v\n%s", err, text)
	}
	if made, err := os.ReadFile(out); err != nil || !bytes.Equal(made, b) {
		t.Errorf("%s.wasm is not what %s.wat makes", path, path)
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
