package wasm_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

func TestLoad(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	a, err := r.Load(context.Background(), echoModule())
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Load(context.Background(), echoModule())
	if err != nil || a != b {
		t.Fatalf("the same module twice: %v", err)
	}
	report := a.Report()
	if report.Convention != "evaluate" || report.Bytes != len(echoModule()) || report.Metered <= report.Bytes || report.Memory != 65536 || report.MaxMemory != runtime.Max.Memory || len(report.Exports) != 4 {
		t.Errorf("report %+v", report)
	}
	a.Close()
	if err := r.Close(); err == nil {
		t.Error("closed while a module is held")
	}
	b.Close()
	if s := r.Stats(); s != (wasm.Stats{}) {
		t.Errorf("after all: %+v", s)
	}
}

// All violations are reported at once.
func TestRejectedConventions(t *testing.T) {
	with := func(f func(b *builder)) []byte {
		b := &builder{}
		f(b)
		return b.build()
	}
	tests := []struct {
		name    string
		module  []byte
		errText []string
	}{
		{"Empty", nil, []string{"not WebAssembly"}},
		{"Text", []byte("(module)"), []string{"not WebAssembly"}},
		{"Component", []byte("\x00asm\x0d\x00\x01\x00"), []string{"component"}},
		{"Nothing", with(func(b *builder) {}), []string{"export memory: it is missing", "export tenterhook_abi_v1: it is missing", "export evaluate or decide: both are missing"}},
		{"Types", with(func(b *builder) {
			b.memory = []byte{1, 0, 1}
			b.addExport("memory", 2, 0)
			b.addFunction("tenterhook_abi_v1", "i", "", 0)
			b.addFunction("evaluate", "ii", "i", 0, i32(0))
			b.addFunction("_initialize", "", "i", 0, i32(0))
		}), []string{"export tenterhook_abi_v1: want func () -> (), got func (i32) -> ()", "export evaluate: want func (i32, i32) -> i64, got func (i32, i32) -> i32", "export alloc: it is missing", "export _initialize: want func () -> ()"}},
		{"Imports", with(func(b *builder) {
			b.addImport("env", "memcpy", "iii", "i")
			b.addImport("tenterhook", "fetch", "ii", "i")
			b.addImport("tenterhook", "get", "ii", "i")
			b.addImport("wasi_snapshot_preview1", "fd_write", "ii", "i")
			b.addImport("wasi_snapshot_preview1", "fd_fly", "ii", "i")
			b.addImport("mine", "f", "", "")
		}), []string{"env.memcpy", "no such host function", "tenterhook.get): want func (i32, i32, i32, i32) -> i32, got func (i32, i32) -> i32", "fd_write): want func", "preview 1 has no such function", "mine.f): want imports from tenterhook"}},
		{"Both", with(func(b *builder) {
			b.addFunction("evaluate", "ii", "I", 0, i64(0))
			b.addFunction("decide", "", "I", 0, i64(0))
		}), []string{"want one of them"}},
		{"Command", with(func(b *builder) { b.addFunction("_start", "", "", 0) }), []string{"WASI with _start", "reactor"}},
		{"Extism", with(func(b *builder) { b.addImport("extism:host/env", "input_length", "", "I") }), []string{"made for Extism"}},
		{"Proxy", with(func(b *builder) { b.addFunction("proxy_abi_version_0_2_0", "", "", 0) }), []string{"made for proxy-wasm"}},
		{"HTTP", with(func(b *builder) { b.addImport("http_handler", "log", "iii", "") }), []string{"made for http-wasm"}},
		{"WaPC", with(func(b *builder) { b.addFunction("__guest_call", "ii", "i", 0, i32(0)) }), []string{"made for waPC"}},
		{"OPA", with(func(b *builder) { b.addFunction("opa_eval", "ii", "i", 0, i32(0)) }), []string{"made for OPA"}},
		{"Invalid", decideModule(0, op(0x43, 0, 0, 0, 0)), []string{"compile"}},
	}
	r := newRuntime(t, wasm.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := r.Load(context.Background(), tt.module)
			if m != nil || !errors.Is(err, wasm.ErrModule) {
				t.Fatalf("got %v", err)
			}
			for _, errText := range tt.errText {
				if !strings.Contains(err.Error(), errText) {
					t.Errorf("got %v\nwant %q in it", err, errText)
				}
			}
		})
	}
	if s := r.Stats(); s.Modules != 0 {
		t.Errorf("%d modules are held", s.Modules)
	}
}

