package wasm_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// bareGuest is a guest on plain wazero: one instance without resets.
type bareGuest struct {
	ctx           context.Context
	module        api.Module
	alloc, decide api.Function
	fuel          api.MutableGlobal // nil: not metered
	event         jsondoc.Doc
	stack         [2]uint64
	takesEvent    bool
}

// benchSlice is the slice that yield returns.
const benchSlice = 10_000

// newBare makes an instance. With closes, it checks the context at every loop by wazero's own
// means.
func newBare(b *testing.B, src []byte, event string, closes bool) *bareGuest {
	b.Helper()
	g := new(bareGuest)
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	must(g.event.Parse([]byte(event), jsondoc.Limits{}))
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	b.Cleanup(cancel)
	g.ctx = ctx
	machine := wazero.NewRuntimeWithConfig(g.ctx, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(closes))
	b.Cleanup(func() { machine.Close(context.Background()) })
	wasi_snapshot_preview1.MustInstantiate(g.ctx, machine)
	must(g.instantiateHostModules(machine))
	var err error
	g.module, err = machine.InstantiateWithConfig(g.ctx, src, wazero.NewModuleConfig().WithStartFunctions())
	must(err)
	if global, ok := g.module.ExportedGlobal(meter.Fuel).(api.MutableGlobal); ok {
		g.fuel = global
		g.fuel.Set(benchSlice)
	}
	for _, first := range []string{meter.Start, "_initialize"} {
		if f := g.module.ExportedFunction(first); f != nil {
			_, err := f.Call(g.ctx)
			must(err)
		}
	}
	g.alloc = g.module.ExportedFunction("alloc")
	must(g.configure())
	if g.decide = g.module.ExportedFunction("decide"); g.decide == nil {
		g.decide, g.takesEvent = g.module.ExportedFunction("evaluate"), true
	}
	return g
}

// configure passes null, as for a rule without settings.
func (g *bareGuest) configure() error {
	f := g.module.ExportedFunction("configure")
	if f == nil {
		return nil
	}
	const none = "null"
	at, err := g.alloc.Call(g.ctx, uint64(len(none)))
	if err != nil {
		return err
	}
	g.module.Memory().Write(uint32(at[0]), []byte(none))
	_, err = f.Call(g.ctx, at[0], uint64(len(none)))
	return err
}

// instantiateHostModules makes the host functions that the guests use.
func (g *bareGuest) instantiateHostModules(machine wazero.Runtime) error {
	read := func(text bool) api.GoModuleFunc {
		return func(_ context.Context, m api.Module, stack []uint64) {
			pointer, _ := m.Memory().Read(uint32(stack[0]), uint32(stack[1]))
			n := g.event.Root().Pointer(string(pointer))
			value := n.Raw()
			switch k := n.Kind(); {
			case k == jsondoc.Missing:
				stack[0] = api.EncodeI32(-1)
				return
			case k == jsondoc.Null:
				stack[0] = api.EncodeI32(-2)
				return
			case text:
				value = []byte(n.Text())
			}
			if len(value) <= int(uint32(stack[3])) {
				m.Memory().Write(uint32(stack[2]), value)
			}
			stack[0] = uint64(len(value))
		}
	}
	i32s := func(n int) []api.ValueType { return slices.Repeat([]api.ValueType{api.ValueTypeI32}, n) }
	i64s := []api.ValueType{api.ValueTypeI64}
	host := machine.NewHostModuleBuilder("tenterhook")
	host.NewFunctionBuilder().WithGoModuleFunction(read(false), i32s(4), i32s(1)).Export("get")
	host.NewFunctionBuilder().WithGoModuleFunction(read(true), i32s(4), i32s(1)).Export("get_text")
	host.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(context.Context, api.Module, []uint64) {}), i32s(2), nil).Export("log")
	env := machine.NewHostModuleBuilder("env")
	env.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(context.Context, api.Module, []uint64) { panic("abort") }), i32s(4), nil).Export("abort")
	refill := machine.NewHostModuleBuilder(meter.ImportModule)
	refill.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = benchSlice }), i64s, i64s).Export(meter.Yield)
	for _, m := range []wazero.HostModuleBuilder{host, env, refill} {
		if _, err := m.Instantiate(g.ctx); err != nil {
			return err
		}
	}
	return nil
}

