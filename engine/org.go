package engine

import (
	"sync/atomic"

	"github.com/tenterhook/tenterhook/rules"
)

// org is what one org's calls take, over all its hooks. It outlives Sets that still have the org. A nil org takes nothing.
type org struct {
	name    string // empty: of hooks that name none, where others do
	running atomic.Int64
	shed    atomic.Uint64 // calls for which it had no place left
}

// acquire takes one of the places of the org. No org can have all of the engine's while another waits for its first.
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

// adoptOrgs gives the orgs of a Set that is to be live, by name; none when no hook names one. The caller holds e.mu.
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

// joinOrg gives a hook the places of its org: as many as the policy says, or an equal share of the engine's.
func (h *Hook) joinOrg(orgs map[string]*org) {
	if h.org = orgs[orgName(h.Rules)]; h.org == nil {
		return
	}
	h.orgLimit = int64(max(1, h.e.o.Concurrency/len(orgs)))
	if o := h.Rules.Org; o != nil && o.Concurrency > 0 {
		h.orgLimit = int64(o.Concurrency)
	}
}
