// Package runtime defines how every rule runs: its budget, its inputs, and how it can fail.
package runtime

import (
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Program is a rule's compiled code, safe for concurrent runs. There are two kinds: expressions and
// modules.
type Program interface {
	// Run decides on r.Event and writes the rule's draft into d; d stays empty when the rule has
	// nothing to say. An error wraps one of this package's reasons, and d is then discarded.
	Run(r *Run, d *hook.Draft) error
	// Close frees the program's resources. No Run may be under way or follow.
	Close() error
}

// Run is the run of one event through a hook's rules, shared by all programs of the chain. The zero
// Run is ready for Begin. A Run that begins again keeps its memory, without contents.
type Run struct {
	Event   hook.Event
	Now     time.Time // one time for the whole chain
	Meter   *Meter    // one for the whole chain, started
	Scratch Scratch   // shared by the expressions of the chain
	// the output of earlier rules in the chain; nil: none, and nothing is merged
	Merge  *hook.Merge
	Random *Random  // makes Seed
	Logs   []string // lines that modules wrote since Begin, limited for each run
	// no caller waits: it yields to runs with a caller, and its waiting does not count
	Background bool
	// peak memory in bytes of the last module that ran; reset it to 0 to measure one rule
	Memory int64

	seed   [32]byte
	seeded bool // seed is known
}

// Begin prepares r for e and clears everything of the previous event.
func (r *Run) Begin(e hook.Event, now time.Time, m *Meter) {
	r.Event, r.Now, r.Meter, r.Merge, r.Random = e, now, m, nil, nil
	r.seed, r.seeded = [32]byte{}, false
	clear(r.Logs)
	r.Logs, r.Memory, r.Background = r.Logs[:0], 0, false
	r.Scratch.reset()
}

// End releases the event before r goes back to its pool, so that the pool keeps no body alive.
func (r *Run) End() { r.Begin(hook.Event{}, time.Time{}, nil) }
