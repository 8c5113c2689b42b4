package expr

import (
	"strings"
	"unicode/utf8"
)

// Error is one thing that is wrong with an expression.
type Error struct {
	Offset  int    // bytes before it, in the text that was compiled
	Line    int    // from 1
	Column  int    // characters, from 1
	Message string // what is wrong, and what was wanted
	Suggest string // what was meant, perhaps; "" when nothing is near. Message ends with it already
}

func (e *Error) Error() string { return e.Message }

// Errors is everything that was found wrong with one text, in the order of the text. Compile, CompileText and Env.Let
// return no other error.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Message
	}
	return strings.Join(lines, "; ")
}

// at makes an Error for a place in src.
func at(src string, offset int, message string) *Error {
	offset = min(max(offset, 0), len(src))
	before := src[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Offset:  offset,
		Line:    strings.Count(before, "\n") + 1,
		Column:  utf8.RuneCountInString(before[start:]) + 1,
		Message: message,
	}
}

// shift moves errors of a part, which began at offset, to where they are in the whole of src.
func (e Errors) shift(src string, offset int) Errors {
	for i, one := range e {
		moved := at(src, offset+one.Offset, one.Message)
		moved.Suggest = one.Suggest
		e[i] = moved
	}
	return e
}

// nearest is the candidate that name was probably meant to be, "" when none is near.
func nearest(name string, candidates []string) string {
	best, limit := "", 1+len(name)/5
	for _, c := range candidates {
		if strings.EqualFold(c, name) {
			return c
		}
		if d := distance(name, c); d <= limit && (best == "" || d < distance(name, best)) {
			best = c
		}
	}
	return best
}

// distance is how many letters have to be put in, left out, changed or swapped with their neighbour to get from a to b.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var rows [3][65]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, up, up2 := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(up[j]+1, row[j-1]+1, up[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], up2[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
