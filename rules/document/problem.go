package document

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Problem is one finding of validation: its place, the cause and the remedy.
type Problem struct {
	File    string `json:"file"`             // slash-separated, inside the folder; empty: the folder itself
	Line    int    `json:"line,omitempty"`   // from 1; 0: the whole file
	Column  int    `json:"column,omitempty"` // from 1, in characters
	Message string `json:"message"`          // the cause, and what was wanted
	Source  string `json:"source,omitempty"` // the line itself, without possible secrets
	Warning bool   `json:"warning,omitempty"`
}

// String returns the problem in one line.
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

// Problems lists all problems of a folder in the order of its files. As an error it prints each
// problem with its source line and a caret.
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

// Sorted returns the problems in the order of the files, without duplicates.
func (p Problems) Sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(p, func(a, b Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}

// quote writes the source line with a caret below the column, and only the part around the caret of
// a long line.
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

// Suggest returns `, did you mean "x"?` for the word closest to the written one, or "".
func Suggest(written string, words []string) string {
	if word, ok := hook.Suggest(written, words); ok {
		return fmt.Sprintf(", did you mean %q?", word)
	}
	return ""
}
