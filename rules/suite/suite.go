// Package suite is for running the tests that rule authors write beside their rules.
package suite

import (
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Options is what a suite is run with.
type Options struct {
	Select func(name string) bool // the tests to run, by name; nil: all
	Until  time.Time              // tests that could only begin later fail; zero: there is time enough
}

// Report is what became of a folder's tests.
type Report struct {
	Revision string         `json:"revision"` // of the Set
	Cases    []Result       `json:"cases"`    // in the order of the files
	Coverage []HookCoverage `json:"coverage"` // in the order of the Set's hooks
	Costs    []RuleCost     `json:"costs"`    // likewise, and of their rules
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
	Duration time.Duration `json:"duration"`           // nanoseconds, of the decisions alone
	spent    []spent
}

// Failure is one thing that is not as expected.
type Failure struct {
	What string `json:"what"` // what was compared: rules, answer, commands, error, claims, actions, failed, contract, input, time
	Text string `json:"text"` // what was wanted and what came; more than one line when it is a diff
}

// Run runs every test of the folder on the Set that was loaded from it. The error is document.Problems when a test is not
// written as tests are; then none is run.
func Run(f *folder.Folder, s *rules.Set, o Options) (*Report, error) {
	cases, problems := ReadCases(f, s)
	if len(problems) > 0 {
		return nil, problems
	}
	r := &Report{Revision: s.Revision()}
	seen := newSight(s)
	start := time.Now()
	for i := range cases {
		if o.Select != nil && !o.Select(cases[i].Name) {
			continue
		}
		c := run(s.Hook(cases[i].Hook), &cases[i], seen, o.Until)
		if len(c.Failures) == 0 {
			r.Passed++
		} else {
			r.Failed++
		}
		r.Cases = append(r.Cases, c)
	}
	r.Duration = time.Since(start)
	r.Coverage = seen.coverage(s)
	r.Costs = costs(s, r.Cases)
	return r, nil
}

// run decides one case's call and compares.
func run(h *rules.Hook, c *Case, seen sight, until time.Time) Result {
	done := Result{File: c.File, Line: c.Line, Name: c.Name, Hook: c.Hook}
	if !until.IsZero() && time.Now().After(until) {
		done.Failures = []Failure{{"time", "the tests before this one have taken all there was"}}
		return done
	}
	var doc jsondoc.Doc
	if err := doc.Parse(c.Input, jsondoc.Limits{}); err != nil {
		done.Failures = []Failure{{"input", err.Error()}}
		return done
	}
	var d rules.Decision
	if h.Type.Inline() {
		d = decide(h, &doc, c.Fixed, seen, &done)
	} else {
		d = each(h, &doc, c.Fixed, seen, &done)
	}
	shown := h.Redacted(&hook.Call{Hook: h.Name, ID: doc.Root().Get("eventId").Text(), Type: h.Type, Doc: &doc}, &d)
	for _, f := range compare(h, &c.Expect, &d, shown) {
		f.Text = string(h.Conceal(doc.Root(), []byte(f.Text)))
		done.Failures = append(done.Failures, f)
	}
	return done
}

// decide is one decision, counted. It is never reused, so that none can hide what another left.
func decide(h *rules.Hook, doc *jsondoc.Doc, fixed rules.Fixed, seen sight, done *Result) rules.Decision {
	if fixed.Now.IsZero() {
		fixed.Now = instant(doc.Root())
	}
	call := hook.Call{Hook: h.Name, ID: doc.Root().Get("eventId").Text(), Type: h.Type, Doc: doc}
	d := rules.Decision{Trace: &rules.Trace{}, Fixed: &fixed}
	start := time.Now()
	h.Decide(&call, &d)
	done.Duration += time.Since(start)
	seen.add(h, d.Trace)
	done.spend(h, d.Trace)
	return d
}

// instant is the time at which a test decides that names none: when the call says that it was made, so that it passes today as it did yesterday.
func instant(call jsondoc.Node) time.Time {
	at, err := time.Parse(time.RFC3339, call.Get("eventTime").Text())
	if err != nil {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return at
}

// each decides on every event of a delivery by itself, and puts what came of them one after the other.
func each(h *rules.Hook, delivery *jsondoc.Doc, fixed rules.Fixed, seen sight, done *Result) (all rules.Decision) {
	root := delivery.Root()
	for event := range hook.Events(root).Elements() {
		var doc jsondoc.Doc
		if err := doc.Parse(hook.AppendDelivery(nil, root, event), jsondoc.Limits{}); err != nil {
			done.Failures = append(done.Failures, Failure{"input", err.Error()})
			return all
		}
		d := decide(h, &doc, fixed, seen, done)
		all.Results = append(all.Results, d.Results...)
		all.Actions = append(all.Actions, d.Actions...)
		all.Logs = append(all.Logs, d.Logs...)
	}
	return all
}
