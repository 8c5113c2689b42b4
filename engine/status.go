package engine

import (
	"time"

	"github.com/tenterhook/tenterhook/engine/dispatch"
)

// Status is the state of an Engine: its live Set and its counters.
type Status struct {
	Revision string       `json:"revision,omitempty"` // of the live Set; empty if there is none
	Since    time.Time    `json:"since,omitzero"`     // when it went live
	Ready    bool         `json:"ready"`
	Stale    bool         `json:"stale"`
	Hooks    []HookStatus `json:"hooks"`

	Destinations []dispatch.DestinationStatus `json:"destinations,omitempty"`
}

// HookStatus has the counters of one hook of the live Set.
type HookStatus struct {
	Name         string            `json:"name"`
	Type         string            `json:"type"`
	Path         string            `json:"path"`
	Org          string            `json:"org,omitempty"`
	Calls        map[string]uint64 `json:"calls"` // by outcome
	Repeats      uint64            `json:"repeats"`
	Twins        uint64            `json:"twins"`
	Running      int64             `json:"running"`
	Unauthorized uint64            `json:"unauthorized"`      // requests without the hook's credentials
	Foreign      uint64            `json:"foreign,omitempty"` // calls that named a host of another org
	Failures     uint64            `json:"ruleFailures"`
	Secrets      []SecretStatus    `json:"secrets,omitempty"` // in the order of the policy
}

// SecretStatus shows whether a secret is still in use. A secret that no call has presented since
// its replacement can be removed.
type SecretStatus struct {
	Name string    `json:"name"`
	Used uint64    `json:"used"`          // calls it authenticated
	Last time.Time `json:"last,omitzero"` // time of the last one
}

// Status reads the counters. It takes no lease.
func (e *Engine) Status() Status {
	s := Status{Ready: e.Ready(), Stale: e.stale.Load(), Hooks: []HookStatus{}}
	if e.dispatch != nil {
		s.Destinations = e.dispatch.Destinations()
	}
	l := e.live.Load()
	if l == nil {
		return s
	}
	s.Revision, s.Since = l.revision, l.since
	for _, h := range l.hooks {
		s.Hooks = append(s.Hooks, h.status())
	}
	return s
}

// Wake has destinations that rest after failures tried at once; no name means all.
func (e *Engine) Wake(names ...string) {
	if e.dispatch != nil {
		e.dispatch.Wake(names...)
	}
}

func (h *Hook) status() HookStatus {
	t := h.stats
	s := HookStatus{Name: h.Rules.Name, Type: h.Rules.Type.String(), Path: h.Rules.Path, Calls: make(map[string]uint64, len(t.outcomes)),
		Repeats: t.repeats.Load(), Twins: t.twins.Load(), Running: t.running.Load(), Unauthorized: t.unauthorized.Load(),
		Org: orgName(h.Rules), Foreign: t.foreign.Load()}
	for _, u := range h.secretStats {
		s.Secrets = append(s.Secrets, u.status())
	}
	for o := Outcome(0); o < outcomeCount; o++ {
		if o.possibleFor(h.Rules.Type) {
			s.Calls[o.String()] = t.outcomes[o].Load()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.failures {
		s.Failures += n
	}
	return s
}

func (u *secretStats) status() SecretStatus {
	s := SecretStatus{Name: u.name, Used: u.calls.Load()}
	if last := u.last.Load(); last > 0 {
		s.Last = time.Unix(last, 0).UTC()
	}
	return s
}
