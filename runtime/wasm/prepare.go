package wasm

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// prepared makes an instance and brings it to where its state is frozen, within the meter's limits; behind the runs that
// somebody waits for, or not. An error names the step.
func (p *Program) prepared(m *runtime.Meter, behind bool) (*instance, error) {
	in, err := newInstance(p)
	if err != nil {
		return nil, fmt.Errorf("instantiate: %w", err)
	}
	if err := in.prepare(m, behind); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// prepare runs what comes before the first event of the run, and freezes the state. A warm-up that traps is undone: a rule
// may well have no use for a sample.
func (in *instance) prepare(m *runtime.Meter, behind bool) error {
	in.steady = steadyStart
	if err := in.begin(m, behind); err != nil || in.program.fresh {
		return err
	}
	in.freeze()
	if in.program.warm != nil {
		r := in.program.sampled(m, behind)
		err := in.decideOn(r, &hook.Draft{})
		switch {
		case err == nil:
			in.steady = in.clock.steady
			in.freeze()
		case errors.Is(err, runtime.ErrTrap):
			in.program.chill(fmt.Errorf("warm-up: %w%s", err, quoted(r.Logs)))
			if err := in.restore(); err != nil {
				return fmt.Errorf("warm-up: %w", err)
			}
		default:
			return fmt.Errorf("warm-up: %w%s", err, quoted(r.Logs))
		}
	}
	in.image = in.program.share(in.image)
	return nil
}

// steadyStart is what the monotonic clock shows first: some runtimes take 0 for "not yet".
const steadyStart = 1_000_000_000

// begin runs what comes before any event: the start function, _initialize and configure.
func (in *instance) begin(m *runtime.Meter, behind bool) error {
	r := &runtime.Run{Now: in.program.now, Meter: m, Random: in.program.module.runtime.random, Behind: behind}
	defer in.leave()
	if err := in.enter(r); err != nil {
		return fmt.Errorf("wait for a slot: %w", err)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"start", func() error { return in.start(meter.Start) }},
		{exportInitialize, func() error { return in.start(exportInitialize) }},
		{exportConfigure, in.configure},
	} {
		err := step.do()
		if late := in.settle(); err == nil {
			err = late
		}
		if err != nil {
			in.log.end(r)
			return fmt.Errorf("%s: %w%s", step.name, err, quoted(r.Logs))
		}
	}
	in.steady = in.clock.steady
	return nil
}

// start calls an export that takes nothing and gives nothing, when it is there.
func (in *instance) start(export string) error {
	if f := in.module.ExportedFunction(export); f != nil {
		return in.invoke(f)
	}
	return nil
}

// configure hands the rule's `with` to the module, null when it has none: what cannot do without is refused here, and not call by call.
func (in *instance) configure() error {
	with, what := in.program.o.With, "the rule's `with`"
	f := in.module.ExportedFunction(exportConfigure)
	switch {
	case f == nil && len(with) == 0:
		return nil
	case f == nil:
		return fmt.Errorf("%w: the rule has `with`, and the module exports no configure to take it", runtime.ErrTrap)
	case len(with) == 0:
		with, what = []byte("null"), "a rule without `with`"
	}
	if err := in.hand(with); err != nil {
		return err
	}
	if err := in.invoke(f); err != nil {
		return err
	}
	if code := int32(in.stack[0]); code != 0 {
		return fmt.Errorf("%w: it refused %s (it returned %d)", runtime.ErrTrap, what, code)
	}
	return nil
}

// quoted is what a module wrote, behind what became of it.
func quoted(logs []string) string {
	if len(logs) == 0 {
		return ""
	}
	return "; it wrote: " + strings.Join(logs, " / ")
}

// freeze makes the present state the one that every run begins with.
func (in *instance) freeze() {
	in.stack = [2]uint64{}
	in.module.ExportedFunction(meter.Save).CallWithStack(in.context, nil)
	in.image = newImage(in.memory.bytes())
}

// stream is the run's randomness: see runtime.Run.Seed.
func (in *instance) stream() *rand.ChaCha8 {
	if in.seeded {
		return in.chacha
	}
	seed := in.run.Seed()
	seed = sha256.Sum256(append(seed[:], "module"...)) // expressions have the seed itself
	if in.chacha == nil {
		in.chacha = rand.NewChaCha8(seed)
	}
	in.chacha.Seed(seed)
	in.seeded = true
	return in.chacha
}
