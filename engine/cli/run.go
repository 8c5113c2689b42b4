package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
		Short: "Decide one call, without a server, and say why",
		Long: "Run decides one call by a hook's rules and prints the answer as JSON. The call is a sample of the hook's type, or what\n" +
			"--input gives. --explain says on standard error which rules were looked at and what became of each, and\n" +
			"draws under the text of its condition what the parts came to.",
		Example: "  tenterhook run policy --hook signup --set data.userProfile.email=eve@example.com --explain",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.decide(args[0], f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.hook, "hook", "", "name of the hook")
	flags.StringVar(&f.input, "input", "", "file with the call; - is standard input")
	flags.StringVar(&f.sample, "sample", "", "which sample call: "+strings.Join(sample.Names(), ", "))
	flags.StringArrayVar(&f.sets, "set", nil, "member to change, as path=value; a path such as data.x.y is one that calls have, /data/x/y any; may be repeated")
	flags.BoolVar(&f.explain, "explain", false, "say why, on standard error")
	flags.BoolVar(&f.json, "json", false, "one JSON object on standard output: answer, outcome and why")
	p.hookWords(c)
	sampleWords(c)
	return c
}

func (p *Program) decide(dir string, f runFlags) error {
	_, set, err := p.load(dir)
	if err != nil {
		return err
	}
	defer set.Close()
	h, err := chosenHook(set, f.hook)
	if err != nil {
		return err
	}
	body, err := p.ask(question{kind: h.Type, file: f.input, sample: f.sample, sets: f.sets, known: set.Known()})
	if err != nil {
		return err
	}
	d, err := decided(h, body)
	if err != nil {
		return err
	}
	return p.told(h, d, f)
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

// decided runs the rules on a body, traced, under the deadline of a real call.
func decided(h *rules.Hook, body []byte) (*rules.Decision, error) {
	doc, err := parse("call", body)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	d := &rules.Decision{Trace: &rules.Trace{Parts: true}}
	call := hook.Call{
		Hook: h.Name, ID: doc.Root().Get("eventId").Text(), Type: h.Type, Start: now, Deadline: now.Add(engine.Patience), Doc: doc,
	}
	h.Decide(&call, d)
	return h.Shown(&call, d), nil // it goes nowhere but to who looks
}

// ran is what run prints as JSON.
type ran struct {
	Hook     string            `json:"hook"`
	Outcome  string            `json:"outcome"`
	Answer   json.RawMessage   `json:"answer,omitempty"` // of an inline hook
	Actions  []json.RawMessage `json:"actions,omitempty"`
	Rules    []rules.RuleTrace `json:"rules"`
	Failures []string          `json:"failures"`
	Logs     []string          `json:"logs"`
	Fuel     int64             `json:"fuel"`
}

// told prints a decision; the error says that a rule failed.
func (p *Program) told(h *rules.Hook, d *rules.Decision, f runFlags) error {
	failures := failed(h, d)
	if f.json {
		r := ran{Hook: h.Name, Outcome: d.Outcome.String(), Answer: d.Answer, Rules: d.Trace.Rules, Failures: failures, Logs: []string{}, Fuel: d.Fuel}
		for _, a := range d.Actions {
			r.Actions = append(r.Actions, a.JSON)
		}
		for _, l := range d.Logs {
			r.Logs = append(r.Logs, l.Rule+": "+l.Text)
		}
		text, _ := json.MarshalIndent(r, "", "  ") // its parts always can
		fmt.Fprintf(inert{p.Stdout}, "%s\n", text)
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

// printDecision prints the answer of an inline hook, and what an event hook wants done, a line each.
func (p *Program) printDecision(h *rules.Hook, d *rules.Decision) {
	if h.Type.Inline() {
		fmt.Fprintf(inert{p.Stdout}, "%s\n", d.Answer)
		return
	}
	for _, a := range d.Actions {
		fmt.Fprintf(inert{p.Stdout}, "%s\n", a.JSON)
	}
}

// failed tells of each rule that failed.
func failed(h *rules.Hook, d *rules.Decision) []string {
	failures := []string{}
	names := h.RuleNames()
	for _, r := range d.Results {
		if r.Err != nil {
			failures = append(failures, fmt.Sprintf("%s: rule %q failed: %v%s", h.RuleAt(r.Rule), names[r.Rule], r.Err, d.Wrote(names[r.Rule])))
		}
	}
	return failures
}

// explain says why: each rule that was looked at, what became of it, and what that came to.
func (p *Program) explain(h *rules.Hook, d *rules.Decision) {
	var b strings.Builder
	fmt.Fprintf(&b, "hook %s (%s)\n", h.Name, h.Type)
	total := time.Duration(0)
	for _, r := range d.Trace.Rules {
		total += r.Time
		explainRule(&b, r)
		for _, l := range d.Logs {
			if l.Rule == r.Rule {
				fmt.Fprintf(&b, "  says %s\n", strings.ReplaceAll(l.Text, "\n", "\n       "))
			}
		}
	}
	rest := slices.DeleteFunc(h.RuleNames(), func(name string) bool {
		return slices.ContainsFunc(d.Trace.Rules, func(r rules.RuleTrace) bool { return r.Rule == name })
	})
	if len(rest) > 0 {
		fmt.Fprintf(&b, "not looked at: %s\n", strings.Join(rest, ", "))
	}
	for _, c := range d.Conflicts {
		fmt.Fprintf(&b, "%s: set by %s after %s\n", c.Path, c.Rule, c.Earlier)
	}
	fmt.Fprintf(&b, "%s: %s; fuel %d of %d, time %v of %v\n", d.Outcome, meaning(h, d), d.Fuel, h.Budget.Fuel, total.Round(time.Microsecond), h.Budget.Time)
	fmt.Fprint(inert{p.Stderr}, b.String())
}

func became(r rules.RuleTrace) string {
	switch {
	case r.Err != nil:
		return "fails"
	case r.Lacking && len(r.Missing) > 0:
		return "matches: " + missing(r.Missing) + " (missing: match)"
	case r.Lacking:
		return "matches: something is missing (missing: match)"
	case r.Matched:
		return "matches"
	case r.Memory > 0:
		return "has no opinion"
	case len(r.Missing) > 0:
		return "does not match; " + missing(r.Missing)
	}
	return "does not match"
}

func missing(members []string) string {
	if len(members) == 1 {
		return members[0] + " is missing"
	}
	return strings.Join(members, ", ") + " are missing"
}

func explainRule(b *strings.Builder, r rules.RuleTrace) {
	memory := ""
	if r.Memory > 0 {
		memory = "memory " + size(r.Memory) + ", "
	}
	fmt.Fprintf(b, "%s: %s (fuel %d, %s%v)\n", r.Rule, became(r), r.Fuel, memory, r.Time.Round(100*time.Nanosecond))
	if r.When != "" {
		drawCondition(b, r)
	}
	for _, l := range r.Lets {
		drawLet(b, l)
	}
	if r.Draft != "" {
		fmt.Fprintf(b, "  wants %s\n", r.Draft)
	}
	if r.Err != nil {
		fmt.Fprintf(b, "  %v; nothing of what it wants is in the answer\n", r.Err)
	}
}

// meaning is an outcome in a sentence.
func meaning(h *rules.Hook, d *rules.Decision) string {
	switch d.Outcome {
	case rules.Silent:
		return "no rule had anything to say"
	case rules.Denied:
		return "a rule refused"
	case rules.Failed:
		return failure(h, d)
	}
	return "what the rules that matched want"
}

// failure says which answer goes out in the place of what the rules want, and which rule is the cause.
func failure(h *rules.Hook, d *rules.Decision) string {
	if len(d.Results) == 0 {
		return "the hook's failure answer"
	}
	last := d.Results[len(d.Results)-1]
	name := h.RuleNames()[last.Rule]
	switch {
	case d.Exhausted && h.Type.Inline():
		return fmt.Sprintf("the hook's failure answer, because the hook's budget ran out in rule %q, whose on_failure does not count then", name)
	case d.Exhausted:
		return fmt.Sprintf("the hook's budget ran out in rule %q; what was asked for before is done", name)
	case errors.Is(last.Err, rules.ErrBug):
		return "the hook's failure answer, because of a fault of this program's"
	}
	if errors.Is(last.Err, hook.ErrContract) && !last.Matched {
		return "the hook's failure answer, because what the rules want is no answer together"
	}
	return fmt.Sprintf("the closed answer, because rule %q failed, which fails closed", name)
}
