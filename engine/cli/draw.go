package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// drawCondition writes a rule's condition and under each of its lines what the parts on it came to.
func drawCondition(b *strings.Builder, r rules.RuleTrace) {
	draw(b, "  when ", r.When, r.Parts)
	if r.Decided != "" {
		b.WriteString("  decided by " + r.Decided + "\n")
	}
}

// drawLet writes a let's value, and under it how it came to it; of a let that is one name alone that says nothing more.
func drawLet(b *strings.Builder, l rules.LetTrace) {
	fmt.Fprintf(b, "  let %s = %s\n", l.Name, l.Value)
	if len(l.Parts) > 1 {
		draw(b, "      is ", l.Source, l.Parts)
	}
}

// draw writes an expression behind its key, and under each of its lines what the parts on it came to.
func draw(b *strings.Builder, key, text string, parts []expr.Part) {
	begin, indent, under := 0, key, strings.Repeat(" ", len(key))
	for line := range strings.SplitAfterSeq(text, "\n") {
		end := begin + len(line)
		line = strings.TrimRight(strings.ReplaceAll(line, "\t", " "), "\r\n ")
		b.WriteString(indent + line + "\n")
		var labels []label
		for _, p := range parts {
			if p.Offset >= begin && p.Offset < end && p.Offset-begin <= len(line) {
				labels = append(labels, label{utf8.RuneCountInString(line[:p.Offset-begin]), cameTo(p)})
			}
		}
		for _, row := range hang(labels) {
			b.WriteString(under + row + "\n")
		}
		begin, indent = end, under
	}
}

func cameTo(p expr.Part) string {
	switch {
	case p.Skipped:
		return "not looked at"
	case p.Error != "" && p.Error != "fails":
		return "fails: " + p.Error
	case p.Error != "":
		return p.Error
	}
	return p.Value
}

// label is a text that hangs below a column.
type label struct {
	column int
	text   string
}

// hang gives the rows of labels below a line, each as high as those to its right let it, and a | above it.
func hang(labels []label) []string {
	slices.SortStableFunc(labels, func(a, b label) int { return a.column - b.column })
	var rows [][]rune
	var starts []int // of what stands in each row
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
