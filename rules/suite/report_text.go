package suite

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteText writes failures, totals and uncovered rules as text, in one Write.
func (r *Report) WriteText(w io.Writer) error {
	out := new(bytes.Buffer)
	for i := range r.Cases {
		if c := &r.Cases[i]; len(c.Failures) > 0 {
			c.write(out)
		}
	}
	fmt.Fprintf(out, "%s: %d passed, %d failed (%s)\n", count(len(r.Cases), "test"), r.Passed, r.Failed, r.Duration.Round(100*time.Microsecond))
	r.writeCoverage(out)
	_, err := w.Write(out.Bytes())
	return err
}

func (c *Result) write(w io.Writer) {
	fmt.Fprintf(w, "FAIL %s:%d: %s (%s)\n", c.File, c.Line, c.Name, c.Hook)
	for _, f := range c.Failures {
		fmt.Fprintf(w, "  %s\n%s\n", f.What, indent(f.Text, "    "))
	}
	fmt.Fprintln(w)
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(text, "\n", "\n"+by)
}

func (r *Report) writeCoverage(w io.Writer) {
	if r.branches() {
		r.writeBranches(w)
		return
	}
	all, matched := 0, 0
	var uncovered []string
	for _, h := range r.Coverage {
		for _, rule := range h.Rules {
			all++
			switch {
			case rule.Matched > 0:
				matched++
			case rule.Evaluated > 0:
				uncovered = append(uncovered, fmt.Sprintf("  %s: %s: never matched in %s", h.Hook, rule.Rule, count(rule.Evaluated, "test")))
			default:
				uncovered = append(uncovered, fmt.Sprintf("  %s: %s: never evaluated", h.Hook, rule.Rule))
			}
		}
	}
	fmt.Fprintf(w, "%s: %d matched in a test\n", count(all, "rule"), matched)
	for _, line := range uncovered {
		fmt.Fprintln(w, line)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
