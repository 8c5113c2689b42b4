package meter_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// buildGoGuest builds testdata/guest with the standard toolchain.
func buildGoGuest(t testing.TB) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./testdata/guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the guest: %v\n%s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// buildCGuest builds testdata/guest.c; without clang the test is skipped.
func buildCGuest(t testing.TB, optimise string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	for _, name := range []string{"clang", "clang-14"} {
		cmd := exec.Command(name, "--target=wasm32", "-nostdlib", optimise, "-mbulk-memory", "-Wl,--no-entry", "-o", out, "testdata/guest.c")
		if cmd.Run() == nil {
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Skip("clang cannot build for wasm32 here")
	return nil
}

// orderJSON is a JSON text of about 2 KB.
func orderJSON() string {
	var b strings.Builder
	b.WriteString(`{"id": "order-1", "lines": [`)
	for i := range 30 {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"sku": "article-%d", "qty": %d, "price": %d.25, "note": "a \"b\""}`, i*7919, i, 10*i)
	}
	b.WriteString(`], "tags": ["north", "east", "south", "west"]}`)
	return b.String()
}

// BenchmarkCost measures metering: the same work plain, metered, and with wazero's own way to end a
// guest.
func BenchmarkCost(b *testing.B) {
	text := orderJSON()
	all := []struct {
		name, export string
		arg          uint64
		code         func(testing.TB) []byte
	}{
		{"go", "run", uint64(len(text)), buildGoGuest},
		{"c-O2", "run", uint64(len(text)), func(t testing.TB) []byte { return buildCGuest(t, "-O2") }},
		{"c-Os", "run", uint64(len(text)), func(t testing.TB) []byte { return buildCGuest(t, "-Os") }},
	}
	for _, name := range []string{"spin", "bytes", "table", "leaf", "fib"} {
		w := all[0]
		w.name, w.export, w.arg = name, name, 50_000
		if name == "fib" {
			w.arg = 22
		}
		w.code = func(t testing.TB) []byte { return readFixture(t, "loops") }
		all = append(all, w)
	}
	for _, w := range all {
		b.Run(w.name, func(b *testing.B) {
			code := w.code(b)
			for _, mode := range []string{"plain", "metered", "done"} {
				b.Run(mode, func(b *testing.B) { benchmarkCost(b, mode, code, w.export, w.arg, text) })
			}
		})
	}
}

func benchmarkCost(b *testing.B, mode string, code []byte, export string, arg uint64, text string) {
	config := wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(mode == "done")
	ctx := context.Background()
	if mode == "metered" {
		code = rewrite(b, code, meter.Options{Pages: 1024}).Code
	}
	h := &host{slice: 100_000}
	r := newRuntime(b, config, h)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	mod, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		b.Fatal(err)
	}
	once := guestCall(ctx, b, mod, export, arg, text)
	if mode == "done" {
		var stop context.CancelFunc
		ctx, stop = context.WithCancel(ctx)
		defer stop()
	}
	b.ReportAllocs()
	for b.Loop() {
		once(ctx)
	}
	if mode == "metered" {
		fuel := mod.ExportedGlobal(meter.Fuel).(api.MutableGlobal)
		fuel.Set(uint64(h.slice))
		h.spent = 0
		once(ctx)
		b.ReportMetric(float64(h.spent+h.slice-int64(fuel.Get())), "units/op")
	}
}

// guestCall returns a function that calls the export, with the text in the guest's buffer if it has
// one.
func guestCall(ctx context.Context, b *testing.B, mod api.Module, export string, arg uint64, text string) func(context.Context) {
	at := uint64(0)
	if f := mod.ExportedFunction("buffer"); f != nil {
		results, err := f.Call(ctx)
		if err != nil {
			b.Fatal(err)
		}
		at = results[0]
	}
	f := mod.ExportedFunction(export)
	var stack [1]uint64
	return func(ctx context.Context) {
		if at != 0 {
			mod.Memory().WriteString(uint32(at), text)
		}
		stack[0] = arg
		if err := f.CallWithStack(ctx, stack[:]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRewrite measures the rewriting of a module.
func BenchmarkRewrite(b *testing.B) {
	code := buildGoGuest(b)
	b.SetBytes(int64(len(code)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := meter.Rewrite(code, meter.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
