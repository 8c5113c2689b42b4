package ledger_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// model is the expected content of a ledger, in plain maps.
type model struct {
	ids     map[ledger.ID]bool
	state   map[ledger.EntryID]ledger.State // of every entry, by its id
	order   []string                        // events whose rules have not run
	steps   map[ledger.EntryID][]ledger.State
	letters map[ledger.EntryID]string        // dead letters, with their idempotency keys
	origins map[ledger.EntryID]ledger.StepID // of dead letters, redriven ones too
	tries   map[ledger.StepID]int
}

// modelRun is one run of random operations on a ledger and on its model.
type modelRun struct {
	*testing.T
	*rand.Rand
	model
	o     ledger.Options
	l     *ledger.Ledger
	clock *clock
	tasks []ledger.Task
	taken []ledger.Step
	jumps int
	next  int
	dir   string
}

// TestModel plays random operations, restarts, crashes and clocks that jump against plain maps.
func TestModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TENTERHOOK_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	runs := 6
	if testing.Short() {
		runs = 2
	}
	if n, err := strconv.Atoi(os.Getenv(rounds)); err == nil {
		runs = n
	}
	for i := range runs {
		seed := seed + uint64(i)
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { newModelRun(t, seed).run(400) }) {
			t.Fatalf("run it again with TENTERHOOK_SEED=%d", seed)
		}
	}
}

func newModelRun(t *testing.T, seed uint64) *modelRun {
	p := &modelRun{T: t, Rand: rand.New(rand.NewPCG(seed, 1)), o: newOptions(t), clock: newClock(), dir: t.TempDir()}
	p.ids, p.state = make(map[ledger.ID]bool), make(map[ledger.EntryID]ledger.State)
	p.steps, p.letters, p.tries = make(map[ledger.EntryID][]ledger.State), make(map[ledger.EntryID]string), make(map[ledger.StepID]int)
	p.origins = make(map[ledger.EntryID]ledger.StepID)
	p.o.Now, p.o.DeadAge = p.clock.now, 10_000*time.Hour // the clock jumps by days
	p.l = openLedger(t, p.o)
	return p
}

func (p *modelRun) run(n int) {
	operations := []func(){
		p.deliver, p.deliver, p.deliver, p.claim, p.plan, p.plan, p.plan, p.take, p.recordOutcome, p.recordOutcome, p.recordOutcome, p.recordOutcome,
		p.queue, p.note, p.redriveOrDrop, p.moveClock, p.release,
	}
	for i := range n {
		if i%50 == 49 {
			p.restart()
			p.compare()
			continue
		}
		operations[p.IntN(len(operations))]()
	}
	p.restart()
	p.compare()
}

// deliver accepts a delivery, a third of it known.
func (p *modelRun) deliver() {
	numbers := make([]int, p.IntN(5))
	for i := range numbers {
		if numbers[i] = p.next; p.IntN(3) == 0 {
			numbers[i] = p.IntN(p.next + 1)
		}
		p.next = max(p.next, numbers[i]+1)
	}
	d := delivery(p.IntN(200), numbers...)
	r := accept(p.T, p.l, d)
	if r.Duplicate != p.ids[d.ID] {
		p.Fatalf("duplicate %v, want %v", r.Duplicate, p.ids[d.ID])
	}
	for i, e := range d.Events {
		fresh := !r.Duplicate && !p.ids[e.ID]
		if r.New[i] != fresh {
			p.Fatalf("event %d new %v, want %v", i, r.New[i], fresh)
		}
		if fresh {
			p.ids[e.ID] = true
			p.order = append(p.order, e.ID.String())
		}
	}
	p.ids[d.ID] = true
}

func (p *modelRun) claim() {
	for _, task := range claim(p.T, p.l, 1+p.IntN(4)) {
		if len(p.order) == 0 || task.ID.String() != p.order[0] {
			p.Fatalf("claimed %v out of order, want the first of %d", task.ID, len(p.order))
		}
		p.order = p.order[1:]
		p.state[task.Entry] = ledger.Recorded
		p.tasks = append(p.tasks, task)
	}
}

func (p *modelRun) release() {
	if len(p.tasks) == 0 {
		return
	}
	slices.SortFunc(p.tasks, func(a, b ledger.Task) int { return bytes.Compare(sortKey(a.Entry), sortKey(b.Entry)) })
	var back []string
	for _, task := range p.tasks {
		p.l.Release(task)
		back = append(back, task.ID.String())
	}
	p.order = append(back, p.order...)
	p.tasks = nil
}

