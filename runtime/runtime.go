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

// Run is one event's way through a hook's rules: what every program of the chain is given. The zero Run is ready for
// Begin; a Run that begins again keeps its memory and nothing of what was in it.
type Run struct {
	Event      hook.Event
	Now        time.Time   // one instant for the whole chain
	Meter      *Meter      // one for the whole chain, started
	Scratch    Scratch     // what the expressions of the chain share
	Merge      *hook.Merge // what earlier rules of the chain have said; nil: nothing, and nothing is merged
	Random     *Random     // what Seed is made by
	Logs       []string    // what modules have written since Begin, line by line, capped for each run
	Background bool        // nobody waits for it: it goes behind runs that somebody waits for, and its waiting is pardoned
	Memory     int64       // bytes that the last module to run held at most; whoever reads it for one rule sets it to 0 before

	seed   [32]byte
	seeded bool // seed is known
}

// Begin makes r ready for e. Whatever an earlier event left is gone: values, texts and memory that was built for them.
func (r *Run) Begin(e hook.Event, now time.Time, m *Meter) {
	r.Event, r.Now, r.Meter, r.Merge, r.Random = e, now, m, nil, nil
	r.seed, r.seeded = [32]byte{}, false
	clear(r.Logs)
	r.Logs, r.Memory, r.Background = r.Logs[:0], 0, false
	r.Scratch.reset()
}

// End lets go of the event before r goes back to its pool, so that a pool never keeps a body alive.
func (r *Run) End() { r.Begin(hook.Event{}, time.Time{}, nil) }
