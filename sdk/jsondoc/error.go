package jsondoc

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// The reasons to reject a text. Each is wrapped in a *SyntaxError with its place.
var (
	ErrSyntax    = errors.New("not JSON")                     // RFC 8259 does not allow it
	ErrEncoding  = errors.New("not UTF-8")                    // bad UTF-8, or an escaped surrogate without its half
	ErrDuplicate = errors.New("a member that is there twice") // readers disagree about which one counts
	ErrDepth     = errors.New("too deep")
	ErrSize      = errors.New("too large")
)

// SyntaxError locates the first byte at which Parse rejects a text.
type SyntaxError struct {
	Offset int    // bytes before the fault
	Want   string // the expectation there; never quotes the text
	Err    error  // one of the reasons above
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("at byte %d: %s: want %s", e.Offset, e.Err, e.Want)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// Position returns the fault's line and column in src, the rejected text; both count from 1, the
// column in characters.
func (e *SyntaxError) Position(src []byte) (line, col int) {
	before := src[:min(e.Offset, len(src))]
	return 1 + bytes.Count(before, []byte{'\n'}), 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
}
