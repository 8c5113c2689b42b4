package rules

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Trial is the result of a module on a sample call.
type Trial struct {
	Hook    string          `json:"hook,omitempty"` // the hook with the rule that runs it, if any
	Rule    string          `json:"rule,omitempty"`
	File    string          `json:"-"`
	Type    string          `json:"type"`            // of the hook
	Draft   json.RawMessage `json:"draft,omitempty"` // if recorded; none: the module returned nothing
	Logs    []string        `json:"logs,omitempty"`  // log lines
	Failure string          `json:"failure,omitempty"`
	Refused bool            `json:"refused,omitempty"` // a rule with it would be rejected
	Fuel    int64           `json:"fuel"`
	Memory  int64           `json:"memory"` // bytes, at its peak
	Time    time.Duration   `json:"time"`   // nanoseconds
}

// Trials returns the costs of sample calls for the modules of the Set's rules.
func (s *Set) Trials() (all []Trial) {
	for _, h := range s.hooks {
		for i := range h.rules {
			m, ok := h.rules[i].program.(*sharedModule)
			if !ok {
				continue
			}
			t := Trial{Hook: h.Name, Rule: h.rules[i].name, File: m.file, Type: h.Type.String()}
			if m.failure != "" {
				t.Failure, t.Refused = m.failure, true
				all = append(all, t)
				continue
			}
			t.cost(m.SampleCost())
			if sampleErr := m.SampleError(); sampleErr != nil {
				t.Failure = describeError(sampleErr, m.secret)
			}
			all = append(all, t)
		}
	}
	return all
}

// TrialOptions configures the trial of a module without a rule.
type TrialOptions struct {
	With   []byte                  // its configuration; nil: none
	Type   hook.Type               // of the sample call; 0: one of every type
	Tables map[string]*table.Table // tables that it can read
}

// Trials runs a module on sample calls. It stops at the first type for which the budget runs out at
// start, because it would for the other types too.
func Trials(ctx context.Context, m *wasm.Module, o TrialOptions) (all []Trial) {
	for _, kind := range hook.Types() {
		if o.Type != 0 && kind != o.Type {
			continue
		}
		t, err := try(ctx, m, kind, o)
		all = append(all, t)
		if errors.Is(err, runtime.ErrTime) || errors.Is(err, runtime.ErrFuel) || ctx.Err() != nil {
			break
		}
	}
	return all
}

// Tables loads only the tables of a folder, for the trial of a module. The error is
// document.Problems.
func Tables(f *folder.Folder) (map[string]*table.Table, error) {
	l := &loader{folder: f}
	for _, name := range f.Names() {
		l.file(name)
	}
	if !l.unreadable {
		l.Problems = nil
	}
	s := &Set{tables: make(map[string]*table.Table, len(l.tables))}
	for _, t := range l.tables {
		l.table(s, t)
	}
	if slices.ContainsFunc(l.Problems, func(p document.Problem) bool { return !p.Warning }) {
		return nil, l.Problems.Sorted()
	}
	return s.tables, nil
}

// try runs one Trial. The error says why the module did not start.
func try(ctx context.Context, m *wasm.Module, kind hook.Type, o TrialOptions) (t Trial, err error) {
	t.Type = kind.String()
	text := sample.Of(kind)
	p, err := m.Program(ctx, wasm.ProgramOptions{Type: kind, With: o.With, Sample: text, Tables: o.Tables})
	if err != nil {
		t.Failure, t.Refused = strings.Join(Reasons(err), "; "), true
		return t, err
	}
	defer p.Close() // an error of closing does not matter here
	t.cost(p.SampleCost())
	var doc jsondoc.Doc
	if err := doc.Parse(text, jsondoc.Limits{}); err != nil {
		t.Failure = err.Error()
		return t, nil
	}
	e := hook.Event{Call: &hook.Call{Type: kind, Doc: &doc}, Node: doc.Root()}
	if !kind.Inline() {
		e.Node = hook.Events(e.Node).At(0)
	}
	var meter runtime.Meter
	var run runtime.Run
	var d hook.Draft
	now := time.Now()
	meter.Start(runtime.Default, now, time.Time{})
	run.Begin(e, now, &meter)
	run.Background = true
	err = p.Run(&run, &d)
	t.Logs = slices.Clone(run.Logs)
	if err != nil {
		t.Failure = err.Error() + wrote(t.Logs)
	} else if problems := hook.CheckDraft(kind, &d); len(problems) > 0 {
		t.Failure = strings.TrimPrefix(problems[0].Path+": "+problems[0].Message, ": ")
	}
	if json.Valid(d.JSON) {
		t.Draft = slices.Clone(d.JSON)
	}
	return t, nil
}

func (t *Trial) cost(c wasm.Cost) { t.Fuel, t.Memory, t.Time = c.Fuel, c.Memory, c.Time }
