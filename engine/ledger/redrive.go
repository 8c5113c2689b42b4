package ledger

import (
	"context"
	"time"
)

// operatorBatch is the maximum of entries that one commit of an operator changes.
const operatorBatch = 1000

// Redrive retries the matching entries at once: dead letters become open steps under their old ids
// and idempotency keys, and waiting steps become due. It returns the number of steps; with an
// error, the number until then.
func (l *Ledger) Redrive(ctx context.Context, f Filter) (int, error) {
	return l.changeSelected(ctx, f, outRedriven)
}

// Drop discards the matching entries that are not finished: events before their rules, open steps,
// dead letters. It skips the work that a worker holds. It returns the number of events and steps;
// with an error, the number until then.
func (l *Ledger) Drop(ctx context.Context, f Filter) (int, error) {
	return l.changeSelected(ctx, f, outDropped)
}

func (l *Ledger) changeSelected(ctx context.Context, f Filter, out outcome) (int, error) {
	var ops []*operatorOp
	var op *operatorOp
	at := l.now().UnixNano()
	err := l.scan(f, cursorStart{}, false, func(e Entry) bool {
		if op == nil || len(op.heads)+len(op.dead) == operatorBatch || op.bytes+e.bytes > maxRow {
			op = &operatorOp{out: out, at: at, destination: f.Destination}
			ops = append(ops, op)
		}
		if e.at == (position{}) {
			op.dead = append(op.dead, e.letter)
			op.bytes += e.bytes
		} else if e.State == Waiting || e.State == Recorded {
			op.heads = append(op.heads, e.at)
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	count := 0
	for _, op := range ops {
		if len(op.heads)+len(op.dead) == 0 {
			continue
		}
		if err := l.submit(ctx, op, true); err != nil {
			return count, err
		}
		count += op.count
	}
	return count, nil
}

// operatorOp is the operation of Redrive and Drop.
type operatorOp struct {
	out         outcome
	at          int64
	destination string // of the steps; "" for all
	heads       []position
	dead        []uint64
	bytes       int // of the dead letters

	count  int
	events []*item // dropped
	steps  []*step
	slots  map[*item]*slot
	plans  []*planOp // of dead letters
}

func (m *operatorOp) size() (int, class) {
	if m.out == outDropped {
		return 64 * (len(m.heads) + len(m.dead)), classMark
	}
	return 64*len(m.heads) + 128*len(m.dead) + m.bytes, classNew
}

func (m *operatorOp) stage(c *commit) error {
	m.slots = make(map[*item]*slot)
	c.l.mu.Lock()
	for _, r := range m.heads {
		if s, it := c.l.itemAt(r); it != nil && !it.pending {
			m.slots[it] = s
			m.stageItem(c, s, it)
		}
	}
	c.l.mu.Unlock()
	return m.stageLetters(c)
}

// stageItem selects the steps of an item that may be changed; mu is held.
func (m *operatorOp) stageItem(c *commit, s *slot, it *item) {
	if it.plan == 0 {
		if m.out == outDropped && !it.claimed {
			it.pending = true
			s.open--
			m.events = append(m.events, it)
			c.mark(s, mark{row: it.at.row, out: m.out, at: m.at})
			m.count++
		}
		return
	}
	for i := range it.steps {
		st := &it.steps[i]
		if st.destination == nil || st.taken || st.pending || m.destination != "" && st.destination.name != m.destination {
			continue
		}
		if m.out == outRedriven && st.due.IsZero() {
			continue
		}
		if m.out == outDropped {
			st.pending = true
			if it.countEnding(m.out) {
				s.open--
			}
		}
		if it.letter != nil && m.out == outDropped {
			c.markOrigin(it.letter.origin, outLetterDropped, m.at)
		}
		m.steps = append(m.steps, st)
		c.mark(s, mark{row: it.at.row, step: st.number, out: m.out, at: m.at})
		m.count++
	}
}

func (m *operatorOp) stageLetters(c *commit) error {
	b := c.tx.Bucket(bucketDead)
	for _, n := range m.dead {
		key := key64(n)
		row := b.Get(key)
		if row == nil {
			continue
		}
		_, body, err := openRow(key, row)
		if err != nil {
			c.setError(err)
			return err
		}
		d, err := readDead(body)
		if err != nil {
			c.setError(err)
			return err
		}
		if m.out == outDropped {
			c.markOrigin(d.origin, outLetterDropped, m.at)
		} else {
			c.markOrigin(d.origin, outLetterRedriven, m.at)
			p := &planOp{body: planBody{letter: &letter{number: n, origin: d.origin, received: d.received}, at: m.at, id: d.id, hook: d.hook, revision: d.revision, actions: []Action{d.action}}}
			if err := p.prepare(); err != nil {
				return err
			}
			_ = p.stage(c)
			m.plans = append(m.plans, p)
		}
		c.dropDead(b, key, row)
		m.count++
	}
	return nil
}

func (m *operatorOp) rollback(*Ledger) {
	for _, it := range m.events {
		it.pending = false
	}
	if m.out == outDropped {
		for _, st := range m.steps {
			st.pending = false
			st.item.ending--
		}
	}
	m.count, m.events, m.steps, m.plans = 0, nil, nil, nil
}

func (m *operatorOp) publish(l *Ledger) {
	for _, p := range m.plans {
		p.publish(l)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range m.events {
		l.backlog.unplanned--
		l.backlog.finish(m.slots[it], it)
	}
	if m.out == outRedriven {
		l.backlog.makeDue(m.steps)
		return
	}
	for _, s := range m.steps {
		s.due = time.Time{}
		l.backlog.finishStep(m.slots[s.item], s)
	}
}
