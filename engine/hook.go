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
	Answered   Outcome = iota // a rule contributed to the answer
	Silent                    // no rule contributed
	Denied                    // a rule denied
	Failed                    // a rule failed and its hook's failure answer went out
	Shed                      // too many calls at one time; no rule ran
	Late                      // the deadline passed before a rule ran, or before an identical call ended
	Recorded                  // an event hook's delivery is in the ledger
	Unrecorded                // the delivery is not in the ledger, or that is unknown
	outcomeCount
)

var outcomeNames = [outcomeCount]string{"answered", "silent", "denied", "failed", "shed", "late", "recorded", "unrecorded"}

// String is the outcome's word in metrics and logs.
func (o Outcome) String() string { return outcomeNames[o] }

// possibleFor reports whether calls of a type can end so.
func (o Outcome) possibleFor(t hook.Type) bool {
	if t.Inline() {
		return o < Recorded
	}
	return o >= Shed
}

// Reply is the answer to a call. Every Reply has a Body that is valid for the hook's type and is
// sent with status 200: a decision is never expressed as a status (hooks.md section 1).
type Reply struct {
	Body    []byte // JSON; shared with repeats of the call: read only
	Outcome Outcome
	Repeat  bool     // answered before, with these bytes
	Twin    bool     // answered with the reply to an identical call that was in progress
	Rules   []string // first 20 matched rules, in order; shared: read only
}

// Hook is one hook of a leased Set.
type Hook struct {
	Rules    *rules.Hook // name, path, type, credentials and rules
	e        *Engine
	revision string // of its Set
	stats    *hookStats
	org      *org // nil if the policy has no orgs
	orgLimit int64
	replays  replayCache
	decide   func(*hook.Call, *rules.Decision) // the rules' Decide
	limit    int64
	// ruleStats are the counters of each rule, by the rule's place in the hook.
	ruleStats   []*ruleStats
	nameSets    nameSetCache
	secretStats []*secretStats // of each of the hook's secrets, by place
}

// Revision is that of the hook's Set.
func (h *Hook) Revision() string { return h.revision }

// newHook prepares a hook of a Set that is to be live. The caller holds e.mu.
func (e *Engine) newHook(r *rules.Hook, revision string, t *hookStats, among int) *Hook {
	h := &Hook{Rules: r, e: e, revision: revision, stats: t, decide: r.Decide, limit: int64(r.Concurrency)}
	if h.limit <= 0 {
		h.limit = int64(e.o.HookConcurrency)
	}
	h.replays.init(e.o.Remember, e.o.RememberBytes/int64(among))
	h.ruleStats = t.adoptRules(r.RuleNames())
	h.secretStats = t.adoptSecrets(r.Secrets())
	return h
}

var decisions = sync.Pool{New: func() any { return new(rules.Decision) }}

// Answer decides a call, on the caller's goroutine, while the caller holds the hook's lease. It
// returns by the call's deadline, at the latest Patience after its start, if the hook's rules keep
// to theirs.
//
// A call that this Set has answered before (same eventId and same bytes) gets the same answer. If
// an identical call is in progress, Answer waits for its reply (single flight). Calls without an
// eventId are never considered identical.
func (h *Hook) Answer(c *hook.Call) Reply {
	now := time.Now()
	h.setDeadline(c, now)
	r := h.answer(c, now)
	h.stats.record(r, time.Since(c.Start))
	return r
}

// setDeadline sets a missing start and deadline of the call, and limits the deadline to Patience.
func (h *Hook) setDeadline(c *hook.Call, now time.Time) {
	if c.Start.IsZero() {
		c.Start = now
	}
	if last := c.Start.Add(Patience); c.Deadline.IsZero() || c.Deadline.After(last) {
		c.Deadline = last
	}
}

