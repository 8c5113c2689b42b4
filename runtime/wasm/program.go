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
	WarmUp []byte                  // a call of the type, as Okta sends it, that the module decides on before its state is frozen; empty: none
	Budget runtime.Budget          // its Memory caps an instance's memory; a zero field is the default
}

// Program is one rule's use of a module: it implements runtime.Program. Its instances are pooled; each run has one to
// itself, whose memory, globals and tables are as they were when the Program was made.
type Program struct {
	module       *Module
	options      ProgramOptions
	maxPages     uint32      // most memory of an instance
	unrestorable bool        // its instances cannot be restored: each run has a new one
	restoreLater bool        // they are restored behind the answer, by the keeper
	startupFuel  int64       // fuel that a run pays for its instance to be made, or restored
	maxInstances int         // instances there may be
	loadTime     time.Time   // the instant of whatever runs before an event
	warmUp       *sampleCall // nil: none
	warmUpCost   Cost
	replenisher  replenisher

	mu         sync.Mutex // guards what follows; never held while a guest runs or is restored
	clean      []*instance
	dirty      []*instance // to be restored, by the keeper or by who needs one first
	instances  int         // instances there are or are being made
	activeRuns int         // runs that are under way, those that wait among them
	requests   []*instanceRequest
	closed     bool
	idle       sync.Cond // closed, and nothing is busy
	stats      ProgramStats
	snapshot   *snapshot // memory as it is restored, of the instance that was made last
	warmUpErr  error
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

// sampleCall is the call of a warm-up.
type sampleCall struct {
	doc  jsondoc.Doc
	call hook.Call
	node jsondoc.Node
}

func parseSample(t hook.Type, src []byte) (*sampleCall, error) {
	s := new(sampleCall)
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

func (s *sampleCall) event() hook.Event { return hook.Event{Call: &s.call, Node: s.node} }

// maxInlineRestore is how much is restored before the answer goes on, in bytes: it takes some microseconds, and is free.
const maxInlineRestore = 256 << 10

// What else a run pays for, in fuel. To clear or copy takes a tenth of a nanosecond a byte; what is mapped anew takes ten times
// that, page by page.
const (
	restoreFuelShift     = 5 // one unit for so many bytes that are restored, as a power of two
	instantiateFuelShift = 2 // the same, of bytes that a new instance begins with
	tableEntryBytes      = 8 // of an entry of a table
)

// Program makes a Program of the module: an instance is made, initialized and configured, decides on a sample, and is
// frozen. The caller closes it. An error wraps ErrModule and one of runtime's reasons, and names the step: instantiate,
// start, _initialize, configure or warm-up.
func (m *Module) Program(ctx context.Context, o ProgramOptions) (*Program, error) {
	p := &Program{
		module: m, options: o, unrestorable: len(m.report.Unrestorable) > 0, maxInstances: m.runtime.slots.size + 1, loadTime: time.Now(),
		maxPages: min(m.maxPages, memoryPages(o.Budget)-min(m.tablePages(), memoryPages(o.Budget))), startupFuel: (m.report.Memory + m.tableEntries*tableEntryBytes) >> instantiateFuelShift,
	}
	p.idle.L = &p.mu
	if len(o.WarmUp) > 0 {
		var err error
		if p.warmUp, err = parseSample(o.Type, o.WarmUp); err != nil {
			return nil, fmt.Errorf("%w: warm-up: %w", ErrModule, err)
		}
	}
	if need, most := m.report.Memory+int64(m.tablePages())<<16, int64(memoryPages(o.Budget))<<16; need > most {
		return nil, fmt.Errorf("%w: instantiate: %w: it begins with %d bytes, and the budget has %d", ErrModule, runtime.ErrMemory, need, most)
	}
	if !m.retain() {
		return nil, ErrClosed
	}
	deadline, _ := ctx.Deadline()
	if err := p.makeFirst(deadline); err != nil {
		m.Close()
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	return p, nil
}

// memoryPages is how many pages of memory a budget grants.
func memoryPages(b runtime.Budget) uint32 {
	if b.Memory <= 0 {
		b.Memory = runtime.Default.Memory
	}
	return uint32(min(b.Memory, runtime.Most.Memory) >> 16)
}

// makeFirst makes the first instance and tries it on the sample.
func (p *Program) makeFirst(deadline time.Time) error {
	in, err := p.newPrepared(newStartupMeter(deadline), true)
	if err != nil {
		return err
	}
	if p.unrestorable {
		in.close()
	} else {
		size := int64(in.snapshot.size) + p.module.restoredEntries*2*tableEntryBytes // an entry is copied from another
		p.restoreLater, p.startupFuel = size > maxInlineRestore, max(size-maxInlineRestore, 0)>>restoreFuelShift
		p.instances, p.clean = 1, append(p.clean, in)
		p.replenisher.start(p)
	}
	if p.warmUp == nil || p.warmUpErr != nil {
		return nil
	}
	if err := p.checkDeterminism(deadline); err != nil {
		p.closeInstances()
		return err
	}
	p.stats = ProgramStats{}
	return nil
}

// checkDeterminism runs the sample on the frozen state, twice: both runs must come to the same.
func (p *Program) checkDeterminism(deadline time.Time) error {
	var drafts [2]hook.Draft
	var costs [2]Cost
	for i := range drafts {
		m := newStartupMeter(deadline)
		r := p.warmUpRun(m, true)
		start := time.Now()
		err := p.Run(r, &drafts[i])
		if err != nil && !errors.Is(err, runtime.ErrTrap) {
			return fmt.Errorf("warm-up: %w%s", err, quoteLogs(r.Logs))
		}
		if err != nil {
			p.setWarmUpError(fmt.Errorf("warm-up: %w%s", err, quoteLogs(r.Logs)))
		}
		costs[i] = Cost{Fuel: m.Spent(), Memory: r.Memory, Time: time.Since(start)}
	}
	if string(drafts[0].JSON) != string(drafts[1].JSON) || costs[0].Fuel != costs[1].Fuel {
		return errors.New("warm-up: two runs on the same call differ")
	}
	p.warmUpCost = costs[1]
	return nil
}

// warmUpRun is a Run on the sample.
func (p *Program) warmUpRun(m *runtime.Meter, behind bool) *runtime.Run {
	return &runtime.Run{Event: p.warmUp.event(), Now: p.loadTime, Meter: m, Random: p.module.runtime.random, Behind: behind}
}

// startupBudget is the budget of what runs before any event. Go's runtime begins with 2,000,000.
var startupBudget = runtime.Budget{Time: runtime.Most.Time, Fuel: 500_000_000, Output: runtime.Most.Output}

// startupTime is how long that may take. It is fuel that judges a module, so that what was accepted once is accepted again when the
// machine is busy; the time is more than ten times what the fuel lasts.
const startupTime = 30 * time.Second

func newStartupMeter(deadline time.Time) *runtime.Meter {
	m, now, long := new(runtime.Meter), time.Now(), startupTime
	if !deadline.IsZero() {
		long = min(long, deadline.Sub(now))
	}
	m.Start(startupBudget, now, time.Time{})
	m.Pardon(long - startupBudget.Time)
	return m
}

// Run decides on r.Event, as runtime.Program says. What the module writes is added to r.Logs, and r.Memory is what it had
// at most. Waiting for an instance or a slot counts against the deadline.
func (p *Program) Run(r *runtime.Run, d *hook.Draft) (err error) {
	start, spent := time.Now(), r.Meter.Spent()
	if !r.Meter.Spend(p.startupFuel) {
		return r.Meter.Err()
	}
	in, err := p.acquire(r)
	if err != nil {
		return err
	}
	whole := false
	defer func() {
		r.Memory = int64(in.memory.peak)
		p.release(in, whole, err != nil, Cost{Fuel: r.Meter.Spent() - spent, Memory: r.Memory, Time: time.Since(start)})
	}()
	err = in.run(r, d)
	whole = true
	return err
}

// WarmUpCost is what a run on the warm-up's call costs once the state is frozen; zero without one.
func (p *Program) WarmUpCost() Cost { return p.warmUpCost }

// WarmUpError is what the run on the sample trapped with: the state was frozen without it. Nil when it did not, or there is none.
func (p *Program) WarmUpError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.warmUpErr
}

func (p *Program) setWarmUpError(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warmUpErr = err
}

// Stats counts what the Program has done so far.
func (p *Program) Stats() ProgramStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Instances = p.instances
	return s
}

// Close waits for the runs that are under way and lets go of the instances and the module. A Run that comes later fails
// with ErrClosed.
func (p *Program) Close() error {
	if !p.closeInstances() {
		return nil
	}
	return p.module.Close()
}
