package wasm_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestMain(m *testing.M) {
	wasm.RunCompileChild()
	os.Exit(m.Run())
}

// newRuntime is a Runtime that compiles in this process.
func newRuntime(t testing.TB, o wasm.Options) *wasm.Runtime {
	t.Helper()
	r, err := wasm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// newProgram is a Program of the module in its own Runtime.
func newProgram(t testing.TB, src []byte, o wasm.ProgramOptions) *wasm.Program {
	t.Helper()
	return newProgramIn(t, newRuntime(t, wasm.Options{}), src, o)
}

func newProgramIn(t testing.TB, r *wasm.Runtime, src []byte, o wasm.ProgramOptions) *wasm.Program {
	t.Helper()
	p, err := openProgram(t, r, src, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func openProgram(t testing.TB, r *wasm.Runtime, src []byte, o wasm.ProgramOptions) (*wasm.Program, error) {
	t.Helper()
	m, err := r.Load(context.Background(), src)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if o.Type == 0 {
		o.Type = hook.Registration
	}
	return m.Program(context.Background(), o)
}

// testEvent is a call with a given body.
type testEvent struct {
	doc  jsondoc.Doc
	call hook.Call
}

func newEvent(t testing.TB, body string) *testEvent {
	t.Helper()
	e := new(testEvent)
	if err := e.doc.Parse([]byte(body), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	e.call = hook.Call{Hook: "sign-up", ID: "1", Type: hook.Registration, Doc: &e.doc}
	return e
}

// begin prepares r for the event. A budget without a time limits fuel only: on a busy machine, or
// under the race detector, the maximum of two seconds is not always enough.
func (e *testEvent) begin(r *runtime.Run, m *runtime.Meter, b runtime.Budget) {
	m.Start(b, time.Now(), time.Time{})
	if b.Time == 0 {
		m.ExcludeTime(time.Minute)
	}
	r.Begin(hook.Event{Call: &e.call, Node: e.doc.Root()}, now, m)
}

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// run is one run of the program on the event.
func (e *testEvent) run(p *wasm.Program, b runtime.Budget) (string, *runtime.Run, error) {
	r, d := new(runtime.Run), new(hook.Draft)
	e.begin(r, new(runtime.Meter), b)
	err := p.Run(r, d)
	return string(d.JSON), r, err
}
