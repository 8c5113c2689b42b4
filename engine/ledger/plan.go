package ledger

import (
	"context"
	"fmt"
	"time"
)

// Plan records the actions that follow from a claimed task, under the revision of the Set; without
// actions the event is finished. When it returns nil, the rules of the task never run again.
// Errors: ErrGone when the task is not open, ErrLarge, ErrSpace, ErrBroken, ErrClosed, the
// context's.
func (l *Ledger) Plan(ctx context.Context, t Task, revision string, actions []Action) error {
	p := &planOp{
		body:  planBody{event: eventRowOf(t.Entry), at: l.now().UnixNano(), id: t.ID, hook: t.Hook, revision: revision, actions: actions},
		entry: t.Entry,
	}
	if err := p.prepare(); err != nil {
		return err
	}
	return l.submit(ctx, p, true)
}

// Queue records the actions of an inline call, to be delivered like an event's. The id is not
// checked against known calls. When it returns nil, they are on the disk. Errors: as for Accept,
// and ErrLarge.
func (l *Ledger) Queue(ctx context.Context, hook string, call ID, revision string, actions []Action) error {
	if len(actions) == 0 {
		return nil
	}
	p := &planOp{body: planBody{at: l.now().UnixNano(), id: call, hook: hook, revision: revision, actions: actions}}
	if err := p.prepare(); err != nil {
		return err
	}
	return l.submit(ctx, p, false)
}

// eventRowOf returns the row of a recorded event.
func eventRowOf(id EntryID) uint32 {
	at, _ := parsePosition(id)
	return at.row
}

// planOp is the operation of Plan, of Queue, and of a redriven dead letter.
type planOp struct {
	body  planBody
	row   []byte
	entry EntryID // of the event
	slot  *slot
	item  *item
	at    uint32
}

// prepare builds the row, which copies the actions, or returns ErrLarge.
func (p *planOp) prepare() error {
	if len(p.body.actions) > maxSteps {
		return fmt.Errorf("%w: %d actions of one event, at most %d", ErrLarge, len(p.body.actions), maxSteps)
	}
	size := 0
	for _, a := range p.body.actions {
		size += len(a.Spec)
	}
	if size > maxRow {
		return fmt.Errorf("%w: %d bytes of actions, at most %d", ErrLarge, size, maxRow)
	}
	p.row = planRow(p.body)
	if len(p.row) > maxRow {
		return fmt.Errorf("%w: %d bytes of actions, at most %d", ErrLarge, len(p.row), maxRow)
	}
	actions := make([]Action, len(p.body.actions))
	for i, a := range p.body.actions {
		actions[i].Destination = a.Destination // all that publish needs
	}
	p.body.actions = actions
	return nil
}

func (p *planOp) size() (int, class) {
	size := len(p.row) + 64
	switch {
	case p.body.event == 0:
		return size, classNew
	case len(p.body.actions) == 0 || size <= 512:
		return size, classMark
	}
	return size, classPlan
}

func (p *planOp) stage(c *commit) error {
	if p.body.event == 0 {
		p.slot = c.slot
		p.at = c.put(p.slot, p.row)
		p.item = &item{at: position{slot: p.slot.number, row: p.at}, letter: p.body.letter, hook: p.body.hook, id: p.body.id, received: p.body.at}
		p.slot.open++
		return nil
	}
	c.l.mu.Lock()
	p.slot, p.item = c.l.findItem(p.entry)
	gone := p.item == nil || p.item.plan != 0 || p.item.pending
	if !gone {
		p.item.pending = true
	}
	c.l.mu.Unlock()
	if gone {
		return ErrGone
	}
	if len(p.body.actions) == 0 {
		c.mark(p.slot, mark{row: p.body.event, out: outNothing, at: p.body.at})
		p.slot.open--
		return nil
	}
	p.at = c.put(p.slot, p.row)
	return nil
}