// A child compiles, this process runs the result, and cache entries are used only unchanged.
func TestChild(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(t.TempDir(), "cache")
	o := wasm.Options{Child: exe, Cache: cache, Key: []byte("the server's key")}
	works := func(t *testing.T, o wasm.Options) {
		t.Helper()
		p := newProgramIn(t, newRuntime(t, o), echoModule(), wasm.ProgramOptions{})
		if got, _, err := newEvent(t, body).run(p, runtime.Budget{}); got != body || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
	entries := func() (files []string) {
		filepath.Walk(cache, func(path string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() && info.Name() != "seal" {
				files = append(files, path)
			}
			return nil
		})
		return files
	}
	t.Run("Fills", func(t *testing.T) {
		works(t, o)
		if info, err := os.Stat(cache); err != nil || info.Mode().Perm() != 0o700 || len(entries()) != 1 {
			t.Errorf("the cache: %v, %v", entries(), err)
		}
	})
	t.Run("Finds", func(t *testing.T) { works(t, o) })
	t.Run("Poisoned", func(t *testing.T) {
		text, err := os.ReadFile(entries()[0])
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(entries()[0], text, 0o600); err != nil {
			t.Fatal(err)
		}
		works(t, o)
	})
	t.Run("OtherKey", func(t *testing.T) { works(t, wasm.Options{Child: exe, Cache: cache}) })
	t.Run("Truncated", func(t *testing.T) {
		if err := os.Truncate(entries()[0], 100); err != nil {
			t.Fatal(err)
		}
		works(t, o)
	})
	t.Run("NothingHalfMade", func(t *testing.T) {
		made, err := os.ReadDir(cache)
		if err != nil || len(made) != 1 || len(entries()) != 1 {
			t.Errorf("the cache: %v, %v, %v", made, entries(), err)
		}
	})
	t.Run("RelativeCache", func(t *testing.T) {
		t.Chdir(filepath.Dir(cache))
		works(t, wasm.Options{Child: exe, Cache: filepath.Base(cache), Key: o.Key})
	})
	t.Run("NoCache", func(t *testing.T) { works(t, wasm.Options{Child: exe}) })
	t.Run("Invalid", func(t *testing.T) {
		_, err := newRuntime(t, o).Load(context.Background(), decideModule(0, op(0x43, 0, 0, 0, 0)))
		if !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), "invalid function") || strings.Contains(err.Error(), "child") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("LeftAlone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := newRuntime(t, o).Load(ctx, echoModule()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("OpenToAll", func(t *testing.T) {
		open := t.TempDir()
		if err := os.Chmod(open, 0o777); err != nil {
			t.Fatal(err)
		}
		if _, err := wasm.New(wasm.Options{Child: exe, Cache: open}); err == nil || !strings.Contains(err.Error(), "want 0700") {
			t.Errorf("got %v", err)
		}
	})
}

// TestNames wants names of modules printed in one line without terminal controls.
func TestNames(t *testing.T) {
	const name, shown = "x\x1b[2J\nstate \u202e", `"x\x1b[2J\nstate \u202e"`
	b := newBuilder(1).addABIExports()
	b.addFunction(name, "", "", 0)
	b.addFunction("decide", "", "I", 0, i64(0))
	m, err := newRuntime(t, wasm.Options{}).Load(context.Background(), b.build())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if all := m.Report().Exports; !slices.Contains(all, shown+" () -> ()") {
		t.Errorf("exports %q", all)
	}
	b = &builder{}
	b.addImport(name, name, "", "")
	m2 := newBuilder(1)
	b.memory = m2.memory
	b.addExport("memory", 2, 0)
	b.addABIExports()
	b.addFunction("decide", "", "I", 0, i64(0))
	_, err = newRuntime(t, wasm.Options{}).Load(context.Background(), b.build())
	if err == nil || !strings.Contains(err.Error(), "import 0 ("+shown+"."+shown+"): want imports from") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
