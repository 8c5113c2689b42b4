package rules

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// ErrBug: a rule's run panicked. It is a fault of this program's, never of the rule's or the payload's.
var ErrBug = errors.New("a fault of the server's")

// Outcome is how a hook came to its answer.
type Outcome uint8

// The outcomes.
const (
	Silent   Outcome = iota // no rule had anything to say
	Answered                // a rule had
	Denied                  // a rule refused
	Failed                  // the failure answer goes out: the budget ran out, or a rule failed that fails closed
)

var outcomeNames = [...]string{"silent", "answered", "denied", "failed"}

// String is the outcome's word in metrics and logs.
func (o Outcome) String() string { return outcomeNames[o] }

// Decision is what a hook has decided on a call. Decide fills it anew each time and keeps its memory.
type Decision struct {
	Answer    []byte // never changed afterwards, never pooled: it may be kept and shared
	Outcome   Outcome
	Exhausted bool         // the hook's own budget ran out: whatever the rules say of failures, the hook's failure answer goes out
	Results   []RuleResult // of the rules that matched or failed, and those whose module had no opinion, in order
	Logs      []Log
	Conflicts []hook.Conflict
	Actions   []hook.Action
	Fuel      int64  // spent by the whole chain
	Trace     *Trace // set by the caller to be told why; nil: nothing is traced
	Fixed     *Fixed // set by the caller, for a test; nil: the clock's time, and the call's own randomness
	Masked    bool   // set by the caller: what rules write that carries a secret is expr.Mask, see Hook.Shown
}

// Fixed is a clock that stands still and randomness that is known.
type Fixed struct {
	Now  time.Time
	Seed [32]byte
}

// testLeniency is how much longer a test's call may take than its budgets say. It is fuel that ends a test, so that it passes on a
// machine that has much else to do as it does on others.
const testLeniency = 30 * time.Second

// RuleResult is what became of one rule that matched or failed, or whose module had no opinion.
type RuleResult struct {
	Rule    int   // its place in the hook, from 0
	Matched bool  // its condition held, and its module had an opinion; also of a rule that failed afterwards
	Err     error // why it failed; wraps one of runtime's reasons, hook.ErrContract or ErrBug
	Fuel    int64
	Memory  int64         // of a module: bytes, at its peak
	Time    time.Duration // of a module
}

// Log is a line a rule wants in the server's log.
type Log struct {
	Rule, Text string
	Module     bool // these are a module's own words, which may have anything of the call in them
}

// chain is one call's way through a hook's rules.
type chain struct {
	hook             *Hook
	run              runtime.Run
	meter            runtime.Meter
	merge            hook.Merge
	draft            hook.Draft
	event            jsondoc.Node  // what the rules decide on
	rule             int           // under way
	matchedByAbsence bool          // it matches only because something is missing
	last             bool          // it ends the chain if it matches
	moduleTime       time.Duration // by its module
	selected         ruleSet
	senders          []int // the rule of each action, or dropped
	actionBytes      int   // bytes of the actions, at most
	stampBuffer      []byte
}

var chains = sync.Pool{New: func() any { return new(chain) }}

// Decide runs the hook's rules on a call, on the caller's goroutine, within the hook's budget and the call's deadline.
// Whatever happens, d.Answer is valid for the hook's type. Of an event hook's delivery it decides on the first event, and
// the answer is empty.
func (h *Hook) Decide(c *hook.Call, d *Decision) {
	*d = Decision{Answer: h.Failure, Outcome: Failed, Results: d.Results[:0], Logs: d.Logs[:0], Conflicts: d.Conflicts[:0], Actions: d.Actions[:0], Trace: d.Trace, Fixed: d.Fixed, Masked: d.Masked}
	k := chains.Get().(*chain)
	defer func() {
		if p := recover(); p != nil { // k is not used again: nobody knows what it is now
			d.Answer, d.Outcome, d.Actions = h.Failure, Failed, d.Actions[:0]
			d.Results = append(d.Results, RuleResult{Rule: k.rule, Err: bug(p)})
			return
		}
		k.release()
	}()
	k.begin(h, c, d.Fixed)
	k.run.Scratch.Masked = d.Masked
	if d.Trace != nil {
		d.Trace.begin(k)
	}
	if h.Type.Inline() {
		k.decide(d)
	} else {
		k.decideEvent(d)
	}
	k.actions(d)
	d.Fuel = k.meter.Spent()
	d.Conflicts = append(d.Conflicts, k.merge.Conflicts()...)
	if d.Trace != nil && d.Trace.Parts {
		d.Trace.explainConditions(k)
	}
}

