// Package suite is for the tests of a policy: reading the cases, running them, coverage, cost and
// reports.
package suite

import (
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Options configures Run.
type Options struct {
	Select func(name string) bool // the tests to run, by name; nil: all
	Until  time.Time              // tests that would start later fail; zero: no limit
}

// Report is the result of the tests of a folder.
type Report struct {
	Revision string         `json:"revision"` // of the Set
	Cases    []Result       `json:"cases"`    // in the order of the files
	Coverage []HookCoverage `json:"coverage"` // in the order of the Set's hooks
	Costs    []RuleCost     `json:"costs"`    // per rule, in the same order
	Passed   int            `json:"passed"`
	Failed   int            `json:"failed"`
	Duration time.Duration  `json:"duration"` // nanoseconds
}

// Result is the result of one test.
type Result struct {
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Name     string        `json:"name"`
	Hook     string        `json:"hook"`
	Failures []Failure     `json:"failures,omitempty"` // none: it passed
	Duration time.Duration `json:"duration"`           // nanoseconds, of the decisions only
	runs     []ruleRun
}

// Failure is one unmet expectation.
type Failure struct {
	// What is the compared part: rules, answer, commands, error, claims, actions, failed,
	// contract, input or time.
	What string `json:"what"`
	Text string `json:"text"` // the wanted and the actual value; several lines for a diff
}

// Run runs every test of the folder on the Set that was loaded from it. The error is
// document.Problems if a test file is invalid; then no test runs.
func Run(f *folder.Folder, s *rules.Set, o Options) (*Report, error) {
	cases, problems := ReadCases(f, s)
	if len(problems) > 0 {
		return nil, problems
	}
	r := &Report{Revision: s.Revision()}
	counter := newCoverageCounter(s)
	start := time.Now()
	for i := range cases {
		if o.Select != nil && !o.Select(cases[i].Name) {
			continue
		}
		c := run(s.Hook(cases[i].Hook), &cases[i], counter, o.Until)
		if len(c.Failures) == 0 {
			r.Passed++
		} else {
			r.Failed++
		}
		r.Cases = append(r.Cases, c)
	}
	r.Duration = time.Since(start)
	r.Coverage = counter.coverage(s)
	r.Costs = costs(s, r.Cases)
	return r, nil
}

// run decides the call of one case and compares the decision.
func run(h *rules.Hook, c *Case, counter coverageCounter, until time.Time) Result {
	done := Result{File: c.File, Line: c.Line, Name: c.Name, Hook: c.Hook}
	if !until.IsZero() && time.Now().After(until) {
		done.Failures = []Failure{{"time", "the time for all tests is used up"}}
		return done
	}
	var doc jsondoc.Doc
	if err := doc.Parse(c.Input, jsondoc.Limits{}); err != nil {
		done.Failures = []Failure{{"input", err.Error()}}
		return done
	}
	var d rules.Decision
	if h.Type.Inline() {
		d = decide(h, &doc, c.Fixed, counter, &done)
	} else {
		d = decideEvents(h, &doc, c.Fixed, counter, &done)
	}
	redacted := h.Redacted(&hook.Call{Hook: h.Name, ID: doc.Root().Get("eventId").Text(), Type: h.Type, Doc: &doc}, &d)
	for _, f := range compare(h, &c.Expect, &d, redacted) {
		f.Text = string(h.Conceal(doc.Root(), []byte(f.Text)))
		done.Failures = append(done.Failures, f)
	}
	return done
}

// decide runs one decision and counts it. It never reuses a Decision, so that no leftover is
// hidden.
func decide(h *rules.Hook, doc *jsondoc.Doc, fixed rules.Fixed, counter coverageCounter, done *Result) rules.Decision {
	if fixed.Now.IsZero() {
		fixed.Now = callTime(doc.Root())
	}
	call := hook.Call{Hook: h.Name, ID: doc.Root().Get("eventId").Text(), Type: h.Type, Doc: doc}
	d := rules.Decision{Trace: &rules.Trace{}, Fixed: &fixed}
	start := time.Now()
	h.Decide(&call, &d)
	done.Duration += time.Since(start)
	counter.add(h, d.Trace)
	done.recordCosts(h, d.Trace)
	return d
}

// callTime is the default time of a test: the time in the call, so that the result does not depend
// on the day.
func callTime(call jsondoc.Node) time.Time {
	at, err := time.Parse(time.RFC3339, call.Get("eventTime").Text())
	if err != nil {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return at
}

// decideEvents decides each event of a delivery separately and concatenates the results.
func decideEvents(h *rules.Hook, delivery *jsondoc.Doc, fixed rules.Fixed, counter coverageCounter, done *Result) (all rules.Decision) {
	root := delivery.Root()
	for event := range hook.Events(root).Elements() {
		var doc jsondoc.Doc
		if err := doc.Parse(hook.AppendDelivery(nil, root, event), jsondoc.Limits{}); err != nil {
			done.Failures = append(done.Failures, Failure{"input", err.Error()})
			return all
		}
		d := decide(h, &doc, fixed, counter, done)
		all.Results = append(all.Results, d.Results...)
		all.Actions = append(all.Actions, d.Actions...)
		all.Logs = append(all.Logs, d.Logs...)
	}
	return all
}
