package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// drawCondition writes a rule's condition, and the values of its parts below each line.
func drawCondition(b *strings.Builder, r rules.RuleTrace) {
	drawExpression(b, "  when ", r.When, r.Parts)
	if r.Decided != "" {
		b.WriteString("  decided by " + r.Decided + "\n")
	}
}

// drawLet writes a let's value and its expression. It leaves out an expression that is a single
// name.
func drawLet(b *strings.Builder, l rules.LetTrace) {
	fmt.Fprintf(b, "  let %s = %s\n", l.Name, l.Value)
	if len(l.Parts) > 1 {
		drawExpression(b, "      is ", l.Source, l.Parts)
	}
}

// drawExpression writes an expression after its key, and the values of its parts below each line.
func drawExpression(b *strings.Builder, key, text string, parts []expr.Part) {
	begin, indent, under := 0, key, strings.Repeat(" ", len(key))
	for line := range strings.SplitAfterSeq(text, "\n") {
		end := begin + len(line)
		line = strings.TrimRight(strings.ReplaceAll(line, "\t", " "), "\r\n ")
		b.WriteString(indent + line + "\n")
		var labels []label
		for _, p := range parts {
			if p.Offset >= begin && p.Offset < end && p.Offset-begin <= len(line) {
				labels = append(labels, label{utf8.RuneCountInString(line[:p.Offset-begin]), formatPart(p)})
			}
		}
		for _, row := range layoutLabels(labels) {
			b.WriteString(under + row + "\n")
		}
		begin, indent = end, under
	}
}

func formatPart(p expr.Part) string {
	switch {
	case p.Skipped:
		return "not evaluated"
	case p.Error != "" && p.Error != "fails":
		return "fails: " + p.Error
	case p.Error != "":
		return p.Error
	}
	return p.Value
}

// label is a text below a column.
type label struct {
	column int
	text   string
}

// layoutLabels returns the rows of labels below a line. Each label is as high as the ones to its
// right allow, and a | connects it to its column.
func layoutLabels(labels []label) []string {
	slices.SortStableFunc(labels, func(a, b label) int { return a.column - b.column })
	var rows [][]rune
	var starts []int // leftmost used column of each row
	put := func(row, column int, text string) {
		for len(rows) <= row {
			rows, starts = append(rows, nil), append(starts, 1<<30)
		}
		for i, c := range []rune(text) {
			for len(rows[row]) <= column+i {
				rows[row] = append(rows[row], ' ')
			}
			rows[row][column+i] = c
		}
		starts[row] = min(starts[row], column)
	}
	for _, l := range slices.Backward(labels) {
		row := 1
		for row < len(rows) && l.column+utf8.RuneCountInString(l.text) >= starts[row] {
			row++
		}
		for above := range row {
			if above >= len(starts) || l.column < starts[above] {
				put(above, l.column, "|")
			}
		}
		put(row, l.column, l.text)
	}
	all := make([]string, len(rows))
	for i, row := range rows {
		all[i] = string(row)
	}
	return all
}

// explain prints each evaluated rule with its outcome, and the outcome of the hook.
func (p *Program) explain(h *rules.Hook, d *rules.Decision) {
	var b strings.Builder
	fmt.Fprintf(&b, "hook %s (%s)\n", h.Name, h.Type)
	total := time.Duration(0)
	for _, r := range d.Trace.Rules {
		total += r.Time
		explainRule(&b, r)
		for _, l := range d.Logs {
			if l.Rule == r.Rule {
				fmt.Fprintf(&b, "  logs %s\n", strings.ReplaceAll(l.Text, "\n", "\n       "))
			}
		}
	}
	rest := slices.DeleteFunc(h.RuleNames(), func(name string) bool {
		return slices.ContainsFunc(d.Trace.Rules, func(r rules.RuleTrace) bool { return r.Rule == name })
	})
	if len(rest) > 0 {
		fmt.Fprintf(&b, "not evaluated: %s\n", strings.Join(rest, ", "))
	}
	for _, c := range d.Conflicts {
		fmt.Fprintf(&b, "%s: set by %s after %s\n", c.Path, c.Rule, c.Earlier)
	}
	fmt.Fprintf(&b, "%s: %s; fuel %d of %d, time %v of %v\n", d.Outcome, outcomeText(h, d), d.Fuel, h.Budget.Fuel, total.Round(time.Microsecond), h.Budget.Time)
	fmt.Fprint(escapingWriter{p.Stderr}, b.String())
}

func ruleOutcome(r rules.RuleTrace) string {
	switch {
	case r.Err != nil:
		return "fails"
	case r.Lacking && len(r.Missing) > 0:
		return "matches: " + missingText(r.Missing) + " (missing: match)"
	case r.Lacking:
		return "matches: something is missing (missing: match)"
	case r.Matched:
		return "matches"
	case r.Memory > 0:
		return "returns nothing"
	case len(r.Missing) > 0:
		return "does not match; " + missingText(r.Missing)
	}
	return "does not match"
}

func missingText(members []string) string {
	if len(members) == 1 {
		return members[0] + " is missing"
	}
	return strings.Join(members, ", ") + " are missing"
}

func explainRule(b *strings.Builder, r rules.RuleTrace) {
	memory := ""
	if r.Memory > 0 {
		memory = "memory " + formatSize(r.Memory) + ", "
	}
	fmt.Fprintf(b, "%s: %s (fuel %d, %s%v)\n", r.Rule, ruleOutcome(r), r.Fuel, memory, r.Time.Round(100*time.Nanosecond))
	if r.When != "" {
		drawCondition(b, r)
	}
	for _, l := range r.Lets {
		drawLet(b, l)
	}
	if r.Draft != "" {
		fmt.Fprintf(b, "  result %s\n", r.Draft)
	}
	if r.Err != nil {
		fmt.Fprintf(b, "  %v; its results are not in the answer\n", r.Err)
	}
}

// outcomeText describes an outcome.
func outcomeText(h *rules.Hook, d *rules.Decision) string {
	switch d.Outcome {
	case rules.Silent:
		return "no rule produced a result"
	case rules.Denied:
		return "a rule denied the call"
	case rules.Failed:
		return failureText(h, d)
	}
	return "the results of the matching rules"
}

// failureText names the answer sent instead of the rules' results, and the rule that caused it.
func failureText(h *rules.Hook, d *rules.Decision) string {
	if len(d.Results) == 0 {
		return "the hook's failure answer"
	}
	last := d.Results[len(d.Results)-1]
	name := h.RuleNames()[last.Rule]
	switch {
	case d.Exhausted && h.Type.Inline():
		return fmt.Sprintf("the hook's failure answer, because the hook's budget ran out in rule %q (the rule's on_failure does not apply then)", name)
	case d.Exhausted:
		return fmt.Sprintf("the hook's budget ran out in rule %q; results of earlier rules are kept", name)
	case errors.Is(last.Err, rules.ErrBug):
		return "the hook's failure answer, because of a bug in this program"
	}
	if errors.Is(last.Err, hook.ErrContract) && !last.Matched {
		return "the hook's failure answer, because the results of the rules contradict each other"
	}
	return fmt.Sprintf("the closed answer, because rule %q failed and has on_failure: closed", name)
}
