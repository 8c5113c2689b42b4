package rules

import (
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// Trace is why a hook decided as it did: every rule that was looked at, in order. It holds what the payload held, but for
// secrets, in whose place it has expr.Mask.
type Trace struct {
	Rules        []RuleTrace `json:"rules"`
	Parts        bool        `json:"-"` // set by the caller: what the parts of the conditions came to is wanted too, which takes a second look
	last         time.Time
	spent        int64
	computedLets []bool // lets that were computed before the rule under way
	marks        []traceMark
}

// RuleTrace is what became of one rule that was looked at.
type RuleTrace struct {
	Rule    string        `json:"rule"`
	When    string        `json:"when,omitempty"` // the condition as it is written
	Matched bool          `json:"matched"`
	Decided string        `json:"decided,omitempty"` // the part that made the condition what it is, where one did alone
	Parts   []expr.Part   `json:"parts,omitempty"`   // of the condition, in the order of the text
	Lacking bool          `json:"lacking,omitempty"` // it matched only because something is missing: missing: match
	Missing []string      `json:"missing,omitempty"` // members that the condition names and the call does not have
	Err     error         `json:"-"`
	Error   string        `json:"error,omitempty"`
	Draft   string        `json:"draft,omitempty"` // JSON; also of a draft that was refused
	Fuel    int64         `json:"fuel"`
	Memory  int64         `json:"memory,omitempty"` // of a module: bytes, at its peak
	Time    time.Duration `json:"time"`             // in nanoseconds
	Lets    []LetTrace    `json:"lets,omitempty"`   // those that this rule was the first to ask for
}

// traceMark is which rule a RuleTrace is of, and how often chance had been asked before it.
type traceMark struct {
	rule  int
	drawn uint64
}

// LetTrace is a let's name and its value as JSON.
type LetTrace struct {
	Name   string      `json:"name"`
	Value  string      `json:"value"`
	Source string      `json:"source,omitempty"` // as it is written; it and its parts only where Trace.Parts is set
	Parts  []expr.Part `json:"parts,omitempty"`  // in the order of the text
	let    int
}

func (t *Trace) begin(k *chain) {
	*t = Trace{Rules: t.Rules[:0], Parts: t.Parts, marks: t.marks[:0], last: time.Now(), computedLets: make([]bool, len(k.hook.lets))}
}

// rule notes what became of r. drawn is how often chance had been asked before.
func (t *Trace) rule(k *chain, r *rule, drawn uint64, matched bool, err error) {
	now, spent := time.Now(), k.meter.Spent()
	one := RuleTrace{Rule: r.name, When: r.source, Matched: matched, Err: err, Fuel: spent - t.spent, Memory: k.run.Memory, Time: now.Sub(t.last)}
	one.Lacking = k.matchedByAbsence
	if r.when != nil {
		one.Missing = missingPaths(r.when.Paths(), k.event, k.run.Event.Call)
	}
	t.last, t.spent = now, spent
	if err != nil {
		one.Error = err.Error()
	}
	one.Draft = maskedDraft(k, r)
	for i, cell := range k.run.Scratch.Cells {
		if i < len(t.computedLets) && cell.Known && !t.computedLets[i] {
			t.computedLets[i] = true
			one.Lets = append(one.Lets, LetTrace{Name: k.hook.lets[i], Value: k.hook.letText(i, cell), let: i})
		}
	}
	t.Rules = append(t.Rules, one)
	t.marks = append(t.marks, traceMark{k.rule, drawn})
}

// explainConditions takes a second look at the conditions and the lets, once the call's own time no longer runs.
func (t *Trace) explainConditions(k *chain) {
	for i, at := range t.marks {
		r := &k.hook.rules[at.rule]
		for j := range t.Rules[i].Lets {
			l := &t.Rules[i].Lets[j]
			l.Source = k.hook.sources[l.let]
			l.Parts = k.hook.env.Explain(l.Source, &k.run, at.drawn, k.hook.Budget)
		}
		if r.when == nil {
			continue
		}
		one := &t.Rules[i]
		one.Parts = k.hook.env.Explain(r.source, &k.run, at.drawn, k.hook.Budget)
		for _, p := range one.Parts {
			if p.Decides {
				one.Decided = p.Text
			}
		}
	}
}

// letText is a let's value as JSON, or why it has none.
func (h *Hook) letText(let int, c runtime.Cell) string {
	switch {
	case c.Err != nil:
		return strings.TrimPrefix(c.Err.Error(), "let "+h.lets[let]+": ")
	case h.taintedLets[let] && !c.Value.IsNull():
		return `"` + expr.Mask + `"`
	}
	var m runtime.Meter
	m.Start(runtime.Budget{}, time.Now(), time.Time{})
	text, err := c.Value.AppendJSON(nil, &m)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
