package meter_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// findSuite returns the folder of the WebAssembly specification's tests in wazero's module.
func findSuite(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	if err != nil {
		t.Skipf("wazero's source is not at hand: %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("wazero's source has no tests: %v", err)
	}
	return dir
}

// script is a file of the suite: modules and commands.
type script struct {
	Commands []struct {
		Type       string
		Line       int
		Name       string
		Filename   string
		As         string
		ModuleType string `json:"module_type"`
		Action     action
	}
}

type action struct {
	Type, Field, Module string
	Args                []struct {
		Type     string
		LaneType string `json:"lane_type"`
		Value    any
	}
}

func readScript(t *testing.T, path string) (s script) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// testStore is the place where a script runs, plain or metered.
type testStore struct {
	r       wazero.Runtime
	h       *host
	metered bool
	named   map[string]api.Module
	last    api.Module
}

func newWorld(t *testing.T, spectest []byte, metered bool) *testStore {
	w := &testStore{h: &host{slice: 500}, metered: metered, named: map[string]api.Module{}}
	w.r = newRuntime(t, wazero.NewRuntimeConfigCompiler(), w.h)
	if _, err := w.r.Instantiate(context.Background(), spectest); err != nil {
		t.Fatal(err)
	}
	return w
}

var suiteOptions = meter.Linked(meter.Options{
	Pages: 65535, Limits: meter.Limits{Table: 1 << 31, Nesting: 5000, Name: 1 << 20, LocalLoops: 1 << 30, LocalBlocks: 1 << 30, Locals: 50_000, Params: 256, Results: 256, BrTable: 100_000, BrTables: 1 << 30, Tables: 100},
})

// instantiate instantiates a module.
func (w *testStore) instantiate(code []byte, as string) error {
	var m *meter.Module
	var err error
	if w.metered {
		if m, err = meter.Rewrite(code, suiteOptions); err != nil {
			return err
		}
		code = m.Code
	}
	mod, err := w.r.InstantiateWithConfig(context.Background(), code, wazero.NewModuleConfig().WithName(as).WithStartFunctions())
	if err != nil {
		return err
	}
	w.last = mod
	if m != nil && m.Start {
		if _, err = mod.ExportedFunction(meter.Start).Call(context.Background()); err != nil {
			mod.Close(context.Background())
		}
	}
	return err
}

// runAction runs an action and returns the results' bits.
func (w *testStore) runAction(a action) ([]uint64, error) {
	m := w.last
	if a.Module != "" {
		m = w.named[a.Module]
	}
	if m == nil {
		return nil, errors.New("no module")
	}
	if a.Type == "get" {
		g := m.ExportedGlobal(a.Field)
		return []uint64{g.Get()}, nil
	}
	var args []uint64
	for _, arg := range a.Args {
		args = append(args, argumentBits(arg.Type, arg.LaneType, arg.Value)...)
	}
	results, err := m.ExportedFunction(a.Field).Call(context.Background(), args...)
	if depth := m.ExportedGlobal(meter.LinkedDepth); err != nil && depth != nil {
		depth.(api.MutableGlobal).Set(0)
	}
	return results, err
}

// argumentBits encodes an argument.
func argumentBits(kind, lane string, v any) []uint64 {
	if kind != "v128" {
		text, _ := v.(string)
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			signed, _ := strconv.ParseInt(text, 10, 64)
			n = uint64(signed)
		}
		if kind == "externref" && text != "null" {
			n++ // for wazero 0 is null
		}
		return []uint64{n}
	}
	lanes := v.([]any)
	width := 128 / len(lanes)
	var out [2]uint64
	for i, one := range lanes {
		n, _ := strconv.ParseUint(one.(string), 10, 64)
		at := i * width
		out[at/64] |= n << (at % 64)
	}
	return out[:]
}

