package runtime

import (
	"errors"
	"time"
)

// The reasons a run can fail. What a program returns wraps one of them.
var (
	ErrTime   = errors.New("out of time")
	ErrFuel   = errors.New("out of fuel")
	ErrMemory = errors.New("out of memory")
	ErrOutput = errors.New("output too large")
)

// Budget is what a run may spend. A zero field means the default.
type Budget struct {
	Time   time.Duration // wall clock
	Fuel   int64         // steps: one per operator or per 64 bytes touched
	Memory int64         // bytes a program may hold at once
	Output int64         // bytes of draft
}

// Meter is what is left of a Budget.
type Meter struct{}
