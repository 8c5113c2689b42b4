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

// ProgramOptions configures a module for one rule.
type ProgramOptions struct {
	Type   hook.Type               // type of the rule's hook
	With   []byte                  // JSON for configure; empty: null
	Tables map[string]*table.Table // for lookup
	Sample []byte                  // sample call to check the configured module on; empty: none
	Budget runtime.Budget          // Memory limits an instance's memory; zero fields are defaults
}

// Program is a module configured for one rule. It implements runtime.Program. It pools instances:
// each run has one to itself, with memory, globals and tables as configure left them.
type Program struct {
	module       *Module
	options      ProgramOptions
	maxPages     uint32 // maximum memory of an instance
	unrestorable bool   // instances cannot be restored: each run gets a new one
	restoreLater bool   // the replenisher restores instances after the answer
	startupFuel  int64  // fuel charged to each run for making or restoring its instance
	maxInstances int
	loadTime     time.Time   // the instant for all code that runs before an event
	sample       *sampleCall // nil: none
	sampleCost   Cost
	sampleErr    error
	replenisher  replenisher

	mu         sync.Mutex // guards the fields below; not held while a guest runs
	clean      []*instance
	dirty      []*instance // to be restored by the replenisher or by the next run
	instances  int         // existing or being made
	activeRuns int         // including waiting runs
	requests   []*instanceRequest
	closed     bool
	idle       sync.Cond // signalled when closed and no run is active
	stats      ProgramStats
	snapshot   *snapshot // snapshot of the newest instance
}

// Cost is the cost of one or more runs.
type Cost struct {
	Fuel   int64
	Memory int64 // peak of linear memory in bytes
	Time   time.Duration
}

// ProgramStats counts a Program's runs.
type ProgramStats struct {
	Runs, Failed int64
	Waited       int64 // runs that had to wait for an instance
	Total        Cost  // of all runs; Memory is the maximum
	Instances    int
}

// sampleCall is a parsed sample call.
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

// maxInlineRestore is the largest state in bytes that is restored before the answer is sent. That
// takes microseconds and is free.
const maxInlineRestore = 256 << 10

// Fuel for making and restoring instances. To clear or copy takes 0.1 ns a byte; to map new pages
// takes ten times that.
const (
	restoreFuelShift     = 5 // one unit for 2^n restored bytes
	instantiateFuelShift = 2 // one unit for 2^n initial bytes of a new instance
	tableEntryBytes      = 8 // of one table entry
)

