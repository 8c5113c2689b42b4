package rules

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Org is one Okta org whose hooks call here.
type Org struct {
	Name        string
	Hosts       []string // in lower case: the org's Okta domain, and custom domains of its own
	Concurrency int      // calls decided at once, over all its hooks; 0: an equal share of the server's
}

// Has reports whether the host is one of the org's.
func (o *Org) Has(host string) bool {
	return slices.ContainsFunc(o.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// orgSpec is an org as it is written.
type orgSpec struct {
	hosts       []*node
	concurrency int
}

var orgFields = []field[orgSpec]{
	{key: "hosts", doc: "The org's hosts, one or a list: acme.okta.com, and custom domains.", schema: `{"oneOf":[{"type":"string"},{"type":"array","minItems":1,"items":{"type":"string"}}]}`, need: true,
		read: func(d *decoder, o *orgSpec, n *node) { o.hosts = d.several(n, "hosts") }},
	{key: "concurrency", doc: "Calls of all its hooks that are decided at once; left out, an equal share of what the server decides.", schema: `{"type":"integer","minimum":1,"maximum":100000}`,
		read: func(d *decoder, o *orgSpec, n *node) { o.concurrency = int(d.int(n, 1, 100_000)) }},
}

// several reads a text or a list of texts.
func (d *decoder) several(n *node, what string) []*node {
	each := []*node{n}
	if n.kind != textNode {
		each = d.items(n, what)
	}
	if n.kind == listNode && len(each) == 0 {
		d.add(n.problem("want %s, got an empty list", what))
	}
	return slices.DeleteFunc(slices.Clone(each), func(n *node) bool { return n.kind == brokenNode || d.text(n) == "" })
}

// readOrgs reads the orgs, and warns of those that no hook names.
func (l *loader) readOrgs() map[string]*Org {
	orgs, hosts := make(map[string]*Org, len(l.orgs)), map[string]string{}
	for _, m := range l.orgs {
		if !hookName.MatchString(m.key) || len(m.key) > 64 {
			l.add(m.at.problem("want an org's name of up to 64 lower-case letters, digits and hyphens, got %q", m.key))
		}
		var spec orgSpec
		decode(&l.decoder, m.value, "an org", orgFields, &spec)
		o := &Org{Name: m.key, Concurrency: spec.concurrency}
		for _, n := range spec.hosts {
			if host := l.host(n); host != "" {
				l.ownHost(hosts, n, host, m.key)
				o.Hosts = append(o.Hosts, host)
			}
		}
		orgs[m.key] = o
		if !slices.ContainsFunc(l.hooks, func(h *hookSpec) bool { return h.org == m.key }) {
			l.add(m.at.warning("no hook is of the org %s: want org: %s at its hooks", m.key, m.key))
		}
	}
	return orgs
}

func (l *loader) ownHost(hosts map[string]string, n *node, host, org string) {
	if other, taken := hosts[host]; taken {
		l.add(n.problem("%s is a host of the org %s already: a call could be of either", host, other))
		return
	}
	hosts[host] = org
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// host reads a host's name, empty when it is none.
func (l *loader) host(n *node) string {
	host := strings.ToLower(n.text)
	if _, err := netip.ParseAddr(host); err == nil || !hostName.MatchString(host) || len(host) > 253 {
		l.add(n.problem("want a host such as acme.okta.com, without https:// and without a path, got %q", n.text))
		return ""
	}
	return host
}

// orgOf is the org a hook names.
func (l *loader) orgOf(orgs map[string]*Org, h *hookSpec) *Org {
	if h.orgAt == nil {
		if len(orgs) > 0 && h.name != "" {
			l.add(h.nameAt.warning("hook %s does not say whose it is, and this policy has orgs: want org: %s", h.name, either(keysIn(l.orgs))))
		}
		return nil
	}
	o := orgs[h.org]
	if o == nil && h.org != "" {
		l.add(h.orgAt.problem("unknown org %q: want it under orgs, with its hosts%s", h.org, suggest(h.org, keysIn(l.orgs))))
	}
	return o
}

func keysIn(list []member) (keys []string) {
	for _, m := range list {
		keys = append(keys, m.key)
	}
	return keys
}
