package ledger

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// backlog is the open work: events before their rules, and the steps of planned events. It is in
// memory only; the rows of the file rebuild it. The ledger's mu guards it.
type backlog struct {
	events       map[string]*priorityQueue[*item] // unclaimed, by hook, each in the order of recording
	rotation     []*priorityQueue[*item]          // the same queues, in round-robin order
	nextTurn     int                              // index in rotation
	destinations map[string]*destination
	names        map[string]string // interned names of hooks
	changed      chan struct{}     // closed when an event is added
	open         int               // items
	steps        int               // open steps
	unplanned    int
}

// item is an open entry: an event, the actions of an inline call, or a redriven dead letter.
type item struct {
	at       position
	letter   *letter // of a redriven dead letter; nil: of an event or an inline call
	hook     string
	id       ID
	received int64
	plan     uint32 // the row with its actions; 0 while its rules have not run
	steps    []step // by number
	open     int    // of them
	ending   int    // steps that are finished or whose outcome is in a commit; the committer's count
	lost     bool   // the event's row is missing; the plan is not
	claimed  bool   // by a worker
	finished bool
	pending  bool // an outcome of the whole item is in a commit
}

// entry returns the id of the item.
func (it *item) entry() EntryID {
	if it.letter != nil {
		return letterID(it.letter.number)
	}
	return it.at.id()
}

// step is an open or finished action of an item.
type step struct {
	item        *item
	number      uint32
	destination *destination // nil: finished
	due         time.Time    // zero: at once
	taken       bool
	pending     bool
	attempts    int
	history     []Attempt
}

// destination is the queue of the steps for one destination. No destination waits for another.
type destination struct {
	name    string
	steps   priorityQueue[*step] // not taken, by due time
	open    int
	changed chan struct{} // closed when a step is added
}

func (b *backlog) init() {
	b.events = make(map[string]*priorityQueue[*item])
	b.destinations = make(map[string]*destination)
	b.names = make(map[string]string)
	b.changed = make(chan struct{})
}

// intern returns one shared copy of a name, so 100,000 items do not each keep their own.
func (b *backlog) intern(name string) string {
	if known, ok := b.names[name]; ok {
		return known
	}
	b.names[name] = name
	return name
}

func (b *backlog) destination(name string) *destination {
	d := b.destinations[name]
	if d == nil {
		d = &destination{name: name, changed: make(chan struct{})}
		d.steps.less = func(x, y *step) bool {
			return cmp.Or(x.due.Compare(y.due), cmp.Compare(x.item.at.slot, y.item.at.slot), cmp.Compare(x.item.at.row, y.item.at.row),
				cmp.Compare(x.number, y.number)) < 0
		}
		b.destinations[name] = d
	}
	return d
}

// addEvent adds an event before its rules have run.
func (b *backlog) addEvent(s *slot, it *item) {
	s.items[it.at.row] = it
	b.open++
	b.unplanned++
	b.enqueueEvent(it)
}

// enqueueEvent makes an event available to Claim.
func (b *backlog) enqueueEvent(it *item) {
	it.claimed = false
	q := b.events[it.hook]
	if q == nil {
		q = &priorityQueue[*item]{less: func(x, y *item) bool { return x.at.before(y.at) }}
		b.events[it.hook] = q
		b.rotation = append(b.rotation, q)
	}
	heap.Push(q, it)
	close(b.changed)
	b.changed = make(chan struct{})
}

// claimNext removes the next event from the queue of the next hook, round robin: a hook with
// thousands of events does not delay another. It returns nil if there is no event.
func (b *backlog) claimNext() *item {
	for range b.rotation {
		q := b.rotation[b.nextTurn]
		b.nextTurn = (b.nextTurn + 1) % len(b.rotation)
		for q.Len() > 0 {
			if it := heap.Pop(q).(*item); !it.finished && !it.pending {
				it.claimed = true
				return it
			}
		}
	}
	return nil
}

// setPlan adds the steps of a plan to an item that is in its slot already.
func (b *backlog) setPlan(it *item, row uint32, actions []Action) {
	it.plan, it.open = row, len(actions)
	it.steps = make([]step, len(actions))
	for i, a := range actions {
		it.steps[i] = step{item: it, number: uint32(i), destination: b.destination(a.Destination)}
		it.steps[i].destination.open++
		b.steps++
	}
}

// enqueueSteps makes the open steps of an item due.
func (b *backlog) enqueueSteps(it *item) {
	for i := range it.steps {
		if it.steps[i].destination != nil {
			b.enqueueStep(&it.steps[i])
		}
	}
}

func (b *backlog) enqueueStep(s *step) {
	s.taken, s.pending = false, false
	d := s.destination
	heap.Push(&d.steps, s)
	close(d.changed)
	d.changed = make(chan struct{})
}

// makeDue makes waiting steps due at once. It takes all steps together because each queue is then
// sorted once.
func (b *backlog) makeDue(steps []*step) {
	lines := make(map[*destination]bool)
	for _, s := range steps {
		s.due = time.Time{}
		lines[s.destination] = true
	}
	for d := range lines {
		heap.Init(&d.steps)
		close(d.changed)
		d.changed = make(chan struct{})
	}
}

// finishStep closes a step, and its item after the last step. A step that was not taken stays in
// its queue until Take skips it.
func (b *backlog) finishStep(sl *slot, s *step) {
	s.destination.open--
	s.destination, s.history = nil, nil
	b.steps--
	if s.item.open--; s.item.open == 0 {
		b.finish(sl, s.item)
	}
}

// finish removes an item. An event that was not claimed stays in its queue until Claim skips it.
func (b *backlog) finish(s *slot, it *item) {
	it.finished = true
	delete(s.items, it.at.row)
	b.open--
}

// addAttempt appends to the history of a step.
func (s *step) addAttempt(at time.Time, text string) {
	s.attempts++
	if len(s.history) == maxHistory {
		s.history = slices.Delete(s.history, 0, 1)
	}
	s.history = append(s.history, Attempt{At: at, Outcome: text})
}

// priorityQueue is a heap with its own order.
type priorityQueue[T any] struct {
	all  []T
	less func(x, y T) bool
}

func (l *priorityQueue[T]) Len() int           { return len(l.all) }
func (l *priorityQueue[T]) Less(i, j int) bool { return l.less(l.all[i], l.all[j]) }
func (l *priorityQueue[T]) Swap(i, j int)      { l.all[i], l.all[j] = l.all[j], l.all[i] }
func (l *priorityQueue[T]) Push(x any)         { l.all = append(l.all, x.(T)) }
func (l *priorityQueue[T]) Pop() any {
	last := len(l.all) - 1
	x := l.all[last]
	var none T
	l.all[last] = none
	l.all = l.all[:last]
	return x
}
