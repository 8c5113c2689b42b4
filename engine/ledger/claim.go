package ledger

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Claim waits for recorded events before their rules, and returns up to n of them: hooks in turn,
// the events of each hook in the order of recording. Each is the caller's until Plan or Release;
// after a crash all return to the queue. Errors: the context's, ErrBroken, ErrClosed.
func (l *Ledger) Claim(ctx context.Context, n int) ([]Task, error) {
	for {
		l.mu.Lock()
		var items []*item
		for len(items) < n {
			it := l.backlog.claimNext()
			if it == nil {
				break
			}
			items = append(items, it)
		}
		changed := l.backlog.changed
		l.mu.Unlock()
		if len(items) > 0 {
			return l.readTasks(items)
		}
		if err := l.wait(ctx, changed, nil); err != nil {
			return nil, err
		}
	}
}

func (l *Ledger) readTasks(items []*item) ([]Task, error) {
	tasks := make([]Task, 0, len(items))
	err := l.view(func(tx *bolt.Tx) error {
		for _, it := range items {
			_, body, err := readRow(tx, it.at, kindEvent)
			if err != nil {
				return err
			}
			e, err := readEvent(body)
			if err != nil {
				return err
			}
			t := Task{Entry: it.entry(), Hook: it.hook, ID: it.id, Received: time.Unix(0, it.received)}
			t.Payload = append(t.Payload, e.payload...)
			tasks = append(tasks, t)
		}
		return nil
	})
	return tasks, err
}

// Release returns a claimed task to the queue before its rules have run.
func (l *Ledger) Release(t Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, it := l.findItem(t.Entry); it != nil && it.claimed && it.plan == 0 && !it.pending {
		l.backlog.enqueueEvent(it)
	}
}

// Take waits until steps for a destination are due, and returns up to n of them, the longest due
// first. Each is the caller's until Done, Retry, Bury or ReleaseStep; after a crash all return to
// the queue. Errors: the context's, ErrBroken, ErrClosed.
func (l *Ledger) Take(ctx context.Context, name string, n int) ([]Step, error) {
	return l.take(ctx, name, n, (*destination).oldestDue)
}

// TakeAny is Take in random order, with a preference for steps with fewer attempts. A probe of a
// failing destination must not use the one step that makes it fail.
func (l *Ledger) TakeAny(ctx context.Context, name string, n int) ([]Step, error) {
	return l.take(ctx, name, n, (*destination).leastTried)
}

func (l *Ledger) take(ctx context.Context, name string, n int, pick func(*destination, time.Time) int) ([]Step, error) {
	for {
		l.mu.Lock()
		d := l.backlog.destination(name)
		steps, plans := d.take(l.now(), n, pick)
		next, changed := d.nextDue(), d.changed
		l.mu.Unlock()
		if len(steps) > 0 {
			return steps, l.readActions(steps, plans)
		}
		if err := l.wait(ctx, changed, next); err != nil {
			return nil, err
		}
	}
}

// take removes up to n due steps from the queue. It returns them with the rows of their plans.
func (d *destination) take(now time.Time, n int, pick func(*destination, time.Time) int) (steps []Step, plans []position) {
	for len(steps) < n && d.steps.Len() > 0 && !d.steps.all[0].due.After(now) {
		s := heap.Remove(&d.steps, pick(d, now)).(*step)
		if s.destination == nil || s.pending {
			continue // dropped by an operator
		}
		s.taken = true
		steps = append(steps, s.asStep())
		plans = append(plans, position{slot: s.item.at.slot, row: s.item.plan})
	}
	return steps, plans
}

// oldestDue returns the index of the step that has been due the longest.
func (d *destination) oldestDue(time.Time) int { return 0 }

// leastTried returns, of a few random steps, the index of a due one with the fewest attempts.
func (d *destination) leastTried(now time.Time) int {
	const few = 16
	best := 0
	for n := range few {
		i := rand.IntN(d.steps.Len())
		s := d.steps.all[i]
		if !s.due.After(now) && (n == 0 || s.attempts < d.steps.all[best].attempts) {
			best = i
		}
	}
	return best
}

// nextDue returns when the first step of the queue is due; nil if it is empty.
func (d *destination) nextDue() *time.Time {
	if d.steps.Len() == 0 {
		return nil
	}
	due := d.steps.all[0].due
	return &due
}

