package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// ProgramOptions is what one rule makes of a module.
type ProgramOptions struct {
	Type   hook.Type               // of the hook the rule is in
	With   []byte                  // JSON for configure; empty: it is given null
	Tables map[string]*table.Table // what lookup finds
	Warm   []byte                  // a call of the type, as Okta sends it, that the module decides on before its state is frozen; empty: none
	Budget runtime.Budget          // its Memory caps an instance's memory; a zero field is the default
}

// Program is one rule's use of a module: it implements runtime.Program. Its instances are pooled; each run has one to
// itself, whose memory, globals and tables are as they were when the Program was made.
type Program struct {
	module *Module
	o      ProgramOptions
	pages  uint32    // most memory of an instance
	fresh  bool      // its instances cannot be restored: each run has a new one
	slow   bool      // they are restored behind the answer, by the keeper
	toll   int64     // fuel that a run pays for its instance to be made, or restored
	most   int       // instances there may be
	now    time.Time // the instant of whatever runs before an event
	warm   *sample   // nil: none
	sample Cost
	keeper keeper

	mu      sync.Mutex // guards what follows; never held while a guest runs or is restored
	clean   []*instance
	dirty   []*instance // to be restored, by the keeper or by who needs one first
	made    int         // instances there are or are being made
	busy    int         // runs that are under way, those that wait among them
	waiters []*waiter
	closed  bool
	idle    sync.Cond // closed, and nothing is busy
	stats   ProgramStats
	image   *image // memory as it is restored, of the instance that was made last
	cold    error
}

// Cost is what a run has cost.
type Cost struct {
	Fuel   int64
	Memory int64 // bytes of linear memory, at its peak
	Time   time.Duration
}

// ProgramStats counts a Program's runs.
type ProgramStats struct {
	Runs, Failed int64
	Waited       int64 // runs that had to wait for an instance
	Total        Cost  // of all runs; Memory is the most that one of them had
	Instances    int   // there are
}

// sample is the call of a warm-up.
type sample struct {
	doc  jsondoc.Doc
	call hook.Call
	node jsondoc.Node
}

func newSample(t hook.Type, src []byte) (*sample, error) {
	s := new(sample)
	if err := s.doc.Parse(src, jsondoc.Limits{}); err != nil {
		return nil, err
	}
	s.call = hook.Call{Type: t, ID: s.doc.Root().Get("eventId").Text(), Doc: &s.doc}
	s.node = s.doc.Root()
	if !t.Inline() {
		s.node = hook.Events(s.node).At(0)
	}
	return s, nil
}

func (s *sample) event() hook.Event { return hook.Event{Call: &s.call, Node: s.node} }

// slowImage is how much is restored before the answer goes on, in bytes: it takes some microseconds, and is free.
const slowImage = 256 << 10

// What else a run pays for, in fuel. To clear or copy takes a tenth of a nanosecond a byte; what is mapped anew takes ten times
// that, page by page.
const (
	tollShift  = 5 // one unit for so many bytes that are restored, as a power of two
	freshShift = 2 // the same, of bytes that a new instance begins with
	refBytes   = 8 // of an entry of a table
)

