package expr

import (
	"strings"
	"unicode/utf8"
)

// Error is one problem of an expression.
type Error struct {
	Offset  int    // bytes before it in the source text
	Line    int    // from 1
	Column  int    // characters, from 1
	Message string // what is wrong, and what is wanted
	Suggest string // the word that was probably meant, or "". Message contains it
}

func (e *Error) Error() string { return e.Message }

// Errors are all problems of one text, in its order. Compile, CompileText and Env.Let return no
// other error.
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

// shift moves the errors of a part that begins at offset to their places in src.
func (e Errors) shift(src string, offset int) Errors {
	for i, one := range e {
		moved := at(src, offset+one.Offset, one.Message)
		moved.Suggest = one.Suggest
		e[i] = moved
	}
	return e
}
