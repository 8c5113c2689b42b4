package rules

import (
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// eventPatterns checks event types against Okta's catalogue and the `known` list of the policy.
func (l *loader) eventPatterns(nodes []*document.Node) (all []hook.EventPattern) {
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
