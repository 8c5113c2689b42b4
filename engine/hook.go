package engine

import (
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Outcome is how a call ended.
type Outcome uint8

// The outcomes. The first four are the rules' own.
const (
	Answered   Outcome = iota // a rule had something to say
	Silent                    // no rule had
	Denied                    // a rule refused
	Failed                    // a rule failed and its hook's failure answer went out
	Shed                      // too many calls at one time; no rule ran
	Late                      // the deadline came first; no rule ran, or a twin's did not end
	Recorded                  // an event hook's delivery is in the ledger
	Unrecorded                // it is not, or nobody knows
	outcomes
)

var outcomeNames = [outcomes]string{"answered", "silent", "denied", "failed", "shed", "late", "recorded", "unrecorded"}

// String is the outcome's word in metrics and logs.
func (o Outcome) String() string { return outcomeNames[o] }

// of reports whether calls of a type can end so.
func (o Outcome) of(t hook.Type) bool {
	if t.Inline() {
		return o < Recorded
	}
	return o >= Shed
}

// Reply is what a call is answered with. Every Reply has a Body that is valid for the hook's type and goes out with status
// 200: a business decision is never a status (hooks.md section 1).
type Reply struct {
	Body    []byte // JSON; shared with repeats of the call, so never to be changed
	Outcome Outcome
	Repeat  bool     // answered before, with these bytes
	Twin    bool     // answered with what the same call, already under way, was answered with
	Rules   []string // that matched, in order, the first 20 of them; shared, so never to be changed
}

// Hook is one hook of a leased Set.
type Hook struct {
	Rules    *rules.Hook // name, path, type, credentials and rules
	e        *Engine
	revision string // of its Set
	tally    *tally
	org      *org // nil: the policy has none
	orgCap   int64
	memory   memory
	decide   func(*hook.Call, *rules.Decision) // the rules' Decide
	cap      int64
	// matched has the counter of each rule's matches, by the rule's place in the hook.
	matched  []*counter
	together combinations
	used     []*usage // of each of the hook's secrets, by place
}

// Revision is that of the hook's Set.
func (h *Hook) Revision() string { return h.revision }

// newHook prepares a hook of a Set that is to be live. The caller holds e.mu.
func (e *Engine) newHook(r *rules.Hook, revision string, t *tally, among int) *Hook {
	h := &Hook{Rules: r, e: e, revision: revision, tally: t, decide: r.Decide, cap: int64(r.Concurrency)}
	if h.cap <= 0 {
		h.cap = int64(e.o.HookConcurrency)
	}
	h.memory.init(e.o.Remember, e.o.RememberBytes/int64(among))
	h.matched = t.rulesOf(r.RuleNames())
	h.used = t.secretsOf(r.Secrets())
	return h
}

var decisions = sync.Pool{New: func() any { return new(rules.Decision) }}

// Answer decides a call, on the caller's goroutine. The hook's lease is held meanwhile. It returns by the call's deadline,
// Patience after its start at the latest, as far as the hook's rules keep theirs.
//
// A call that was answered before by this Set (the same eventId and the same bytes) gets the same answer; one whose twin is
// being decided now waits for that. A call without an eventId is neither: nothing says that it is the same one.
func (h *Hook) Answer(c *hook.Call) Reply {
	now := time.Now()
	h.bound(c, now)
	r := h.answer(c, now)
	h.tally.count(r, time.Since(c.Start))
	return r
}

// bound fills in what the call leaves out, and holds its deadline under Patience.
func (h *Hook) bound(c *hook.Call, now time.Time) {
	if c.Start.IsZero() {
		c.Start = now
	}
	if last := c.Start.Add(Patience); c.Deadline.IsZero() || c.Deadline.After(last) {
		c.Deadline = last
	}
}

func (h *Hook) answer(c *hook.Call, now time.Time) Reply {
	if c.ID == "" || len(c.ID) > maxID {
		if o, ok := h.enter(c, now); !ok {
			return h.failure(o)
		}
		defer h.exit()
		return h.run(c)
	}
	k := h.memory.key(c.ID, c.Doc.Root().Raw())
	s := h.memory.shard(k)
	s.mu.Lock()
	if m := s.find(k, c.ID, now); m != nil {
		return h.again(s, m, c, now)
	}
	if o, ok := h.enter(c, now); !ok {
		s.mu.Unlock()
		return h.failure(o)
	}
	m := s.begin(k, c.ID)
	s.mu.Unlock()
	return h.lead(s, m, c, now)
}

// lead runs the rules for a call that no twin has run before. Whatever happens, its twins are released.
func (h *Hook) lead(s *shard, m *memo, c *hook.Call, now time.Time) (r Reply) {
	r = h.failure(Failed) // stays when the run panics; the panic itself is the gate's to catch
	defer func() {
		h.exit()
		s.end(m, r, now)
	}()
	r = h.run(c)
	return r
}

// again answers a call whose twin has been here before. It is called with s.mu held and releases it.
func (h *Hook) again(s *shard, m *memo, c *hook.Call, now time.Time) Reply {
	if m.done {
		r := m.reply
		s.mu.Unlock()
		r.Repeat = true
		return r
	}
	if m.wait == nil {
		m.wait = make(chan struct{})
	}
	wait := m.wait
	s.mu.Unlock()
	deadline := time.NewTimer(c.Deadline.Sub(now))
	defer deadline.Stop()
	select {
	case <-wait:
		r := m.reply // written before wait was closed, and never again
		r.Twin = true
		return r
	case <-deadline.C:
		return h.failure(Late)
	}
}

func (h *Hook) failure(o Outcome) Reply { return Reply{Body: h.Rules.Failure, Outcome: o} }

// enter takes one of the places for calls that run rules, of the hook, of its org and of the engine. Without one the outcome says why.
func (h *Hook) enter(c *hook.Call, now time.Time) (Outcome, bool) {
	if !now.Before(c.Deadline) {
		return Late, false
	}
	if h.tally.running.Add(1) > h.cap {
		h.tally.running.Add(-1)
		return Shed, false
	}
	if !h.org.enter(h.orgCap) {
		h.tally.running.Add(-1)
		return Shed, false
	}
	if h.e.running.Add(1) > int64(h.e.o.Concurrency) {
		h.exit()
		return Shed, false
	}
	return Answered, true
}

func (h *Hook) exit() {
	h.tally.running.Add(-1)
	h.org.exit()
	h.e.running.Add(-1)
}

func (h *Hook) run(c *hook.Call) Reply {
	d := decisions.Get().(*rules.Decision) // not put back when the run panics: nobody knows what it is then
	h.decide(c, d)
	r := Reply{Body: d.Answer, Outcome: outcomeOf(d.Outcome), Rules: h.together.of(d, h.matched)}
	h.note(c, d, h.e.log)
	h.after(c, d)
	d.Answer = nil
	decisions.Put(d)
	return r
}

func outcomeOf(o rules.Outcome) Outcome {
	switch o {
	case rules.Answered:
		return Answered
	case rules.Silent:
		return Silent
	case rules.Denied:
		return Denied
	default:
		return Failed
	}
}

// note counts what the rules of one call did, and logs it. Failures may be nil: they are not logged.
func (h *Hook) note(c *hook.Call, d *rules.Decision, failures *notes) {
	for i := range d.Results {
		r := &d.Results[i]
		if r.Matched {
			h.matched[r.Rule].n.Add(1)
		}
		if r.Time > 0 {
			h.matched[r.Rule].guest.ran(r)
		}
		if r.Err != nil {
			h.tally.failed(h.matched[r.Rule].rule, r.Err)
			if failures != nil {
				failures.failed(h, c.ID, r.Rule, r.Err)
			}
		}
	}
	for i := range d.Logs {
		h.e.log.said(h, c.ID, d.Logs[i])
	}
	if n := len(d.Conflicts); n > 0 {
		h.tally.conflicts.Add(uint64(n))
	}
}