// bug is a caught panic as an error. Only the Go runtime's own words are told: any others may quote the call.
func bug(p any) error {
	if err, ok := p.(goruntime.Error); ok {
		return fmt.Errorf("%w: %w", ErrBug, err)
	}
	return fmt.Errorf("%w: a panic with %T", ErrBug, p)
}

func (k *chain) begin(h *Hook, c *hook.Call, fixed *Fixed) {
	now := time.Now()
	e := hook.Event{Call: c, Node: c.Doc.Root()}
	if !h.Type.Inline() {
		e.Node = hook.Events(e.Node).At(0)
	}
	k.hook, k.rule, k.event, k.senders, k.actionBytes = h, 0, e.Node, k.senders[:0], 0
	k.meter.Start(h.Budget, now, c.Deadline)
	k.run.Begin(e, now, &k.meter)
	k.run.Merge, k.run.Random = &k.merge, h.random
	if fixed != nil {
		k.run.Now, k.run.Background = fixed.Now, true
		k.run.SetSeed(fixed.Seed)
		k.meter.ExcludeTime(testLeniency)
	}
	k.merge.Begin(e)
	k.merge.Allow(h.names)
}

// release puts k back. The pool must not keep a call's body alive.
func (k *chain) release() {
	k.run.End()
	k.merge.Begin(hook.Event{})
	const large = 16 << 10
	if cap(k.draft.JSON) > large {
		k.draft.JSON = nil
	}
	clear(k.draft.JSON[:cap(k.draft.JSON)])
	k.hook, k.event = nil, jsondoc.Node{}
	chains.Put(k)
}

// decide goes through the rules, but for those that are known not to match, and renders the answer.
func (k *chain) decide(d *Decision) {
	k.hook.on.selectInline(&k.run, &k.selected, d.Trace != nil)
	for i := k.selected.next(); i >= 0; i = k.selected.next() {
		matched, err := k.runRule(i, d)
		switch {
		case err == nil && matched && k.last:
			k.renderAnswer(d)
			return
		case err == nil:
		case k.isExhausted():
			d.Exhausted = true
			return // the failure answer
		case k.hook.rules[i].closed:
			d.Answer = k.hook.closed
			return
		}
	}
	k.renderAnswer(d)
}

// decideEvent goes through the rules that an event is for. A rule that fails takes nothing with it; what was asked for before
// the budget ran out is done.
func (k *chain) decideEvent(d *Decision) {
	if k.event.Kind() != jsondoc.Object {
		d.Outcome = Silent
		return
	}
	k.hook.on.selectEvent(k.event.Get("eventType").Text(), &k.run, &k.selected, d.Trace != nil)
	for i := k.selected.next(); i >= 0; i = k.selected.next() {
		matched, err := k.runRule(i, d)
		if err != nil && k.isExhausted() {
			d.Exhausted = true
			return
		}
		if err == nil && matched && k.last {
			break
		}
	}
	d.Outcome = Silent
	if k.actionBytes > 0 {
		d.Outcome = Answered
	}
}

