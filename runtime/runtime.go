// Package runtime is the promise every rule runs under: what it may spend, what it is given, how it can fail.
package runtime

import (
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Program is a rule's compiled code, safe for concurrent runs. It is the one interface of the house: expression rules
// and modules are its two kinds.
type Program interface {
	// Run decides on r.Event and writes what the rule wants into d; d is empty when the rule has no opinion. An error is
	// one of this package's reasons, wrapped; whatever is in d then counts for nothing.
	Run(r *Run, d *hook.Draft) error
	// Close frees what the program holds. No run may be under way or follow.
	Close() error
}

// Run is one event's way through a hook's rules: what every program of the chain is given.
type Run struct {
	Event hook.Event
	Now   time.Time // one instant for the whole chain
	Seed  [32]byte  // for randomness; the same for the whole chain
	Meter *Meter    // one for the whole chain
}
