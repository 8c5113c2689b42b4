package table

import (
	"errors"
	"fmt"
	"strings"
)

// The reasons an entry is rejected.
var (
	ErrDuplicate = errors.New("a key that is there twice")
	ErrNetwork   = errors.New("not a network") // CIDRs wants an address or a prefix
	ErrDomain    = errors.New("not a domain")  // Domains wants a name such as example.com
	ErrSize      = errors.New("too large")     // more entries or longer values than a table holds
)

// EntryError says which entry is rejected and why.
type EntryError struct {
	Entry int   // its index among the entries
	First int   // with ErrDuplicate: the entry it repeats; else -1
	Err   error // wraps one of the reasons above
}

func (e *EntryError) Error() string { return fmt.Sprintf("entry %d: %s", e.Entry+1, e.Err) }

func (e *EntryError) Unwrap() error { return e.Err }

// Errors are all entries that kept a table from being made.
type Errors []*EntryError

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is see each entry's reason.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}