// runRule runs rule i and notes what became of it.
func (k *chain) runRule(i int, d *Decision) (matched bool, err error) {
	k.rule, k.moduleTime, k.run.Memory = i, 0, 0
	spent := k.meter.Spent()
	matched, err = k.apply(&k.hook.rules[i], d)
	if matched || err != nil || k.moduleTime > 0 {
		d.Results = append(d.Results, RuleResult{Rule: i, Matched: matched, Err: err, Fuel: k.meter.Spent() - spent, Memory: k.run.Memory, Time: k.moduleTime})
	}
	return matched, err
}

// isExhausted reports whether the hook's own budget has run out.
func (k *chain) isExhausted() bool { return k.meter.Err() != nil || !k.meter.Spend(1) }

// apply runs one rule and merges its draft. With an error nothing of the draft is in.
func (k *chain) apply(r *rule, d *Decision) (matched bool, err error) {
	if r.limited {
		defer k.meter.End(k.meter.Nest(r.budget))
	}
	if !k.meter.Spend(1) {
		return false, k.meter.Err()
	}
	if d.Trace != nil {
		drawn := k.run.Scratch.Draws
		defer func() { d.Trace.rule(k, r, drawn, matched, err) }()
	}
	k.draft.JSON, k.matchedByAbsence, k.last = k.draft.JSON[:0], false, r.last
	if matched, err = k.match(r); err != nil || !matched {
		return matched, err
	}
	if r.module {
		err = k.runModule(r, d)
	} else {
		err = r.program.Run(&k.run, &k.draft)
	}
	if err != nil {
		return true, err
	}
	if r.module && len(k.draft.JSON) == 0 {
		k.matchedByAbsence = false
		return false, nil // without an opinion it is as if its condition had not held
	}
	if err := k.checkDraftSecrets(r); err != nil {
		return true, err
	}
	return true, k.mergeDraft(r, d)
}

// mergeDraft merges the draft of the rule that has just run. With an error nothing of it is in.
func (k *chain) mergeDraft(r *rule, d *Decision) error {
	logs := len(d.Logs)
	if err := k.log(r, d); err != nil {
		return err
	}
	work, denied := k.merge.Work(), r.module && k.merge.Denied()
	err := k.merge.Add(r.name, &k.draft)
	k.meter.Spend(int64(k.merge.Work() - work)) // what it has said no to is told by whatever asks next
	if err == nil {
		err = k.reserveActions() // of an inline hook's rule, whose commands are in, never too much
	}
	if err != nil {
		d.Logs = d.Logs[:logs]
	}
	if r.module && !denied && k.merge.Denied() {
		k.last = true // as deny does
	}
	return err
}

// runModule runs a rule's module. What it says is kept however it ends.
func (k *chain) runModule(r *rule, d *Decision) error {
	k.run.Logs = k.run.Logs[:0]
	start := time.Now()
	err := r.program.Run(&k.run, &k.draft)
	k.moduleTime = time.Since(start)
	for _, text := range k.run.Logs {
		d.Logs = append(d.Logs, Log{r.name, text, true})
	}
	return err
}

// match tests the rule's condition.
func (k *chain) match(r *rule) (bool, error) {
	if r.when == nil {
		return true, nil
	}
	if !r.missing {
		return r.when.Test(&k.run)
	}
	yes, missing, err := r.when.Match(&k.run)
	k.matchedByAbsence = missing
	return yes || missing, err
}

func (k *chain) log(r *rule, d *Decision) error {
	if r.log == nil {
		return nil
	}
	text, err := r.log.AppendText(nil, &k.run)
	if err == nil {
		d.Logs = append(d.Logs, Log{r.name, string(text), false})
	}
	return err
}

// renderAnswer makes the answer of what is merged.
func (k *chain) renderAnswer(d *Decision) {
	if k.merge.Empty() {
		d.Answer, d.Outcome = k.hook.Silent, Silent
		return
	}
	k.addStamp(d)
	answer, err := k.merge.Render()
	if err != nil {
		d.Results = append(d.Results, RuleResult{Rule: k.rule, Err: err})
		return
	}
	d.Answer, d.Outcome = answer, Answered
	if k.merge.Denied() {
		d.Outcome = Denied
	}
}
