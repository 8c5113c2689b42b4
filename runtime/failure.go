package runtime

import (
	"errors"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// The reasons a run can fail. The error of a program wraps one of them.
var (
	// the budget's wall clock, or the call's deadline
	ErrTime = errors.New("out of time")
	ErrFuel = errors.New("out of fuel") // too many steps
	// more memory, or a larger value, than the limit
	ErrMemory = errors.New("out of memory")
	ErrOutput = errors.New("output too large") // a larger draft than the limit
	// a payload's value has a kind or size that the rule cannot work with
	ErrValue = errors.New("a value the rule cannot work with")
	// a module stopped itself or violated the convention
	ErrTrap = errors.New("trapped")
)

// Reason is the label of a failure in metrics: time, fuel, memory, output, value, contract, trap,
// or internal for any other error. It is "" for nil.
func Reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrTime):
		return "time"
	case errors.Is(err, ErrFuel):
		return "fuel"
	case errors.Is(err, ErrMemory):
		return "memory"
	case errors.Is(err, ErrOutput):
		return "output"
	case errors.Is(err, ErrValue):
		return "value"
	case errors.Is(err, ErrTrap):
		return "trap"
	case errors.Is(err, hook.ErrContract):
		return "contract"
	}
	return "internal"
}