func (p *planOp) rollback(*Ledger) {
	if p.body.event != 0 {
		p.item.pending = false
	}
}

func (p *planOp) publish(l *Ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.backlog
	if p.body.event == 0 {
		p.item.hook = b.intern(p.item.hook)
		if p.item.letter != nil {
			l.letters[p.item.letter.number] = p.item.at
		}
		p.slot.items[p.at] = p.item
		b.open++
	} else {
		b.unplanned--
	}
	p.item.pending = false
	if len(p.body.actions) == 0 {
		b.finish(p.slot, p.item)
		return
	}
	b.setPlan(p.item, p.at, p.body.actions)
	b.enqueueSteps(p.item)
}

// Done records that a taken step was delivered. Errors: ErrGone when it is not open, ErrSpace,
// ErrBroken, ErrClosed, the context's.
func (l *Ledger) Done(ctx context.Context, id StepID) error {
	return l.recordOutcome(ctx, id, mark{out: outDone})
}

// Retry records a failed attempt at a taken step, and when the step is due again.
func (l *Ledger) Retry(ctx context.Context, id StepID, at time.Time, reason string) error {
	return l.recordOutcome(ctx, id, mark{out: outRetry, delay: int64(max(0, at.Sub(l.now()))), reason: truncateReason(reason)})
}

// Bury makes a taken step a dead letter, with the reason and its attempts.
func (l *Ledger) Bury(ctx context.Context, id StepID, reason string) error {
	return l.recordOutcome(ctx, id, mark{out: outBuried, reason: truncateReason(reason)})
}

func (l *Ledger) recordOutcome(ctx context.Context, id StepID, m mark) error {
	m.step, m.at = uint32(id.Index), l.now().UnixNano()
	return l.submit(ctx, &outcomeOp{id: id, mark: m, now: l.now()}, true)
}

// outcomeOp is the operation of Done, Retry and Bury.
type outcomeOp struct {
	id   StepID
	mark mark
	now  time.Time // with its monotonic part: a changed clock does not move a waiting retry
	slot *slot
	step *step
}

// size returns an estimate: the length of a dead letter's action is not known before stage.
func (s *outcomeOp) size() (int, class) {
	if s.mark.out == outBuried {
		return 128 + len(s.mark.reason), classPlan
	}
	return 128 + len(s.mark.reason), classMark
}

func (s *outcomeOp) stage(c *commit) error {
	c.l.mu.Lock()
	s.slot, _ = c.l.findItem(s.id.Entry)
	s.step = c.l.findStep(s.id)
	gone := s.step == nil || s.step.pending
	last := false
	if !gone {
		s.step.pending = true
		s.mark.row = s.step.item.at.row
		last = s.step.item.countEnding(s.mark.out)
	}
	c.l.mu.Unlock()
	if gone {
		return ErrGone
	}
	if s.mark.out == outBuried {
		if err := c.bury(s.step, s.mark); err != nil {
			return err
		}
	}
	if r := s.step.item.letter; r != nil && s.mark.out == outDone {
		c.markOrigin(r.origin, outLetterDone, s.mark.at)
	}
	if last {
		s.slot.open--
	}
	c.mark(s.slot, s.mark)
	return nil
}

func (s *outcomeOp) rollback(*Ledger) {
	s.step.pending = false
	if s.mark.out != outRetry {
		s.step.item.ending--
	}
}

// countEnding counts a step whose outcome is in a commit, and reports whether it is the last of its
// item.
func (it *item) countEnding(out outcome) bool {
	if out == outRetry {
		return false
	}
	it.ending++
	return it.ending == len(it.steps)
}

func (s *outcomeOp) publish(l *Ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s.mark.out {
	case outRetry:
		s.step.addAttempt(s.now, s.mark.reason)
		s.step.due = s.now.Add(time.Duration(s.mark.delay))
		l.backlog.enqueueStep(s.step)
	default:
		l.backlog.finishStep(s.slot, s.step)
	}
}
