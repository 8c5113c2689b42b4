package rules

import (
	"slices"

	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/document"
)

// readOrgs reads the orgs, and warns about orgs without a hook.
func (l *loader) readOrgs() map[string]*credential.Org {
	orgs := l.credentials.Orgs(l.orgs)
	for _, m := range l.orgs {
		if !slices.ContainsFunc(l.hooks, func(h *hookSpec) bool { return h.org == m.Key }) {
			l.Add(m.KeyNode.Warning("no hook is of the org %s: want org: %s at its hooks", m.Key, m.Key))
		}
	}
	return orgs
}

// orgOf returns the org of a hook, or nil.
func (l *loader) orgOf(orgs map[string]*credential.Org, h *hookSpec) *credential.Org {
	if h.orgAt == nil {
		if len(orgs) > 0 && h.name != "" {
			l.Add(h.nameAt.Warning("hook %s does not say whose it is, and this policy has orgs: want org: %s", h.name, document.Either(keysIn(l.orgs))))
		}
		return nil
	}
	o := orgs[h.org]
	if o == nil && h.org != "" {
		l.Add(h.orgAt.Problem("unknown org %q: want it under orgs, with its hosts%s", h.org, document.Suggest(h.org, keysIn(l.orgs))))
	}
	return o
}

func keysIn(list []document.Member) (keys []string) {
	for _, m := range list {
		keys = append(keys, m.Key)
	}
	return keys
}
