package cli

import (
	"errors"
	"fmt"

	"github.com/tenterhook/tenterhook/rules"
)

// The exit codes; no other is used.
const (
	exitOK     = 0
	exitFailed = 1 // the verb could not do it, or what it looked at failed
	exitUsage  = 2 // the command line, the environment or the configuration file
	exitPolicy = 3 // the policy folder has problems
)

// What an error of a verb can be, beside itself.
var (
	errUsage = errors.New("usage")        // the command was not understood
	errSaid  = errors.New("said already") // the output says it; nothing is to be added
)

// exitCode is the one table from error to exit code.
func exitCode(err error) int {
	var problems rules.Problems
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.As(err, &problems):
		return exitPolicy
	}
	return exitFailed
}

// marked is an error that is also of a kind, without the kind's text.
type marked struct {
	kind, err error
}

func (m marked) Error() string   { return m.err.Error() }
func (m marked) Unwrap() []error { return []error{m.kind, m.err} }

// usage is an error of the command line, the environment or the configuration file.
func usage(format string, args ...any) error {
	return marked{errUsage, fmt.Errorf(format, args...)}
}

// said is an error that the verb's output has told already.
func said(err error) error {
	return marked{errSaid, err}
}
