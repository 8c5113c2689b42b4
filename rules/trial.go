package rules

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// Trial is what a module makes of a sample call.
type Trial struct {
	Hook    string          `json:"hook,omitempty"` // whose rule runs it, if one does
	Rule    string          `json:"rule,omitempty"`
	File    string          `json:"-"`
	Type    string          `json:"type"`            // of the hook
	Draft   json.RawMessage `json:"draft,omitempty"` // what it wants, where that was looked at; none: it has no opinion
	Logs    []string        `json:"logs,omitempty"`  // what it said
	Failure string          `json:"failure,omitempty"`
	Refused bool            `json:"refused,omitempty"` // a rule with it would be a problem
	Fuel    int64           `json:"fuel"`
	Memory  int64           `json:"memory"` // bytes, at its peak
	Time    time.Duration   `json:"time"`   // nanoseconds
}

// Trials is what the sample calls cost the modules that the Set's rules run.
func (s *Set) Trials() (all []Trial) {
	for _, h := range s.hooks {
		for i := range h.rules {
			m, ok := h.rules[i].program.(*instance)
			if !ok {
				continue
			}
			t := Trial{Hook: h.Name, Rule: h.rules[i].name, File: m.file, Type: h.Type.String()}
			t.cost(m.Sample())
			if cold := m.Cold(); cold != nil {
				t.Failure = cold.Error()
			}
			all = append(all, t)
		}
	}
	return all
}

// Trials runs a module on a sample call of every type, with nothing but what it is configured with, nil for nothing. It stops at the
// first type for which it runs out of its budget before it decides: it would for the others too.
func Trials(ctx context.Context, m *wasm.Module, with []byte) (all []Trial) {
	for _, kind := range hook.Types() {
		t, err := try(ctx, m, kind, with)
		all = append(all, t)
		if errors.Is(err, runtime.ErrTime) || errors.Is(err, runtime.ErrFuel) || ctx.Err() != nil {
			break
		}
	}
	return all
}

// try is one Trial; the error is why the module could not be made ready.
func try(ctx context.Context, m *wasm.Module, kind hook.Type, with []byte) (t Trial, err error) {
	t.Type = kind.String()
	text := sample.Of(kind)
	p, err := m.Program(ctx, wasm.ProgramOptions{Type: kind, With: with, Warm: text})
	if err != nil {
		t.Failure, t.Refused = strings.Join(Reasons(err), "; "), true
		return t, err
	}
	defer p.Close() // what it says as it goes is of no interest
	t.cost(p.Sample())
	var doc hook.Doc
	if err := doc.Parse(text, hook.Limits{}); err != nil {
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
	err = p.Run(&run, &d)
	t.Logs = slices.Clone(run.Logs)
	if err != nil {
		t.Failure = err.Error()
	} else if problems := hook.CheckDraft(kind, &d); len(problems) > 0 {
		t.Failure = strings.TrimPrefix(problems[0].Path+": "+problems[0].Message, ": ")
	}
	if json.Valid(d.JSON) {
		t.Draft = slices.Clone(d.JSON)
	}
	return t, nil
}

func (t *Trial) cost(c wasm.Cost) { t.Fuel, t.Memory, t.Time = c.Fuel, c.Memory, c.Time }