// Program configures the module for a rule. It makes an instance, runs _initialize and configure,
// freezes the state and decides on the sample call. The caller closes the Program. An error wraps
// ErrModule and a reason of package runtime, and names the step: instantiate, start, _initialize,
// configure or sample call.
func (m *Module) Program(ctx context.Context, o ProgramOptions) (*Program, error) {
	p := &Program{
		module: m, options: o, unrestorable: len(m.report.Unrestorable) > 0, maxInstances: m.runtime.slots.size + 1, loadTime: time.Now(),
		maxPages: min(m.maxPages, memoryPages(o.Budget)-min(m.tablePages(), memoryPages(o.Budget))), startupFuel: (m.report.Memory + m.tableEntries*tableEntryBytes) >> instantiateFuelShift,
	}
	p.idle.L = &p.mu
	if len(o.Sample) > 0 {
		var err error
		if p.sample, err = parseSample(o.Type, o.Sample); err != nil {
			return nil, fmt.Errorf("%w: sample call: %w", ErrModule, err)
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

// memoryPages returns the pages of memory in a budget.
func memoryPages(b runtime.Budget) uint32 {
	if b.Memory <= 0 {
		b.Memory = runtime.Default.Memory
	}
	return uint32(min(b.Memory, runtime.Max.Memory) >> 16)
}

// makeFirst makes the first instance and checks it on the sample call.
func (p *Program) makeFirst(deadline time.Time) error {
	in, err := p.newPrepared(newStartupMeter(deadline), true)
	if err != nil {
		return err
	}
	if p.unrestorable {
		in.close()
	} else {
		size := int64(in.snapshot.size) + p.module.restoredEntries*2*tableEntryBytes // each entry is copied from a saved one
		p.restoreLater, p.startupFuel = size > maxInlineRestore, max(size-maxInlineRestore, 0)>>restoreFuelShift
		p.instances, p.clean = 1, append(p.clean, in)
		p.replenisher.start(p)
	}
	if p.sample == nil {
		return nil
	}
	if err := p.runSample(deadline); err != nil {
		p.closeInstances()
		return err
	}
	p.stats = ProgramStats{}
	return nil
}

// runSample runs the sample call twice on the frozen state. Both runs must give the same draft and
// fuel. A trap is not an error, since a rule need not accept a sample call: see SampleError.
func (p *Program) runSample(deadline time.Time) error {
	var drafts [2]hook.Draft
	var costs [2]Cost
	for i := range drafts {
		m := newStartupMeter(deadline)
		r := p.sampleRun(m)
		start := time.Now()
		if err := p.Run(r, &drafts[i]); err != nil {
			err = fmt.Errorf("sample call: %w%s", err, quoteLogs(r.Logs))
			if errors.Is(err, runtime.ErrTrap) {
				p.sampleErr = err
				return nil
			}
			return err
		}
		costs[i] = Cost{Fuel: m.Spent(), Memory: r.Memory, Time: time.Since(start)}
	}
	if string(drafts[0].JSON) != string(drafts[1].JSON) || costs[0].Fuel != costs[1].Fuel {
		return errors.New("sample call: two runs differ")
	}
	p.sampleCost = costs[1]
	return nil
}

// sampleRun returns a Run on the sample call.
func (p *Program) sampleRun(m *runtime.Meter) *runtime.Run {
	return &runtime.Run{Event: p.sample.event(), Now: p.loadTime, Meter: m, Random: p.module.runtime.random, Background: true}
}

// startupBudget is the budget of the code that runs before any event. Go's runtime needs 2,000,000
// units.
var startupBudget = runtime.Budget{Time: runtime.Max.Time, Fuel: 500_000_000, Output: runtime.Max.Output}

// startupTime is the time limit of that code. Fuel decides whether a module is accepted, so the
// result does not depend on the load of the machine; the time is more than ten times what the fuel
// lasts.
const startupTime = 30 * time.Second

func newStartupMeter(deadline time.Time) *runtime.Meter {
	m, now, long := new(runtime.Meter), time.Now(), startupTime
	if !deadline.IsZero() {
		long = min(long, deadline.Sub(now))
	}
	m.Start(startupBudget, now, time.Time{})
	m.ExcludeTime(long - startupBudget.Time)
	return m
}

// Run decides on r.Event: see runtime.Program. The module's output is added to r.Logs, and r.Memory
// is set to its peak memory. Waiting for an instance or a slot counts against the deadline.
func (p *Program) Run(r *runtime.Run, d *hook.Draft) (err error) {
	start, spent := time.Now(), r.Meter.Spent()
	if !r.Meter.Spend(p.startupFuel) {
		return r.Meter.Err()
	}
	in, err := p.acquire(r)
	if err != nil {
		return err
	}
	completed := false
	defer func() {
		r.Memory = int64(in.memory.peak)
		p.release(in, completed, err != nil, Cost{Fuel: r.Meter.Spent() - spent, Memory: r.Memory, Time: time.Since(start)})
	}()
	err = in.run(r, d)
	completed = true
	return err
}

// SampleCost is the cost of a run on the sample call, zero without one or after a trap.
func (p *Program) SampleCost() Cost { return p.sampleCost }

// SampleError is the trap of the run on the sample call, nil if it succeeded or there is none.
func (p *Program) SampleError() error { return p.sampleErr }

// Stats counts the Program's runs so far.
func (p *Program) Stats() ProgramStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Instances = p.instances
	return s
}

// Close waits for active runs and releases the instances and the module. Later Runs fail with
// ErrClosed.
func (p *Program) Close() error {
	if !p.closeInstances() {
		return nil
	}
	return p.module.Close()
}
