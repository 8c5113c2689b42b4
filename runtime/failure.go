package runtime

import (
	"errors"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// The reasons a run can fail. What a program returns wraps one of them.
var (
	ErrTime   = errors.New("out of time")                       // the budget's wall clock, or the call's deadline
	ErrFuel   = errors.New("out of fuel")                       // too many steps
	ErrMemory = errors.New("out of memory")                     // more held, or one value larger, than is allowed
	ErrOutput = errors.New("output too large")                  // more draft than is allowed
	ErrValue  = errors.New("a value the rule cannot work with") // a payload's value has a type or size the rule cannot work with
	ErrTrap   = errors.New("trapped")                           // a module stopped itself, or broke the convention
)

// Reason is the label a failure has in metrics: time, fuel, memory, output, value, contract, trap, or internal for what
// none of the reasons explains. It is "" for nil.
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