// call decides once and returns the time it took.
func (g *bareGuest) call(b *testing.B) time.Duration {
	start := time.Now()
	if g.fuel != nil {
		g.fuel.Set(benchSlice)
	}
	if g.takesEvent {
		raw := g.event.Root().Raw()
		g.stack[0] = uint64(len(raw))
		if err := g.alloc.CallWithStack(g.ctx, g.stack[:]); err != nil {
			b.Fatal(err)
		}
		g.module.Memory().Write(uint32(g.stack[0]), raw)
		g.stack[1] = uint64(len(raw))
	}
	if err := g.decide.CallWithStack(g.ctx, g.stack[:]); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// BenchmarkMetering measures the price of stoppable guests: the median call on plain wazero,
// rewritten by package meter, and with wazero's own means. The three alternate, so the machine's
// load affects them alike. Calls are not reset here; BenchmarkIsolated measures everything.
func BenchmarkMetering(b *testing.B) {
	var logs float64
	var ratios int
	for _, s := range guestRules {
		for _, event := range []struct {
			name string
			body string
		}{{"800B", signUpCall(`"rosario@example.com"`, 0)}, {"3KB", signUpCall(`"rosario@example.com"`, 60)}} {
			b.Run(s.name+"/"+event.name, func(b *testing.B) {
				src := s.module(b)
				rewritten, err := meter.Rewrite(src, meter.Options{})
				if err != nil {
					b.Fatal(err)
				}
				guests := []*bareGuest{newBare(b, src, event.body, false), newBare(b, rewritten.Code, event.body, false), newBare(b, src, event.body, true)}
				var took [3][]time.Duration
				for turn := 0; b.Loop(); turn++ {
					for i := range guests {
						i = (i + turn) % len(guests) // alternate the order, which affects the caches
						took[i] = append(took[i], guests[i].call(b))
					}
				}
				var median [3]float64
				for i, unit := range []string{"plain-ns", "metered-ns", "closing-ns"} {
					slices.Sort(took[i])
					median[i] = float64(took[i][len(took[i])/2])
					b.ReportMetric(median[i], unit)
				}
				b.ReportMetric(median[1]/median[0], "metered/plain")
				b.ReportMetric(median[2]/median[0], "closing/plain")
				b.ReportMetric(0, "ns/op")
				logs += math.Log(median[1] / median[0])
				ratios++
			})
		}
	}
	b.Run("GeometricMean", func(b *testing.B) {
		b.ReportMetric(math.Exp(logs/float64(max(ratios, 1))), "metered/plain")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkIsolated is a complete run of each guest as in a hook: metered, with fresh state,
// including the reset.
func BenchmarkIsolated(b *testing.B) {
	event := signUpCall(`"rosario@example.com"`, 0)
	for _, s := range guestRules {
		b.Run(s.name, func(b *testing.B) {
			p := newProgramIn(b, newChildRuntime(b), s.module(b), wasm.ProgramOptions{Sample: []byte(event)})
			if got, _, err := newEvent(b, event).run(p, runtime.Budget{}); err != nil || got != wantStamped {
				b.Fatalf("got %s, %v", got, err)
			}
			benchmarkRunOn(b, p, event)
		})
	}
}

// BenchmarkFrozen compares Go guests whose configured state is frozen, as in a hook, with the same
// guests frozen after a call, which an event could observe. The two alternate; the metrics are
// median times, fuel, and the ratio of the times.
func BenchmarkFrozen(b *testing.B) {
	event := signUpCall(`"rosario@example.com"`, 0)
	for _, s := range guestRules {
		if !strings.HasPrefix(s.name, "Go") {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			r, src := newChildRuntime(b), s.module(b)
			programs := []*wasm.Program{newProgramIn(b, r, src, wasm.ProgramOptions{}), newProgramIn(b, r, src, wasm.ProgramOptions{})}
			e, took, fuel := newEvent(b, event), [2][]time.Duration{}, [2]int64{}
			var run runtime.Run
			var m runtime.Meter
			var d hook.Draft
			e.begin(&run, &m, runtime.Budget{})
			if err := programs[1].FreezeAfter(&run); err != nil {
				b.Fatal(err)
			}
			for turn := 0; b.Loop(); turn++ {
				for i := range programs {
					i = (i + turn) % len(programs)
					e.begin(&run, &m, runtime.Budget{})
					start := time.Now()
					if err := programs[i].Run(&run, &d); err != nil {
						b.Fatal(err)
					}
					took[i], fuel[i] = append(took[i], time.Since(start)), m.Spent()
				}
			}
			reportRatio(b, "configured", "warmed", took, fuel)
		})
	}
}

// reportRatio reports two alternating series by their medians.
func reportRatio(b *testing.B, first, second string, took [2][]time.Duration, fuel [2]int64) {
	for i, name := range []string{first, second} {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2].Nanoseconds())/1000, name+"-µs")
		b.ReportMetric(float64(fuel[i]), name+"-fuel")
	}
	b.ReportMetric(float64(took[0][len(took[0])/2])/float64(took[1][len(took[1])/2]), first+"/"+second)
	b.ReportMetric(0, "ns/op")
}
