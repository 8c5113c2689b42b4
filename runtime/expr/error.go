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
