package credential

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
)

// Org is an Okta org with hooks on this server.
type Org struct {
	Name        string
	Hosts       []string // in lower case: the Okta domain of the org, and its custom domains
	Concurrency int      // concurrent calls of all its hooks; 0: an equal share of the server's
}

// Has reports whether the host is one of the org's.
func (o *Org) Has(host string) bool {
	return slices.ContainsFunc(o.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// orgSpec is an Org as it is written.
type orgSpec struct {
	hosts       []*document.Node
	concurrency int
}

var orgFields = []document.Field[orgSpec]{
	{Key: "hosts", Doc: "The org's hosts, one or a list: acme.okta.com, and custom domains.", Schema: `{"oneOf":[{"type":"string"},{"type":"array","minItems":1,"items":{"type":"string"}}]}`, Required: true,
		Read: func(d *document.Decoder, o *orgSpec, n *document.Node) { o.hosts = d.Texts(n, "hosts") }},
	{Key: "concurrency", Doc: "Calls of all its hooks that are decided at once; left out, an equal share of what the server decides.", Schema: `{"type":"integer","minimum":1,"maximum":100000}`,
		Read: func(d *document.Decoder, o *orgSpec, n *document.Node) { o.concurrency = int(d.Int(n, 1, 100_000)) }},
}

// Orgs reads the orgs of a policy.
func (l *Reader) Orgs(members []document.Member) map[string]*Org {
	orgs, hosts := make(map[string]*Org, len(members)), map[string]string{}
	for _, m := range members {
		if !document.NamePattern.MatchString(m.Key) || len(m.Key) > 64 {
			l.Add(m.KeyNode.Problem("want an org's name of up to 64 lower-case letters, digits and hyphens, got %q", m.Key))
		}
		var spec orgSpec
		document.Decode(l.Decoder, m.Value, "an org", orgFields, &spec)
		o := &Org{Name: m.Key, Concurrency: spec.concurrency}
		for _, n := range spec.hosts {
			if host := l.host(n); host != "" {
				l.claimHost(hosts, n, host, m.Key)
				o.Hosts = append(o.Hosts, host)
			}
		}
		orgs[m.Key] = o
	}
	return orgs
}

// claimHost reports a host that two orgs have.
func (l *Reader) claimHost(hosts map[string]string, n *document.Node, host, org string) {
	if other, taken := hosts[host]; taken {
		l.Add(n.Problem("%s is a host of the org %s already: a call could be of either", host, other))
		return
	}
	hosts[host] = org
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// host reads the name of a host, or returns "".
func (l *Reader) host(n *document.Node) string {
	host := strings.ToLower(n.Text)
	if _, err := netip.ParseAddr(host); err == nil || !hostName.MatchString(host) || len(host) > 253 {
		l.Add(n.Problem("want a host such as acme.okta.com, without https:// and without a path, got %q", n.Text))
		return ""
	}
	return host
}
