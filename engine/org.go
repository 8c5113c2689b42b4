package engine

import (
	"sync/atomic"

	"github.com/tenterhook/tenterhook/rules"
)

// org counts the calls of one org, over all its hooks. It outlives Sets that still have the org. A
// nil org has no limit.
type org struct {
	name    string // empty for hooks without an org, if others have one
	running atomic.Int64
	shed    atomic.Uint64 // calls without a free slot
}

// acquire acquires one of the org's slots. Separate limits keep one org from using all of the
// engine's slots.
func (o *org) acquire(most int64) bool {
	if o == nil {
		return true
	}
	if o.running.Add(1) > most {
		o.running.Add(-1)
		o.shed.Add(1)
		return false
	}
	return true
}

func (o *org) release() {
	if o != nil {
		o.running.Add(-1)
	}
}

func orgName(r *rules.Hook) string {
	if r.Org == nil {
		return ""
	}
	return r.Org.Name
}

// adoptOrgs returns the orgs of a Set that is about to go live, by name; nil if no hook has an org.
// The caller holds e.mu.
func (e *Engine) adoptOrgs(hooks []*rules.Hook) map[string]*org {
	now, some := make(map[string]*org), false
	for _, r := range hooks {
		name := orgName(r)
		some = some || name != ""
		o := e.orgs[name]
		if o == nil {
			o = &org{name: name}
		}
		if now[name] == nil {
			now[name] = o
		}
	}
	if !some {
		now = nil
	}
	e.orgs = now // the counters of orgs that went away go with them
	return now
}

// joinOrg sets a hook's org and its limit: the policy's, or an equal share of the engine's.
func (h *Hook) joinOrg(orgs map[string]*org) {
	if h.org = orgs[orgName(h.Rules)]; h.org == nil {
		return
	}
	h.orgLimit = int64(max(1, h.e.o.Concurrency/len(orgs)))
	if o := h.Rules.Org; o != nil && o.Concurrency > 0 {
		h.orgLimit = int64(o.Concurrency)
	}
}
