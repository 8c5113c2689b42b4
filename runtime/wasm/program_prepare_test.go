package wasm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// startupModule is a module with the given startup code; nil leaves the export out.
func startupModule(start, initialize, configure, decide []byte) []byte {
	b := &builder{}
	log := b.addImport("tenterhook", "log", "ii", "")
	m := newBuilder(1)
	b.memory = m.memory
	b.addExport("memory", 2, 0)
	b.addABIExports()
	b.addData(0, "the reason")
	say := b.addFunction("", "", "", 0, i32(0), i32(10), call(log))
	if start != nil {
		b.startAt = uleb(b.addFunction("", "", "", 0, start))
	}
	if initialize != nil {
		b.addFunction("_initialize", "", "", 0, initialize)
	}
	if configure != nil {
		b.addFunction("configure", "ii", "i", 0, call(say), configure)
	}
	b.addFunction("decide", "", "I", 0, decide)
	return b.build()
}

// countAndAnswer counts calls and answers with as many bytes of memory.
var countAndAnswer = join(store32(scratch, join(load32(scratch), i32(1), add)), draft(i32(0), load32(scratch)))

// openWithin makes a Program, or returns the error. If it should run out of time, the time is
// short, and doubled as long as a busy machine does not reach the expected step.
func openWithin(m *wasm.Module, o wasm.ProgramOptions, want error, step string) (p *wasm.Program, err error) {
	if want != runtime.ErrTime {
		return m.Program(context.Background(), o)
	}
	for long := 50 * time.Millisecond; long < 10*time.Second; long *= 2 {
		ctx, cancel := context.WithTimeout(context.Background(), long)
		p, err = m.Program(ctx, o)
		cancel()
		if !errors.Is(err, want) || strings.Contains(err.Error(), step) {
			break
		}
	}
	return p, err
}

func TestPrepare(t *testing.T) {
	spin := join(loop, br(0), end)
	tests := []struct {
		name    string
		module  []byte
		o       wasm.ProgramOptions
		err     error
		errText string
	}{
		{"Start", startupModule(spin, nil, nil, countAndAnswer), wasm.ProgramOptions{}, runtime.ErrTime, "start: out of time"},
		{"StartTraps", startupModule(unreachable, nil, nil, countAndAnswer), wasm.ProgramOptions{}, runtime.ErrTrap, "start: trapped: unreachable"},
		{"Initialize", startupModule(nil, spin, nil, countAndAnswer), wasm.ProgramOptions{}, runtime.ErrTime, "_initialize: "},
		{"Configure", startupModule(nil, nil, join(spin, i32(0)), countAndAnswer), wasm.ProgramOptions{With: []byte("1")}, runtime.ErrTime, "configure: "},
		{"Refuses", startupModule(nil, nil, i32(7), countAndAnswer), wasm.ProgramOptions{With: []byte("1")}, runtime.ErrTrap, "configure: trapped: it rejected the rule's `with` (it returned 7); it wrote: the reason"},
		{"RefusesNoWith", startupModule(nil, nil, i32(7), countAndAnswer), wasm.ProgramOptions{}, runtime.ErrTrap, "configure: trapped: it rejected a rule without `with` (it returned 7); it wrote: the reason"},
		{"NoConfigure", startupModule(nil, nil, nil, countAndAnswer), wasm.ProgramOptions{With: []byte("1")}, runtime.ErrTrap, "exports no configure"},
		{"Sample", decideModule(0, endlessLoop), wasm.ProgramOptions{Sample: []byte(body)}, runtime.ErrTime, "sample call: "},
		{"UnreadableSample", decideModule(0, endlessLoop), wasm.ProgramOptions{Sample: []byte("{")}, nil, "sample call: "},
		{"Memory", startupModule(nil, nil, nil, countAndAnswer), wasm.ProgramOptions{Budget: runtime.Budget{Memory: 65535}}, runtime.ErrMemory, "instantiate: out of memory: it begins with 65536 bytes, and the budget has 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRuntime(t, wasm.Options{})
			m, err := r.Load(context.Background(), tt.module)
			if err != nil {
				t.Fatal(err)
			}
			tt.o.Type = hook.Registration
			p, err := openWithin(m, tt.o, tt.err, tt.errText)
			m.Close()
			if p != nil || !errors.Is(err, wasm.ErrModule) || tt.err != nil && !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.errText) {
				t.Errorf("got %v; want %v and %q", err, tt.err, tt.errText)
			}
			if s := r.Stats(); s != (wasm.Stats{}) {
				t.Errorf("it is still there: %+v", s)
			}
		})
	}
}