// Program makes a Program of the module: an instance is made, initialized and configured, decides on a sample, and is
// frozen. The caller closes it. An error wraps ErrModule and one of runtime's reasons, and names the step: instantiate,
// start, _initialize, configure or warm-up.
func (m *Module) Program(ctx context.Context, o ProgramOptions) (*Program, error) {
	p := &Program{
		module: m, o: o, fresh: len(m.report.Fresh) > 0, most: m.runtime.slots.size + 1, now: time.Now(),
		pages: min(m.pages, pagesOf(o.Budget)-min(m.tablePages(), pagesOf(o.Budget))), toll: (m.report.Memory + m.entries*refBytes) >> freshShift,
	}
	p.idle.L = &p.mu
	if len(o.Warm) > 0 {
		var err error
		if p.warm, err = newSample(o.Type, o.Warm); err != nil {
			return nil, fmt.Errorf("%w: warm-up: %w", ErrModule, err)
		}
	}
	if need, most := m.report.Memory+int64(m.tablePages())<<16, int64(pagesOf(o.Budget))<<16; need > most {
		return nil, fmt.Errorf("%w: instantiate: %w: it begins with %d bytes, and the budget has %d", ErrModule, runtime.ErrMemory, need, most)
	}
	if !m.hold() {
		return nil, ErrClosed
	}
	deadline, _ := ctx.Deadline()
	if err := p.open(deadline); err != nil {
		m.Close()
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	return p, nil
}

// pagesOf is how many pages of memory a budget grants.
func pagesOf(b runtime.Budget) uint32 {
	if b.Memory <= 0 {
		b.Memory = runtime.Default.Memory
	}
	return uint32(min(b.Memory, runtime.Most.Memory) >> 16)
}

// open makes the first instance and tries it on the sample.
func (p *Program) open(deadline time.Time) error {
	in, err := p.prepared(initial(deadline), true)
	if err != nil {
		return err
	}
	if p.fresh {
		in.close()
	} else {
		size := int64(in.image.size) + p.module.restored*2*refBytes // an entry is copied from another
		p.slow, p.toll = size > slowImage, max(size-slowImage, 0)>>tollShift
		p.made, p.clean = 1, append(p.clean, in)
		p.keeper.start(p)
	}
	if p.warm == nil || p.cold != nil {
		return nil
	}
	if err := p.trial(deadline); err != nil {
		p.shut()
		return err
	}
	p.stats = ProgramStats{}
	return nil
}

// trial runs the sample on the frozen state, twice: both runs must come to the same.
func (p *Program) trial(deadline time.Time) error {
	var drafts [2]hook.Draft
	var costs [2]Cost
	for i := range drafts {
		m := initial(deadline)
		r := p.sampled(m, true)
		start := time.Now()
		err := p.Run(r, &drafts[i])
		if err != nil && !errors.Is(err, runtime.ErrTrap) {
			return fmt.Errorf("warm-up: %w%s", err, quoted(r.Logs))
		}
		if err != nil {
			p.chill(fmt.Errorf("warm-up: %w%s", err, quoted(r.Logs)))
		}
		costs[i] = Cost{Fuel: m.Spent(), Memory: r.Memory, Time: time.Since(start)}
	}
	if string(drafts[0].JSON) != string(drafts[1].JSON) || costs[0].Fuel != costs[1].Fuel {
		return errors.New("warm-up: two runs on the same call differ")
	}
	p.sample = costs[1]
	return nil
}

// sampled is a Run on the sample.
func (p *Program) sampled(m *runtime.Meter, behind bool) *runtime.Run {
	return &runtime.Run{Event: p.warm.event(), Now: p.now, Meter: m, Random: p.module.runtime.random, Behind: behind}
}

// initially is the budget of what runs before any event. Go's runtime begins with 2,000,000.
var initially = runtime.Budget{Time: runtime.Most.Time, Fuel: 500_000_000, Output: runtime.Most.Output}

// patience is how long that may take. It is fuel that judges a module, so that what was accepted once is accepted again when the
// machine is busy; the time is more than ten times what the fuel lasts.
const patience = 30 * time.Second

func initial(deadline time.Time) *runtime.Meter {
	m, now, long := new(runtime.Meter), time.Now(), patience
	if !deadline.IsZero() {
		long = min(long, deadline.Sub(now))
	}
	m.Start(initially, now, time.Time{})
	m.Pardon(long - initially.Time)
	return m
}

// Run decides on r.Event, as runtime.Program says. What the module writes is added to r.Logs, and r.Memory is what it had
// at most. Waiting for an instance or a slot counts against the deadline.
func (p *Program) Run(r *runtime.Run, d *hook.Draft) (err error) {
	start, spent := time.Now(), r.Meter.Spent()
	if !r.Meter.Spend(p.toll) {
		return r.Meter.Err()
	}
	in, err := p.take(r)
	if err != nil {
		return err
	}
	whole := false
	defer func() {
		r.Memory = int64(in.memory.peak)
		p.give(in, whole, err != nil, Cost{Fuel: r.Meter.Spent() - spent, Memory: r.Memory, Time: time.Since(start)})
	}()
	err = in.decideOn(r, d)
	whole = true
	return err
}

// Sample is what a run on the warm-up's call costs once the state is frozen; zero without one.
func (p *Program) Sample() Cost { return p.sample }

// Cold is what the run on the sample trapped with: the state was frozen without it. Nil when it did not, or there is none.
func (p *Program) Cold() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cold
}

func (p *Program) chill(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cold = err
}

// Stats counts what the Program has done so far.
func (p *Program) Stats() ProgramStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Instances = p.made
	return s
}

// Close waits for the runs that are under way and lets go of the instances and the module. A Run that comes later fails
// with ErrClosed.
func (p *Program) Close() error {
	if !p.shut() {
		return nil
	}
	return p.module.Close()
}
