package document

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Source is the text of one file, which problems quote.
type Source struct {
	Name        string
	lines       []string
	size        int          // bytes
	hiddenFrom  map[int]int  // by line: the first column of a possible secret
	secretLines map[int]bool // lines at or below a key of a secret; messages quote nothing of them
}

// NewSource splits the text of a file into lines and marks the possible secrets.
func NewSource(name string, text []byte) *Source {
	s := strings.TrimPrefix(string(text), "\ufeff")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	src := &Source{Name: name, lines: strings.Split(s, "\n"), size: len(s), hiddenFrom: map[int]int{}, secretLines: map[int]bool{}}
	src.markSecrets()
	return src
}

// LineText returns line n, counted from 1, or "".
func (s *Source) LineText(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// Problem returns a problem at a place in the file.
func (s *Source) Problem(line, column int, message string) Problem {
	return Problem{File: s.Name, Line: line, Column: column, Message: message, Source: strings.ToValidUTF8(s.quotable(line), "\ufffd")}
}

// Position returns the line, and the column in characters, of a byte offset of the node's text.
func (n *Node) Position(offset int) (line, column int) {
	if n.Kind != Text || offset <= 0 {
		if n.Style == block {
			line, column = n.blockStart()
			return line, column
		}
		return n.Line, n.Column
	}
	offset = min(offset, len(n.Text))
	line, column = n.Line, n.Column
	if n.Style == block {
		line, column = n.blockStart()
	}
	raw := []rune(n.Source.LineText(line))
	column--
	if n.Style == single || n.Style == double {
		column++
	}
	for _, c := range n.Text[:offset] {
		for line <= len(n.Source.lines) && n.foldsAt(raw, column, c) {
			line++
			raw = []rune(n.Source.LineText(line))
			column = indentation(raw)
			if c == '\n' && column < len(raw) {
				break
			}
		}
		if c != '\n' && c != ' ' || column < len(raw) && raw[column] == c || column < len(raw) && raw[column] == '\\' {
			column += n.width(raw, column)
		}
	}
	return line, column + 1
}

// blockStart returns the first character of a block text, below the line of its | or >.
func (n *Node) blockStart() (line, column int) {
	for line = n.Line + 1; line < len(n.Source.lines) && strings.TrimSpace(n.Source.LineText(line)) == ""; line++ {
	}
	return line, indentation([]rune(n.Source.LineText(line))) + 1
}

// foldsAt reports whether the next character c of the text is a line break in the file.
func (n *Node) foldsAt(raw []rune, column int, c rune) bool {
	if c != ' ' && c != '\n' {
		return column >= len(raw) && len(raw) > 0 || n.Style == double && column == len(raw)-1 && raw[column] == '\\'
	}
	if column >= len(raw) {
		return true
	}
	return raw[column] != c && !slices.ContainsFunc(raw[column:], func(c rune) bool { return !unicode.IsSpace(c) })
}

// width returns the number of characters in the file for one character of the text.
func (n *Node) width(raw []rune, column int) int {
	if column+1 >= len(raw) {
		return 1
	}
	switch {
	case n.Style == single && raw[column] == '\'' && raw[column+1] == '\'':
		return 2
	case n.Style == double && raw[column] == '\\':
		switch raw[column+1] {
		case 'x':
			return 4
		case 'u':
			return 6
		case 'U':
			return 10
		}
		return 2
	}
	return 1
}

func indentation(line []rune) int {
	n := 0
	for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		n++
	}
	return n
}

// Columns counts the characters of a text, as columns do.
func Columns(s string) int { return utf8.RuneCountInString(s) }