func TestFrozen(t *testing.T) {
	count := store32(scratch, join(load32(scratch), i32(1), add))
	tests := []struct {
		name   string
		module []byte
		o      wasm.ProgramOptions
		want   int
	}{
		{"Nothing", startupModule(nil, nil, nil, countAndAnswer), wasm.ProgramOptions{}, 1},
		{"Start", startupModule(count, nil, nil, countAndAnswer), wasm.ProgramOptions{}, 2},
		{"StartAndInitialize", startupModule(count, count, nil, countAndAnswer), wasm.ProgramOptions{}, 3},
		{"WithoutWith", startupModule(count, count, join(count, i32(0)), countAndAnswer), wasm.ProgramOptions{}, 4},
		{"With", startupModule(count, count, join(count, i32(0)), countAndAnswer), wasm.ProgramOptions{With: []byte("{}")}, 4},
		{"SampleCallUndone", startupModule(count, count, join(count, i32(0)), countAndAnswer), wasm.ProgramOptions{With: []byte("{}"), Sample: []byte(body)}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProgram(t, tt.module, tt.o)
			for range 3 {
				got, r, err := newEvent(t, body).run(p, runtime.Budget{})
				if err != nil || len(got) != tt.want || r.Memory != 65536 {
					t.Fatalf("got %d, %d bytes, %v; want %d", len(got), r.Memory, err, tt.want)
				}
			}
			if sample := tt.o.Sample != nil; (p.SampleCost().Fuel > 0) != sample || p.SampleError() != nil {
				t.Errorf("sample call: cost %+v, error %v", p.SampleCost(), p.SampleError())
			}
			if s := p.Stats(); s.Runs != 3 || s.Failed != 0 || s.Total.Memory != 65536 || s.Total.Fuel == 0 || s.Total.Time == 0 || s.Instances != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// A sample call that traps is reported, and the module can still decide.
func TestSampleTrap(t *testing.T) {
	p := newProgram(t, decideModule(0, unreachable), wasm.ProgramOptions{Sample: []byte(body)})
	if err := p.SampleError(); !errors.Is(err, runtime.ErrTrap) || !strings.HasPrefix(err.Error(), "sample call: trapped") {
		t.Errorf("got %v", err)
	}
	if c, s := p.SampleCost(), p.Stats(); c != (wasm.Cost{}) || s.Runs != 0 || s.Instances != 1 {
		t.Errorf("cost %+v, stats %+v", c, s)
	}
}

// A Program that cannot restore instances makes a new one for each run.
func TestUnrestorable(t *testing.T) {
	b := newBuilder(1).addABIExports()
	b.table = []byte{1, 0x70, 1, 1, 100}
	b.addFunction("decide", "", "I", 0, countAndAnswer[:len(countAndAnswer)-len(draft(i32(0), load32(scratch)))], op(0xd0, 0x70), i32(1), op(0xfc, 15, 0), drop, draft(i32(0), join(load32(scratch), op(0xfc, 16, 0), add)))
	r := newRuntime(t, wasm.Options{Slots: 2})
	p := newProgramIn(t, r, b.build(), wasm.ProgramOptions{})
	done := make(chan error, 20)
	for range cap(done) {
		go func() {
			e := newEvent(t, body)
			got, _, err := e.run(p, runtime.Budget{})
			if len(got) != 3 {
				err = errors.Join(err, errors.New("state was left behind"))
			}
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestMemory(t *testing.T) {
	b := newBuilder(1).addABIExports()
	b.addFunction("decide", "", "I", 0, loop, i32(1), grow, i32(-1), op(0x47), brIf(0), end, draft(i32(0), op(0x3f, 0)))
	for memory, want := range map[int64]int{0: 256, 1 << 20: 16, 40 << 20: 640, 1 << 40: 4096} {
		p := newProgram(t, b.build(), wasm.ProgramOptions{Budget: runtime.Budget{Memory: memory}})
		for range 2 {
			got, r, err := newEvent(t, body).run(p, runtime.Budget{})
			if err != nil || len(got) != want || r.Memory != int64(want)<<16 {
				t.Errorf("of %d bytes it had %d pages, at most %d bytes: %v; want %d", memory, len(got), r.Memory, err, want)
			}
		}
	}
}

func TestClosed(t *testing.T) {
	p := newProgram(t, echoModule(), wasm.ProgramOptions{})
	p.Close()
	if _, _, err := newEvent(t, body).run(p, runtime.Budget{}); !errors.Is(err, wasm.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
