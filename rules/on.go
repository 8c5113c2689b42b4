package rules

import "github.com/tenterhook/tenterhook/sdk/hook"

// oneOrMore reads what stands after `on`: a text, or a list of them.
func (d *decoder) oneOrMore(n *node) []*node {
	if n.kind == textNode {
		return []*node{n}
	}
	if n.kind == listNode && len(n.items) == 0 {
		d.add(n.problem("want an event type, got an empty list, which is for no event at all"))
	}
	return d.items(n, "on")
}

// patterns holds event types against Okta's catalogue and what the policy says is known.
func (l *loader) patterns(nodes []*node) (all []hook.EventPattern) {
	for _, n := range nodes {
		if n.kind == brokenNode {
			continue
		}
		text := l.text(n)
		if text == "" {
			continue
		}
		p := hook.EventPattern(text)
		if problem := p.Check(l.known); problem != "" {
			l.add(n.problem("%s", problem))
			continue
		}
		all = append(all, p)
	}
	return all
}