// TestSuite runs the specification's tests plain and metered, and wants the same modules accepted
// and the same results or traps.
func TestSuite(t *testing.T) {
	dir := findSuite(t)
	spectest, err := os.ReadFile(filepath.Join(dir, "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	scripts, _ := filepath.Glob(filepath.Join(dir, "v2", "testdata", "*.json"))
	first, _ := filepath.Glob(filepath.Join(dir, "v1", "testdata", "*.json"))
	for i, path := range append(scripts, first...) {
		name := filepath.Base(filepath.Dir(filepath.Dir(path))) + "/" + strings.TrimSuffix(filepath.Base(path), ".json")
		if testing.Short() && (i%5 != 0 || strings.Contains(name, "simd")) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runScript(t, path, spectest)
		})
	}
}

func runScript(t *testing.T, path string, spectest []byte) {
	s := readScript(t, path)
	plain, metered := newWorld(t, spectest, false), newWorld(t, spectest, true)
	for i, c := range s.Commands {
		switch c.Type {
		case "module", "assert_uninstantiable", "assert_unlinkable", "assert_invalid", "assert_malformed":
			if c.ModuleType == "text" {
				continue
			}
			as := ""
			if i+1 < len(s.Commands) && s.Commands[i+1].Type == "register" {
				as = s.Commands[i+1].As
			}
			code, err := os.ReadFile(filepath.Join(filepath.Dir(path), c.Filename))
			if err != nil {
				t.Fatal(err)
			}
			want, got := plain.instantiate(code, as), metered.instantiate(code, as)
			if (want == nil) != (got == nil) {
				t.Fatalf("line %d: %s %s: plain %v, metered %v", c.Line, c.Type, c.Filename, want, got)
			}
			if c.Name != "" {
				plain.named[c.Name], metered.named[c.Name] = plain.last, metered.last
			}
		case "assert_exhaustion":
			if _, err := metered.runAction(c.Action); !errors.Is(err, errDeep) {
				t.Errorf("line %d: %s: got %v, want %v", c.Line, c.Action.Field, err, errDeep)
			}
		case "action", "assert_return", "assert_trap":
			want, wantErr := plain.runAction(c.Action)
			got, err := metered.runAction(c.Action)
			if firstLine(wantErr) != firstLine(err) || !slices.Equal(want, got) {
				t.Errorf("line %d: %s: plain %x %q, metered %x %q", c.Line, c.Action.Field, want, firstLine(wantErr), got, firstLine(err))
			}
		}
	}
}

// TestFeatures loads the tests of unsupported proposals, which must be rejected by name. Their
// other modules must be accepted.
func TestFeatures(t *testing.T) {
	dir := findSuite(t)
	named := map[string]string{
		"exception-handling": "it uses exceptions", "extended-const": "it uses extended constant expressions", "tail-call": "it uses tail calls",
		"threads": "it uses threads", "typed-function-references": "it uses typed function references",
	}
	for folder, want := range named {
		t.Run(folder, func(t *testing.T) {
			r := newRuntime(t, wazero.NewRuntimeConfigInterpreter(), &host{})
			scripts, _ := filepath.Glob(filepath.Join(dir, folder, "testdata", "*.json"))
			count := 0
			for _, path := range scripts {
				for _, c := range readScript(t, path).Commands {
					if c.Type == "module" && isRejectedByName(t, r, filepath.Join(filepath.Dir(path), c.Filename), want) {
						count++
					}
				}
			}
			if count == 0 {
				t.Error("none was refused")
			}
		})
	}
}

// isRejectedByName reports whether a module was rejected with want among the reasons. All modules
// that the compiler rejects must be rejected; some that it accepts are rejected too.
func isRejectedByName(t *testing.T, r wazero.Runtime, path, want string) bool {
	t.Helper()
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, plain := r.CompileModule(context.Background(), code)
	m, err := meter.Rewrite(code, suiteOptions)
	if err != nil {
		if !strings.Contains(err.Error(), "it uses ") {
			t.Errorf("%s: got %v, want %q; the compiler says %v", filepath.Base(path), err, want, plain)
		}
		return strings.Contains(err.Error(), want)
	}
	if _, err = r.CompileModule(context.Background(), m.Code); (plain == nil) != (err == nil) {
		t.Errorf("%s: plain %v, metered %v", filepath.Base(path), plain, err)
	}
	return false
}