func (h *Hook) answer(c *hook.Call, now time.Time) Reply {
	if c.ID == "" || len(c.ID) > maxID {
		if o, ok := h.acquire(c, now); !ok {
			return h.failure(o)
		}
		defer h.release()
		return h.run(c)
	}
	k := h.replays.key(c.ID, c.Doc.Root().Raw())
	s := h.replays.shard(k)
	s.mu.Lock()
	if e := s.find(k, c.ID, now); e != nil {
		return h.answerRepeat(s, e, c, now)
	}
	if o, ok := h.acquire(c, now); !ok {
		s.mu.Unlock()
		return h.failure(o)
	}
	e := s.start(k, c.ID)
	s.mu.Unlock()
	return h.runLeader(s, e, c, now)
}

// runLeader runs the rules for the first of several identical calls. It releases the waiting calls
// in all cases, also after a panic.
func (h *Hook) runLeader(s *cacheShard, e *replayEntry, c *hook.Call, now time.Time) (r Reply) {
	r = h.failure(Failed) // reply after a panic, which the gate recovers
	defer func() {
		h.release()
		s.finish(e, r, now)
	}()
	r = h.run(c)
	return r
}

// answerRepeat answers a call that is identical to an earlier one. The caller holds s.mu;
// answerRepeat releases it.
func (h *Hook) answerRepeat(s *cacheShard, e *replayEntry, c *hook.Call, now time.Time) Reply {
	if e.done {
		r := e.reply
		s.mu.Unlock()
		r.Repeat = true
		return r
	}
	if e.wait == nil {
		e.wait = make(chan struct{})
	}
	wait := e.wait
	s.mu.Unlock()
	deadline := time.NewTimer(c.Deadline.Sub(now))
	defer deadline.Stop()
	select {
	case <-wait:
		r := e.reply // written before wait was closed, and never again
		r.Twin = true
		return r
	case <-deadline.C:
		return h.failure(Late)
	}
}

func (h *Hook) failure(o Outcome) Reply { return Reply{Body: h.Rules.Failure, Outcome: o} }

// acquire acquires a slot for running rules: of the hook, of its org and of the engine. If one is
// exhausted, the outcome is the reason.
func (h *Hook) acquire(c *hook.Call, now time.Time) (Outcome, bool) {
	if !now.Before(c.Deadline) {
		return Late, false
	}
	if h.stats.running.Add(1) > h.limit {
		h.stats.running.Add(-1)
		return Shed, false
	}
	if !h.org.acquire(h.orgLimit) {
		h.stats.running.Add(-1)
		return Shed, false
	}
	if h.e.running.Add(1) > int64(h.e.o.Concurrency) {
		h.release()
		return Shed, false
	}
	return Answered, true
}

func (h *Hook) release() {
	h.stats.running.Add(-1)
	h.org.release()
	h.e.running.Add(-1)
}

func (h *Hook) run(c *hook.Call) Reply {
	d := decisions.Get().(*rules.Decision) // after a panic it is dropped: its state is unknown
	h.decide(c, d)
	r := Reply{Body: d.Answer, Outcome: outcomeOf(d.Outcome), Rules: h.nameSets.lookup(d, h.ruleStats)}
	h.recordDecision(c, d, h.e.log)
	h.recordAnswered(c, d)
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

// recordDecision counts the results of the rules for one call, and logs their texts. Failures are
// logged unless failures is nil.
func (h *Hook) recordDecision(c *hook.Call, d *rules.Decision, failures *decisionLog) {
	for i := range d.Results {
		r := &d.Results[i]
		if r.Matched {
			h.ruleStats[r.Rule].matches.Add(1)
		}
		if r.Time > 0 {
			h.ruleStats[r.Rule].module.record(r)
		}
		if r.Err != nil {
			h.stats.recordFailure(h.ruleStats[r.Rule].rule, r.Err)
			if failures != nil {
				failures.logFailure(h, c.ID, r.Rule, r.Err)
			}
		}
	}
	for i := range d.Logs {
		h.e.log.logText(h, c.ID, d.Logs[i])
	}
	if n := len(d.Conflicts); n > 0 {
		h.stats.conflicts.Add(uint64(n))
	}
}