func (s *step) asStep() Step {
	it := s.item
	return Step{
		ID: StepID{Entry: it.entry(), Index: int(s.number)}, Hook: it.hook, Event: it.id, Received: time.Unix(0, it.received), Attempts: s.attempts,
	}
}

// readActions reads the actions of steps from the rows of their plans.
func (l *Ledger) readActions(steps []Step, rows []position) error {
	return l.view(func(tx *bolt.Tx) error {
		for i := range steps {
			p, err := readPlanRow(tx, rows[i])
			if err != nil {
				return err
			}
			a := p.actions[steps[i].ID.Index]
			steps[i].Revision = p.revision
			steps[i].Action = Action{Destination: a.Destination, Key: a.Key, Spec: append([]byte(nil), a.Spec...)}
		}
		return nil
	})
}

// ReleaseStep returns a taken step to the queue without an attempt.
func (l *Ledger) ReleaseStep(id StepID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.findStep(id); s != nil && s.taken && !s.pending {
		l.backlog.enqueueStep(s)
	}
}

// Destinations returns the number of open steps of each destination that has any.
func (l *Ledger) Destinations() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make(map[string]int)
	for name, d := range l.backlog.destinations {
		if d.open > 0 {
			names[name] = d.open
		}
	}
	return names
}

// wait returns nil when changed is closed or the time next is reached.
func (l *Ledger) wait(ctx context.Context, changed <-chan struct{}, next *time.Time) error {
	var due <-chan time.Time
	if next != nil {
		t := time.NewTimer(next.Sub(l.now()))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-changed:
	case <-due:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.failed:
		return l.failure
	case <-l.stop:
		return ErrClosed
	}
	return nil
}

// findItem returns an open item and its slot; mu is held.
func (l *Ledger) findItem(id EntryID) (*slot, *item) {
	at, ok := l.positionOf(id)
	if !ok {
		return nil, nil
	}
	return l.itemAt(at)
}

// positionOf returns the place of an entry in a slot; mu is held.
func (l *Ledger) positionOf(id EntryID) (position, bool) {
	if number, ok := parseLetter(id); ok {
		at, ok := l.letters[number]
		return at, ok
	}
	return parsePosition(id)
}

// itemAt returns the open item at a position and its slot; mu is held.
func (l *Ledger) itemAt(at position) (*slot, *item) {
	s := l.slotOf(at.slot)
	if s == nil {
		return nil, nil
	}
	return s, s.items[at.row]
}

// slotOf returns a slot by its number; mu is held.
func (l *Ledger) slotOf(number uint32) *slot {
	for i := len(l.slots) - 1; i >= 0; i-- {
		if l.slots[i].number == number {
			return l.slots[i]
		}
	}
	return nil
}

// findStep returns an open step; mu is held.
func (l *Ledger) findStep(id StepID) *step {
	_, it := l.findItem(id.Entry)
	if it == nil || id.Index < 0 || id.Index >= len(it.steps) || it.steps[id.Index].destination == nil {
		return nil
	}
	return &it.steps[id.Index]
}

func (l *Ledger) allSlots() []*slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.slots
}

// view runs a read transaction. A failed read stops the ledger.
func (l *Ledger) view(do func(*bolt.Tx) error) error {
	select {
	case <-l.stop:
		return ErrClosed
	default:
	}
	if err := l.failureError(); err != nil {
		return err
	}
	l.dbMu.RLock()
	err := l.db.View(do)
	l.dbMu.RUnlock()
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	if err != nil {
		l.fail(err)
		return l.failureError()
	}
	return nil
}

// readRow returns the body of a row of a slot, if it is of one of these kinds. The body is a part
// of the file's map.
func readRow(tx *bolt.Tx, at position, want ...kind) (kind, []byte, error) {
	s := slot{number: at.slot}
	b := tx.Bucket(s.rowsName())
	if b == nil {
		return 0, nil, fmt.Errorf("%w: no slot %d", ErrDamaged, at.slot)
	}
	key := key32(at.row)
	h, body, err := openRow(key, b.Get(key))
	if err != nil || !slices.Contains(want, h.kind) || h.slot != at.slot {
		return 0, nil, fmt.Errorf("%w: row %s", ErrDamaged, at.id())
	}
	return h.kind, body, nil
}

// readPlanRow reads a plan, or a redriven dead letter.
func readPlanRow(tx *bolt.Tx, at position) (planBody, error) {
	k, body, err := readRow(tx, at, kindPlan, kindRedriven)
	if err != nil {
		return planBody{}, err
	}
	return readPlan(k, body)
}
