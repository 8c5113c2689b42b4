package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Problem is something wrong with a policy folder, and where.
type Problem struct {
	File    string `json:"file"`             // slash-separated, inside the folder; empty: the folder itself
	Line    int    `json:"line,omitempty"`   // from 1; 0: the whole file
	Column  int    `json:"column,omitempty"` // from 1, in characters
	Message string `json:"message"`          // what is wrong, what was wanted
	Source  string `json:"source,omitempty"` // the line itself; what may be a secret is left out
	Warning bool   `json:"warning,omitempty"`
}

// String is the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is everything wrong with a folder, in the order of its files. As an error it prints each problem with its source
// line and a caret.
type Problems []Problem

func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(problem.String())
		problem.quote(&b)
	}
	return b.String()
}

// quote writes the source line with a caret beneath the column. Of a long line it writes what is around the caret.
func (p Problem) quote(b *strings.Builder) {
	if p.Source == "" {
		return
	}
	line := []rune(strings.ReplaceAll(p.Source, "\t", " "))
	column := min(max(p.Column, 1), len(line)+1)
	const before, width = 60, 110
	cut := 0
	if column > width-10 {
		cut = column - before
	}
	shown := line[cut:min(len(line), cut+width)]
	number := fmt.Sprintf("%5d", p.Line)
	fmt.Fprintf(b, "\n%s | %s", number, string(shown))
	fmt.Fprintf(b, "\n%s | %s^", strings.Repeat(" ", len(number)), strings.Repeat(" ", column-1-cut))
}

// suggest is `, did you mean "x"?` for the word closest to what was written, or nothing.
func suggest(written string, words []string) string {
	best, at := "", 1+min(2, utf8.RuneCountInString(written)/3)
	for _, w := range words {
		if d := distance(written, w, at); d < at {
			best, at = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// distance counts the letters to add, drop, change or swap with their neighbour to make a into b; it gives up at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 || len(b) > 64 {
		return limit
	}
	var rows [3][66]int
	for j := range len(b) + 1 {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		older, prev, cur := &rows[(i+2)%3], &rows[i%3], &rows[(i+1)%3]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], older[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	if c == '-' {
		c = '_'
	}
	return c
}
