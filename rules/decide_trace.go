package rules

import (
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Trace explains a decision: every evaluated rule, in order. It holds values of the payload, with
// secrets replaced by expr.Mask.
type Trace struct {
	Rules        []RuleTrace `json:"rules"`
	Parts        bool        `json:"-"` // set by the caller: also record the values of the parts of conditions, by a second evaluation
	last         time.Time
	spent        int64
	computedLets []bool // lets computed before the current rule
	marks        []traceMark
}

// RuleTrace is the trace of one evaluated rule.
type RuleTrace struct {
	Rule    string        `json:"rule"`
	When    string        `json:"when,omitempty"` // source of the condition
	Matched bool          `json:"matched"`
	Decided string        `json:"decided,omitempty"` // the part that alone determined the result of the condition
	Parts   []expr.Part   `json:"parts,omitempty"`   // of the condition, in source order
	Lacking bool          `json:"lacking,omitempty"` // the rule matched only by `missing: match`
	Missing []string      `json:"missing,omitempty"` // members in the condition that the call lacks
	Err     error         `json:"-"`
	Error   string        `json:"error,omitempty"`
	Draft   string        `json:"draft,omitempty"` // JSON; also of a rejected draft
	Fuel    int64         `json:"fuel"`
	Memory  int64         `json:"memory,omitempty"` // peak memory of a module, in bytes
	Time    time.Duration `json:"time"`             // in nanoseconds
	Lets    []LetTrace    `json:"lets,omitempty"`   // lets first computed by this rule
}

// traceMark is the rule of a RuleTrace, and the number of random draws before it.
type traceMark struct {
	rule  int
	drawn uint64
}

// LetTrace is the name of a let and its value as JSON.
type LetTrace struct {
	Name   string      `json:"name"`
	Value  string      `json:"value"`
	Source string      `json:"source,omitempty"` // source; set with Parts only if Trace.Parts is set
	Parts  []expr.Part `json:"parts,omitempty"`  // in source order
	let    int
}

func (t *Trace) begin(k *chain) {
	*t = Trace{Rules: t.Rules[:0], Parts: t.Parts, marks: t.marks[:0], last: time.Now(), computedLets: make([]bool, len(k.hook.lets))}
}

// rule records the result of r. drawn is the number of random draws before it.
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
	one.Draft = draftForTrace(k, r)
	for i, cell := range k.run.Scratch.Cells {
		if i < len(t.computedLets) && cell.Known && !t.computedLets[i] {
			t.computedLets[i] = true
			one.Lets = append(one.Lets, LetTrace{Name: k.hook.lets[i], Value: k.hook.letText(i, cell), let: i})
		}
	}
	t.Rules = append(t.Rules, one)
	t.marks = append(t.marks, traceMark{k.rule, drawn})
}

// explainConditions evaluates the conditions and lets again, after the measured run.
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

// letText returns the value of a let as JSON, or its failure.
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

// missingPaths lists the dotted paths that are missing in the event.
func missingPaths(paths []string, e jsondoc.Node, c *hook.Call) (missing []string) {
	for _, path := range paths {
		n, steps := e, strings.Split(path, ".")
		if !c.Type.Inline() {
			if steps[0] == "delivery" {
				n = c.Doc.Root()
			}
			steps = steps[1:]
		}
		for _, name := range steps {
			n = n.Get(name)
		}
		if k := n.Kind(); k == jsondoc.Missing || k == jsondoc.Null {
			missing = append(missing, path)
		}
	}
	return missing
}

// describeInputs names the inputs of a condition that may be missing: members of the call and
// entries of tables.
func describeInputs(in expr.Inputs) string {
	all := in.Paths
	for _, name := range in.Tables {
		all = append(all, "an entry of tables."+name)
	}
	switch {
	case len(all) == 0:
		return "something it asks for"
	case len(all) > 4:
		return document.Either(append(all[:4:4], "something else it asks for"))
	}
	return document.Either(all)
}
