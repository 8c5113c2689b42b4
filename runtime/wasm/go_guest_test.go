package wasm_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// buildGuest builds testdata/guest with the installed toolchain.
func buildGuest(t testing.TB) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("building a Go module takes some seconds")
	}
	b, err := buildGuestOnce()
	if err != nil {
		t.Skipf("no Go module to run: %v", err)
	}
	return b
}

var buildGuestOnce = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, "main.go")
	cmd.Dir = filepath.Join("testdata", "guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(string(text) + err.Error())
	}
	return os.ReadFile(out)
})

// newChildRuntime is a Runtime that compiles in a child, as the server does.
func newChildRuntime(t testing.TB) *wasm.Runtime {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return newRuntime(t, wasm.Options{Child: exe, Key: []byte("key")})
}

func TestGuest(t *testing.T) {
	src := buildGuest(t)
	r := newChildRuntime(t)
	p := newProgramIn(t, r, src, wasm.ProgramOptions{With: []byte(`{"Most":3}`), Sample: []byte(body)})
	if err := p.SampleError(); err != nil {
		t.Fatal(err)
	}
	long := runtime.Budget{Fuel: 200_000_000}
	decide := func(t *testing.T, do string) (map[string]any, *runtime.Run, error) {
		got, r, err := newEvent(t, strings.Replace(body, `"data":{`, `"data":{"do":"`+do+`",`, 1)).run(p, long)
		var answer struct{ DebugContext map[string]any }
		if err == nil {
			if err := json.Unmarshal([]byte(got), &answer); err != nil {
				t.Errorf("%q: %v", got, err)
			}
		}
		return answer.DebugContext, r, err
	}
	works := func(t *testing.T) {
		t.Helper()
		got, _, err := decide(t, "")
		if err != nil || got["calls"] != 1.0 || got["email"] != "ab@c.example" || got["most"] != 3.0 {
			t.Errorf("got %v, %v", got, err)
		}
	}
	works(t)
	for do, want := range map[string]error{"panic": runtime.ErrTrap, "exit": runtime.ErrTrap, "loop": runtime.ErrFuel, "hoard": runtime.ErrMemory, "recurse": nil} {
		t.Run(do, func(t *testing.T) {
			for range 5 {
				_, r, err := decide(t, do)
				if want != nil && !errors.Is(err, want) || want == nil && err == nil {
					t.Errorf("got %v, want %v; it wrote %.200q", err, want, r.Logs)
				}
				works(t)
			}
		})
	}
	t.Run("World", func(t *testing.T) {
		first, r, err := decide(t, "world")
		if err != nil {
			t.Fatalf("%v: it wrote %q", err, r.Logs)
		}
		want := map[string]any{"now": "2026-03-04T05:06:07Z", "slept": "3s", "args": 0.0, "env": 0.0, "file": true, "net": true, "stdin": "0 EOF", "goroutine": 1.0}
		for name, value := range want {
			if first[name] != value {
				t.Errorf("%s: got %v, want %v", name, first[name], value)
			}
		}
		if !slices.Equal(r.Logs, []string{"to the log", "and this"}) {
			t.Errorf("it wrote %q", r.Logs)
		}
		again, _, _ := decide(t, "world")
		if first["random"] != again["random"] {
			t.Errorf("the same event, and other randomness: %v, %v", first, again)
		}
	})
	t.Logf("report %+v, sample %+v", p.SampleCost(), p.Stats())
}
