package rules

import (
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// patterns holds event types against Okta's catalogue and what the policy says is known.
func (l *loader) patterns(nodes []*document.Node) (all []hook.EventPattern) {
	for _, n := range nodes {
		if n.Kind == document.Broken {
			continue
		}
		text := l.Text(n)
		if text == "" {
			continue
		}
		p := hook.EventPattern(text)
		if problem := p.Check(l.known); problem != "" {
			l.Add(n.Problem("%s", problem))
			continue
		}
		all = append(all, p)
	}
	return all
}
