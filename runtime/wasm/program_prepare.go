package wasm

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// newPrepared makes an instance and runs it up to the frozen state, within the meter's limits.
// background is the priority of its slot. An error names the step.
func (p *Program) newPrepared(m *runtime.Meter, background bool) (*instance, error) {
	in, err := newInstance(p)
	if err != nil {
		return nil, fmt.Errorf("instantiate: %w", err)
	}
	if err := in.prepare(m, background); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// prepare runs the startup code and freezes the state. No event has been decided yet: a module that
// caches the first event it sees would decide every later one by it.
func (in *instance) prepare(m *runtime.Meter, background bool) error {
	in.monotonicStart = monotonicStart
	if err := in.runStartup(m, background); err != nil || in.program.unrestorable {
		return err
	}
	in.freeze()
	in.snapshot = in.program.shareSnapshot(in.snapshot)
	return nil
}

// monotonicStart is the first reading of the monotonic clock: some runtimes take 0 for "not yet".
const monotonicStart = 1_000_000_000

// runStartup runs the code before any event: the start function, _initialize and configure.
func (in *instance) runStartup(m *runtime.Meter, background bool) error {
	r := &runtime.Run{Now: in.program.loadTime, Meter: m, Random: in.program.module.runtime.random, Background: background}
	defer in.endRun()
	if err := in.beginRun(r); err != nil {
		return fmt.Errorf("wait for a slot: %w", err)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"start", func() error { return in.callIfExported(meter.Start) }},
		{exportInitialize, func() error { return in.callIfExported(exportInitialize) }},
		{exportConfigure, in.configure},
	} {
		err := step.do()
		if late := in.accountFuel(); err == nil {
			err = late
		}
		if err != nil {
			in.log.flush(r)
			return fmt.Errorf("%s: %w%s", step.name, err, quoteLogs(r.Logs))
		}
	}
	in.monotonicStart = in.clock.monotonic
	return nil
}

// callIfExported calls an export of type () -> () if it exists.
func (in *instance) callIfExported(export string) error {
	if f := in.module.ExportedFunction(export); f != nil {
		return in.invoke(f)
	}
	return nil
}

// configure passes the rule's `with` to the module, null if the rule has none: a module that needs
// settings fails here and not at each call.
func (in *instance) configure() error {
	with, what := in.program.options.With, "the rule's `with`"
	f := in.module.ExportedFunction(exportConfigure)
	switch {
	case f == nil && len(with) == 0:
		return nil
	case f == nil:
		return fmt.Errorf("%w: the rule has `with`, and the module exports no configure to take it", runtime.ErrTrap)
	case len(with) == 0:
		with, what = []byte("null"), "a rule without `with`"
	}
	if err := in.passBytes(with); err != nil {
		return err
	}
	if err := in.invoke(f); err != nil {
		return err
	}
	if code := int32(in.stack[0]); code != 0 {
		return fmt.Errorf("%w: it rejected %s (it returned %d)", runtime.ErrTrap, what, code)
	}
	return nil
}

// quoteLogs returns the module's output for the end of an error message.
func quoteLogs(logs []string) string {
	if len(logs) == 0 {
		return ""
	}
	return "; it wrote: " + strings.Join(logs, " / ")
}

// freeze saves the present state as the initial state of every run.
func (in *instance) freeze() {
	in.stack = [2]uint64{}
	in.module.ExportedFunction(meter.Save).CallWithStack(in.context, nil)
	in.snapshot = takeSnapshot(in.memory.bytes())
}

// randomStream returns the run's random stream: see runtime.Run.Seed.
func (in *instance) randomStream() *rand.ChaCha8 {
	if in.seeded {
		return in.random
	}
	seed := in.current.Seed()
	seed = sha256.Sum256(append(seed[:], "module"...)) // expressions use the seed itself
	if in.random == nil {
		in.random = rand.NewChaCha8(seed)
	}
	in.random.Seed(seed)
	in.seeded = true
	return in.random
}
