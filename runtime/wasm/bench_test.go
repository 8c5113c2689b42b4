package wasm_test

import (
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// BenchmarkRun is one isolated, metered call including the reset: of modules with 1 and 4 pages
// that count and decide, and of one that answers with the event.
func BenchmarkRun(b *testing.B) {
	of := func(pages int) []byte {
		m := newBuilder(pages).addABIExports()
		m.addFunction("decide", "", "I", 0, countAndAnswer)
		return m.build()
	}
	for _, bb := range []struct {
		name string
		src  []byte
	}{{"Tiny", of(1)}, {"256KiB", of(4)}, {"Evaluate", echoModule()}} {
		b.Run(bb.name, func(b *testing.B) { benchmarkRun(b, newProgram(b, bb.src, wasm.ProgramOptions{Sample: []byte(body)})) })
	}
}

// BenchmarkGuest is one call of a Go program that decodes the event of 200 bytes by encoding/json
// and answers. Each call waits for the reset after the one before.
func BenchmarkGuest(b *testing.B) {
	p := newProgramIn(b, newChildRuntime(b), buildGuest(b), wasm.ProgramOptions{Sample: []byte(body)})
	benchmarkRun(b, p)
}

func benchmarkRun(b *testing.B, p *wasm.Program) { benchmarkRunOn(b, p, body) }

func benchmarkRunOn(b *testing.B, p *wasm.Program, body string) {
	e := newEvent(b, body)
	var r runtime.Run
	var m runtime.Meter
	var d hook.Draft
	b.ReportAllocs()
	for b.Loop() {
		e.begin(&r, &m, runtime.Budget{})
		if err := p.Run(&r, &d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.Spent()), "fuel/op")
}