// sortKey sorts ids in the order of recording.
func sortKey(id ledger.EntryID) []byte {
	slot, row, _ := strings.Cut(string(id), "-")
	return fmt.Appendf(nil, "%8s%8s", slot, row)
}

func (p *modelRun) actions() []ledger.Action {
	all := make([]ledger.Action, p.IntN(4))
	for i := range all {
		all[i] = action([]string{"siem", "slack"}[p.IntN(2)], fmt.Sprint("key ", p.next, p.Uint64()))
	}
	return all
}

func (p *modelRun) plan() {
	if len(p.tasks) == 0 {
		return
	}
	task, actions := p.tasks[0], p.actions()
	p.tasks = p.tasks[1:]
	must(p.T, p.l.Plan(p.Context(), task, "r", actions))
	p.setSteps(task.Entry, actions)
}

func (p *modelRun) setSteps(id ledger.EntryID, actions []ledger.Action) {
	p.steps[id] = slices.Repeat([]ledger.State{ledger.Waiting}, len(actions))
	p.summarize(id)
}

// summarize makes an entry's state out of its steps'.
func (p *modelRun) summarize(id ledger.EntryID) {
	p.state[id] = ledger.Finished
	for _, want := range []ledger.State{ledger.Dropped, ledger.Dead, ledger.Waiting} {
		if slices.Contains(p.steps[id], want) {
			p.state[id] = want
		}
	}
}

func (p *modelRun) queue() {
	actions := p.actions()
	must(p.T, p.l.Queue(p.Context(), "signup", ledger.Key("signup", fmt.Sprint(p.Uint64())), "r", actions))
	if len(actions) > 0 {
		p.findQueued(actions)
	}
}

// findQueued finds the entry that was just made for actions.
func (p *modelRun) findQueued(actions []ledger.Action) {
	page, err := p.l.List(ledger.Filter{Key: actions[0].Key}, "", 9)
	must(p.T, err)
	for _, e := range page.Entries {
		if _, known := p.state[e.ID]; !known && e.State == ledger.Waiting {
			p.setSteps(e.ID, actions)
			return
		}
	}
	p.Fatalf("what was queued is not listed")
}

func (p *modelRun) take() {
	p.taken = append(p.taken, take(p.T, p.l, []string{"siem", "slack"}[p.IntN(2)], 1+p.IntN(5))...)
}

func (p *modelRun) recordOutcome() {
	if len(p.taken) == 0 {
		return
	}
	s := p.taken[0]
	p.taken = p.taken[1:]
	id, n := s.ID.Entry, s.ID.Index
	if p.steps[id][n] != ledger.Waiting || s.Attempts != p.tries[s.ID] {
		p.Fatalf("took %v: %v after %d attempts, want %d", s.ID, p.steps[id][n], s.Attempts, p.tries[s.ID])
	}
	switch p.IntN(4) {
	case 0:
		must(p.T, p.l.Retry(p.Context(), s.ID, p.clock.now().Add(time.Duration(p.IntN(300))*time.Second), "503"))
		p.tries[s.ID]++
		return
	case 1:
		must(p.T, p.l.Bury(p.Context(), s.ID, "410"))
		p.bury(s)
	default:
		must(p.T, p.l.Done(p.Context(), s.ID))
		p.setStep(id, n, ledger.Finished)
	}
}

// setStep sets the state of a step, and of the step that it comes from.
func (p *modelRun) setStep(id ledger.EntryID, n int, state ledger.State) {
	p.steps[id][n] = state
	p.summarize(id)
	if origin, ok := p.origins[id]; ok {
		p.setStep(origin.Entry, origin.Index, state)
	}
}

// bury finds the dead letter of a step: a new one, or the one that was redriven.
func (p *modelRun) bury(s ledger.Step) {
	page, err := p.l.List(ledger.Filter{State: ledger.Dead, Key: s.Key}, "", 2)
	must(p.T, err)
	if len(page.Entries) != 1 {
		p.Fatalf("buried %v, and its letters are %+v", s.ID, page.Entries)
	}
	e := page.Entries[0]
	origin, redriven := p.origins[s.ID.Entry]
	if !redriven {
		origin = s.ID
		p.origins[e.ID], p.steps[e.ID] = origin, []ledger.State{ledger.Waiting}
	}
	if e.Steps[0].Attempts != p.tries[s.ID]+1 || e.Origin != origin.Entry || redriven && e.ID != s.ID.Entry {
		p.Fatalf("buried %v, and its letter is %+v", s.ID, e)
	}
	p.setStep(e.ID, 0, ledger.Dead)
	p.letters[e.ID] = s.Key
}

