package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// comparedType finds a type of events that an expression compares an event's own with.
var comparedType = regexp.MustCompile(`\bevent\??\.eventType\s*[=!]=\s*(?:"([\w.*-]+)"|'([\w.*-]+)')`)

// begunType matches prefix tests of event types in an expression.
var begunType = regexp.MustCompile(`\bevent\??\.eventType\s+startsWith\s+(?:"([\w.*-]+)"|'([\w.*-]+)')`)

// eventTypes warns of types that no event has: a condition with one is never true, or always. A
// pattern is for `on`; == takes it by its letters.
func (c *compiler) eventTypes(n *document.Node) {
	if c.HookType != hook.EventHook {
		return
	}
	c.beginnings(n)
	for _, at := range comparedType.FindAllStringSubmatchIndex(n.Text, -1) {
		from, to := max(at[2], at[4]), max(at[3], at[5])
		pattern := hook.EventPattern(n.Text[from:to])
		message := pattern.Check(c.known)
		if _, wild := pattern.Prefix(); wild {
			message = "no event's type ends in *: == compares every letter. A rule for many types says on: " + string(pattern)
		}
		if message != "" {
			p := n.ProblemAt(from, message)
			p.Warning = true
			c.Add(p)
		}
	}
}

// beginnings warns about prefixes that no event type has.
func (c *compiler) beginnings(n *document.Node) {
	for _, at := range begunType.FindAllStringSubmatchIndex(n.Text, -1) {
		from, to := max(at[2], at[4]), max(at[3], at[5])
		prefix := n.Text[from:to]
		begins := func(known string) bool { return strings.HasPrefix(known, prefix) }
		if slices.ContainsFunc(hook.EventTypes(), begins) || slices.ContainsFunc(c.known, begins) {
			continue
		}
		message := "no type of events that Okta delivers to event hooks begins with " + strconv.Quote(prefix)
		if strings.HasSuffix(prefix, ".") {
			if _, meant, ok := strings.Cut(hook.EventPattern(prefix+"*").Check(c.known), ", did you mean "); ok {
				message += ", did you mean " + strings.Replace(meant, ".*?", ".?", 1)
			}
		}
		p := n.ProblemAt(from, message)
		p.Warning = true
		c.Add(p)
	}
}

// addWarnings adds warnings about valid but probably mistaken expressions. all lists the compiler's
// own warnings.
func (c *compiler) addWarnings(n *document.Node, all expr.Errors) {
	for _, one := range all {
		p := n.ProblemAt(one.Offset, one.Message)
		p.Warning = true
		c.Add(p)
	}
	c.warnAttributes(n)
	c.eventTypes(n)
}

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
