package engine

import (
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/rules"
)

// live is a Set with the engine's state for it.
type live struct {
	e        *Engine
	set      *rules.Set
	since    time.Time
	revision string
	unready  int // rules whose modules could not be prepared
	warnings int // of the policy
	hooks    []*Hook
	orgs     map[string]*org
	byPath   map[string]*Hook
	byName   map[string]*Hook

	// uses counts the leases, plus one while the Set is live. The release that brings it to 0
	// closes the Set, after setting it so far below zero that no late lease can revive it.
	uses atomic.Int64
}

const closedUses = -1 << 40

// Lease keeps a Set open: hooks found through it are valid until Release. The zero Lease holds no
// Set.
type Lease struct {
	l *live
}

// Lease leases the live Set. Held reports whether there was one.
func (e *Engine) Lease() Lease {
	for {
		l := e.live.Load()
		if l == nil {
			return Lease{}
		}
		if l.uses.Add(1) > 0 {
			return Lease{l}
		}
		// It was retired and closed after it was loaded; the next one is in its place already.
	}
}

// Held reports whether the Lease holds a Set.
func (l Lease) Held() bool { return l.l != nil }

// Release ends the lease. The caller of Lease calls it once.
func (l Lease) Release() {
	if l.l != nil {
		l.l.release()
	}
}

// At returns the hook that is served at a path; nil if there is none.
func (l Lease) At(path []byte) *Hook { return l.l.byPath[string(path)] }

// Hooks returns all hooks of the Set.
func (l Lease) Hooks() []*Hook { return l.l.hooks }

// Named returns the hook of a name; nil if there is none.
func (l Lease) Named(name string) *Hook { return l.l.byName[name] }

func (l *live) retire() {
	for _, h := range l.hooks {
		h.replays.clear()
	}
	l.release()
}

func (l *live) release() {
	if l.uses.Add(-1) == 0 && l.uses.CompareAndSwap(0, closedUses) {
		l.e.closeSet(l.set)
	}
}

// install prepares a Set to be live. The caller holds e.mu.
func (e *Engine) install(s *rules.Set) *live {
	hooks := s.Hooks()
	l := &live{e: e, set: s, since: time.Now(), revision: s.Revision(), unready: countUnready(s), warnings: len(s.Warnings()),
		byPath: make(map[string]*Hook, len(hooks)), byName: make(map[string]*Hook, len(hooks))}
	tallies, orgs := make(map[string]*hookStats, len(hooks)), e.adoptOrgs(hooks)
	for _, r := range hooks {
		t := e.stats[r.Name]
		if t == nil {
			t = &hookStats{}
		}
		tallies[r.Name] = t
		h := e.newHook(r, l.revision, t, len(hooks))
		h.joinOrg(orgs)
		l.hooks = append(l.hooks, h)
		l.byPath[r.Path], l.byName[r.Name] = h, h
	}
	l.orgs = orgs
	e.stats = tallies // the counters of hooks that went away go with them
	l.uses.Store(1)
	return l
}

// countUnready counts the rules of a Set that fail because their modules did not start.
func countUnready(s *rules.Set) (n int) {
	for _, m := range s.Modules() {
		if m.Failure != "" {
			n++
		}
	}
	return n
}