func (p *modelRun) note() {
	id := ledger.Key("signup", fmt.Sprint(p.IntN(100)))
	p.l.Note(id)
	p.ids[id] = true
}

// redriveOrDrop redrives or drops a dead letter.
func (p *modelRun) redriveOrDrop() {
	if len(p.letters) == 0 {
		return
	}
	id := slices.Sorted(maps.Keys(p.letters))[p.IntN(len(p.letters))]
	do, state := p.l.Redrive, ledger.Waiting
	if p.IntN(2) == 0 {
		do, state = p.l.Drop, ledger.Dropped
	}
	n, err := do(p.Context(), ledger.Filter{IDs: []ledger.EntryID{id}})
	must(p.T, err)
	if n != 1 {
		p.Fatalf("changed %d of 1", n)
	}
	delete(p.letters, id)
	delete(p.tries, ledger.StepID{Entry: id})
	p.setStep(id, 0, state)
	if state == ledger.Dropped {
		delete(p.state, id)
		delete(p.steps, id)
	}
}

// moveClock sets the clock: on as a rule, now and then far in either direction.
func (p *modelRun) moveClock() {
	if p.IntN(4) > 0 || p.jumps > 20 { // twenty hours at most: what is finished stays listed
		p.clock.move(time.Duration(p.IntN(5)) * time.Second)
		return
	}
	p.jumps++
	p.clock.move([]time.Duration{time.Hour, -time.Hour, 240 * time.Hour, -240 * time.Hour, 90 * time.Second}[p.IntN(5)])
}

// restart closes the ledger and opens it, or leaves it and opens a copy of its files.
func (p *modelRun) restart() {
	p.release()
	p.taken = nil // they come again
	if p.IntN(2) == 0 {
		p.l = reopen(p.T, p.l, p.o)
		return
	}
	deadline := time.Now().Add(time.Minute)
	for id := range p.ids { // what is noted is not acknowledged
		for !p.l.IsKnown(id) && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
	}
	copied := filepath.Join(p.dir, fmt.Sprint(p.Uint64()))
	for _, ext := range []string{"", ".id"} {
		file, err := os.ReadFile(p.o.Path + ext)
		must(p.T, err)
		must(p.T, os.WriteFile(copied+ext, file, 0o600))
	}
	must(p.T, p.l.Close())
	checkWithBolt(p.T, copied)
	p.o.Path = copied
	p.l = openLedger(p.T, p.o)
}

// compare holds everything that the ledger lists against the model.
func (p *modelRun) compare() {
	got := listStates(p.T, p.l, ledger.Filter{})
	recorded := 0
	for id, state := range got {
		if state == ledger.Recorded {
			recorded++
		} else if p.state[id] != state {
			p.Fatalf("%s is %s, want %q", id, state, p.state[id])
		}
	}
	if recorded != len(p.order) {
		p.Fatalf("%d events wait for their rules, want %d", recorded, len(p.order))
	}
	open := 0
	for id, state := range p.state {
		if state != ledger.Recorded && got[id] != state {
			p.Fatalf("%s is %q, want %s", id, got[id], state)
		}
		for _, s := range p.steps[id] {
			if s == ledger.Waiting {
				open++
			}
		}
	}
	for id := range p.origins { // the event's step waits for the redriven one, which is the same
		if len(p.steps[id]) > 0 && p.steps[id][0] == ledger.Waiting {
			open--
		}
	}
	if s := p.l.Stats(); s.Steps != open || s.Unplanned != recorded || s.Dead != int64(len(p.letters)) {
		p.Fatalf("%d steps, %d events, %d letters; want %d, %d, %d", s.Steps, s.Unplanned, s.Dead, open, recorded, len(p.letters))
	}
	for id := range p.ids {
		if !p.l.IsKnown(id) {
			p.Fatalf("id %v is forgotten", id)
		}
	}
}
