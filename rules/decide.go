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

// ErrBug occurs when the run of a rule panics. It is always a fault of this program, not of the
// rule or the payload.
var ErrBug = errors.New("a fault of the server's")

// Outcome is the kind of an answer.
type Outcome uint8

// The outcomes.
const (
	Silent   Outcome = iota // no rule produced anything
	Answered                // a rule produced commands or actions
	Denied                  // a rule denied
	Failed                  // the failure answer: the budget ran out, or a rule failed that fails closed
)

var outcomeNames = [...]string{"silent", "answered", "denied", "failed"}

// String returns the name of the outcome in metrics and logs.
func (o Outcome) String() string { return outcomeNames[o] }

// Decision is the result of Decide, which overwrites it and reuses its memory.
type Decision struct {
	Answer    []byte // immutable and not pooled: callers may keep and share it
	Outcome   Outcome
	Exhausted bool         // the budget of the hook ran out: its failure answer is sent, whatever the rules' on_failure
	Results   []RuleResult // of rules that matched or failed, or whose module returned nothing, in order
	Logs      []Log
	Conflicts []hook.Conflict
	Actions   []hook.Action
	Fuel      int64  // used by all rules
	Trace     *Trace // set by the caller to trace the decision; nil: no trace
	Fixed     *Fixed // set by tests; nil: the time of the clock, and the randomness of the call
	Masked    bool   // set by the caller: replace values that carry a secret by expr.Mask, see Hook.Redacted
}

// Fixed is a fixed time and a fixed seed of randomness.
type Fixed struct {
	Now  time.Time
	Seed [32]byte
}

// testLeniency extends the time budget of tests. Fuel ends a test, so that it gives the same result
// on a busy machine.
const testLeniency = 30 * time.Second

// RuleResult is the result of a rule that matched or failed, or whose module returned nothing.
type RuleResult struct {
	Rule    int   // index in the hook, from 0
	Matched bool  // the condition held and the module returned a draft; also set if the rule failed afterwards
	Err     error // the failure; wraps a runtime error, hook.ErrContract or ErrBug
	Fuel    int64
	Memory  int64         // peak memory of a module, in bytes
	Time    time.Duration // of a module
}

// Log is a log line of a rule.
type Log struct {
	Rule, Text string
	Module     bool // the text comes from a module and may hold any part of the call
}

// chain is one run of a hook's rules on a call.
type chain struct {
	hook             *Hook
	run              runtime.Run
	meter            runtime.Meter
	merge            hook.Merge
	draft            hook.Draft
	event            jsondoc.Node  // the input of the rules
	rule             int           // the current rule
	matchedByAbsence bool          // the current rule matches only because a value is missing
	last             bool          // the current rule ends the chain if it matches
	moduleTime       time.Duration // run time of the current rule's module
	selected         ruleSet
	senders          []int // index of the rule of each action, or droppedAction
	actionBytes      int   // upper bound of the size of the actions
	stampBuffer      []byte
}

var chains = sync.Pool{New: func() any { return new(chain) }}

// Decide runs the hook's rules on a call in the caller's goroutine, within the hook's budget and
// the call's deadline. d.Answer is always valid for the hook's type. For a delivery of an event
// hook, Decide evaluates the first event, and the answer is empty.
func (h *Hook) Decide(c *hook.Call, d *Decision) {
	*d = Decision{Answer: h.Failure, Outcome: Failed, Results: d.Results[:0], Logs: d.Logs[:0], Conflicts: d.Conflicts[:0], Actions: d.Actions[:0], Trace: d.Trace, Fixed: d.Fixed, Masked: d.Masked}
	k := chains.Get().(*chain)
	defer func() {
		if p := recover(); p != nil { // k is not pooled again: its state is unknown
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

// bug turns a recovered panic into an error. It quotes only messages of the Go runtime: others may
// quote the call.
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
	k.merge.Release(h.Released)
}

// release returns k to the pool without references to the body of the call.
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

// decide runs the rules that may match and renders the answer.
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

// decideEvent runs the rules for the type of the event. A failed rule loses only its own draft, and
// actions from before an exhausted budget stay.
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

// runRule runs rule i and records its result.
func (k *chain) runRule(i int, d *Decision) (matched bool, err error) {
	k.rule, k.moduleTime, k.run.Memory = i, 0, 0
	spent := k.meter.Spent()
	matched, err = k.apply(&k.hook.rules[i], d)
	if matched || err != nil || k.moduleTime > 0 {
		d.Results = append(d.Results, RuleResult{Rule: i, Matched: matched, Err: err, Fuel: k.meter.Spent() - spent, Memory: k.run.Memory, Time: k.moduleTime})
	}
	return matched, err
}

// isExhausted reports whether the budget of the hook has run out.
func (k *chain) isExhausted() bool { return k.meter.Err() != nil || !k.meter.Spend(1) }

// apply runs one rule and merges its draft. With an error nothing of the draft is merged.
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
		return false, nil // an empty draft counts as a condition that does not hold
	}
	if err := k.checkDraftSecrets(r); err != nil {
		return true, err
	}
	return true, k.mergeDraft(r, d)
}

// mergeDraft merges the draft of the current rule. With an error nothing of it is merged.
func (k *chain) mergeDraft(r *rule, d *Decision) error {
	logs := len(d.Logs)
	if err := k.log(r, d); err != nil {
		return err
	}
	work, denied := k.merge.Work(), r.module && k.merge.Denied()
	err := k.merge.Add(r.name, &k.draft)
	k.meter.Spend(int64(k.merge.Work() - work)) // the next use of the Meter reports exhaustion
	if err == nil {
		err = k.reserveActions() // an inline rule, whose commands are merged already, never exceeds the limit
	}
	if err != nil {
		d.Logs = d.Logs[:logs]
	}
	if r.module && !denied && k.merge.Denied() {
		k.last = true // as deny does
	}
	return err
}

// runModule runs the module of a rule. Its log lines are kept even if it fails.
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

// match evaluates the condition of the rule.
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

// renderAnswer renders the merged drafts as the answer.
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
