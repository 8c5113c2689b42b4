package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

type runFlags struct {
	hook, input, sample string
	sets                []string
	explain, json       bool
}

func (p *Program) run() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run DIR --hook NAME",
		Short: "Decide one call without a server, and explain the decision",
		Long: "Run decides one call with a hook's rules and prints the answer as JSON. The call is a sample of the hook's type or a file\n" +
			"given with --input. With --explain, run prints to standard error the outcome of each rule, and the value of every part of\n" +
			"its condition.",
		Example: "  tenterhook run policy --hook signup --set data.userProfile.email=eve@example.com --explain",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.runDecision(args[0], f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.hook, "hook", "", "name of the hook")
	flags.StringVar(&f.input, "input", "", "file with the call; - is standard input")
	flags.StringVar(&f.sample, "sample", "", "name of the sample call: "+strings.Join(sample.Names(), ", "))
	flags.StringArrayVar(&f.sets, "set", nil, "change a member: path=value; data.x.y must be a member that calls have, /data/x/y can be any; may be repeated")
	flags.BoolVar(&f.explain, "explain", false, "explain the decision on standard error")
	flags.BoolVar(&f.json, "json", false, "print one JSON object: answer, outcome and explanation")
	p.completeHook(c)
	completeSample(c)
	return c
}

func (p *Program) runDecision(dir string, f runFlags) error {
	_, set, err := p.load(dir)
	if err != nil {
		return err
	}
	defer set.Close()
	h, err := chosenHook(set, f.hook)
	if err != nil {
		return err
	}
	body, err := p.readCall(callSource{typ: h.Type, file: f.input, sample: f.sample, sets: f.sets, known: set.Known()})
	if err != nil {
		return err
	}
	d, err := decideTraced(h, body)
	if err != nil {
		return err
	}
	return p.reportDecision(h, d, f)
}

func chosenHook(set *rules.Set, name string) (*rules.Hook, error) {
	var names []string
	for _, h := range set.Hooks() {
		if h.Name == name {
			return h, nil
		}
		names = append(names, h.Name)
	}
	if name == "" {
		return nil, usage("--hook is missing: want one of %s", strings.Join(names, ", "))
	}
	hint := suggestion(name, names)
	if hint == "" {
		hint = ": want one of " + strings.Join(names, ", ")
	}
	return nil, usage("--hook: there is no hook %s%s", name, hint)
}

// decideTraced decides a call with a trace, under the deadline of a real call.
func decideTraced(h *rules.Hook, body []byte) (*rules.Decision, error) {
	doc, err := parseCall("call", body)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	d := &rules.Decision{Trace: &rules.Trace{Parts: true}}
	call := hook.Call{
		Hook: h.Name, ID: doc.Root().Get("eventId").Text(), Type: h.Type, Start: now, Deadline: now.Add(engine.Patience), Doc: doc,
	}
	h.Decide(&call, d)
	return h.Redacted(&call, d), nil // the output is only printed, not sent
}

// runResult is the JSON output of run.
type runResult struct {
	Hook     string            `json:"hook"`
	Outcome  string            `json:"outcome"`
	Answer   json.RawMessage   `json:"answer,omitempty"` // only of inline hooks
	Actions  []json.RawMessage `json:"actions,omitempty"`
	Rules    []rules.RuleTrace `json:"rules"`
	Failures []string          `json:"failures"`
	Logs     []string          `json:"logs"`
	Fuel     int64             `json:"fuel"`
}

// reportDecision prints a decision. It returns an error if a rule failed.
func (p *Program) reportDecision(h *rules.Hook, d *rules.Decision, f runFlags) error {
	failures := ruleFailures(h, d)
	if f.json {
		r := runResult{Hook: h.Name, Outcome: d.Outcome.String(), Answer: d.Answer, Rules: d.Trace.Rules, Failures: failures, Logs: []string{}, Fuel: d.Fuel}
		for _, a := range d.Actions {
			r.Actions = append(r.Actions, a.JSON)
		}
		for _, l := range d.Logs {
			r.Logs = append(r.Logs, l.Rule+": "+l.Text)
		}
		text, _ := json.MarshalIndent(r, "", "  ") // never fails
		fmt.Fprintf(escapingWriter{p.Stdout}, "%s\n", text)
	} else {
		p.printDecision(h, d)
	}
	if f.explain {
		p.explain(h, d)
	}
	if len(failures) == 0 {
		return nil
	}
	return errors.New(strings.Join(failures, "\n"))
}

// printDecision prints the answer of an inline hook, or one line for each action of an event hook.
func (p *Program) printDecision(h *rules.Hook, d *rules.Decision) {
	if h.Type.Inline() {
		fmt.Fprintf(escapingWriter{p.Stdout}, "%s\n", d.Answer)
		return
	}
	for _, a := range d.Actions {
		fmt.Fprintf(escapingWriter{p.Stdout}, "%s\n", a.JSON)
	}
}

// ruleFailures returns a message for each rule that failed.
func ruleFailures(h *rules.Hook, d *rules.Decision) []string {
	failures := []string{}
	names := h.RuleNames()
	for _, r := range d.Results {
		if r.Err != nil {
			failures = append(failures, fmt.Sprintf("%s: rule %q failed: %v%s", h.RuleAt(r.Rule), names[r.Rule], r.Err, d.Wrote(names[r.Rule])))
		}
	}
	return failures
}
