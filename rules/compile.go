package rules

import (
	"errors"
	"strings"

	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// compiler turns what is written into what runs: one for each hook.
type compiler struct {
	*document.Decoder
	shelf        *shelf
	env          *expr.Env
	destinations []destination.Spec
	known        []string  // members that the policy names
	form         string    // whose value is being compiled
	member       string    // of an action, likewise
	reveals      []string  // where the rule lets secrets get to
	revealed     []string  // where they do
	veiled       bool      // the rule gives something that carries a secret
	decides      []Clause  // parts of what the rule decides beside its condition
	cost         expr.Cost // of the rule that is being compiled
}

// expression compiles a bare expression, nil when there was a problem.
func (c *compiler) expression(n *document.Node) *expr.Expression {
	if !c.bare(n) {
		return nil
	}
	x, err := expr.Compile(n.Text, c.env)
	if err != nil {
		c.faults(n, err)
		return nil
	}
	c.doubts(n, x.Warnings())
	c.cost = c.cost.Plus(x.Cost())
	return x
}

// bare reports whether n can be an expression at all.
func (c *compiler) bare(n *document.Node) bool {
	switch n.Kind {
	case document.Broken:
		return false
	case document.Map, document.List:
		open := map[document.Kind]string{document.Map: "{", document.List: "["}[n.Kind]
		c.Add(n.Problem("want an expression, got %s: an expression that begins with %s is quoted whole", n.Describe(), open))
		return false
	case document.Null:
		c.Add(n.Problem("want an expression, got nothing"))
		return false
	}
	if t := strings.TrimSpace(n.Text); strings.HasPrefix(t, "${") && strings.HasSuffix(t, "}") {
		c.Add(n.Problem("want a bare expression here: leave out ${ and }"))
		return false
	}
	return true
}

// text compiles a leaf, nil when there was a problem.
func (c *compiler) text(n *document.Node) *expr.Text {
	t, err := expr.CompileText(n.Text, c.env)
	if err != nil {
		c.faults(n, err)
		return nil
	}
	c.leaks(n, t)
	c.doubts(n, t.Warnings())
	c.cost = c.cost.Plus(t.Cost())
	return t
}

// faults reports what is wrong inside an expression, at its place in the file. A comment behind it is the likelier cause:
// expr writes # for the element under way, and YAML ends a plain value at a # that follows a space.
func (c *compiler) faults(n *document.Node, err error) {
	if n.Style == document.Plain && n.Comment != "" {
		p := n.Source.Problem(n.Line, n.CommentColumn, "YAML takes what follows this # for a comment: quote the whole value, as in "+document.Quote(n.Text+" #"+n.Comment))
		c.Add(p)
		return
	}
	var all expr.Errors
	if !errors.As(err, &all) {
		c.Add(n.Problem("%s", err))
		return
	}
	for _, one := range all {
		c.Add(n.ProblemAt(one.Offset, one.Message))
	}
}

// check holds a draft, with stand-ins for what is computed, against the contract. n is what stands at root in the draft.
// What is computed is left to the call.
func (c *compiler) check(draft []byte, n *document.Node, root string) {
	for _, p := range hook.CheckDraft(c.HookType, &hook.Draft{JSON: draft}) {
		path, below := strings.CutPrefix(p.Path, root)
		at, key, whole := n, (*document.Node)(nil), false
		if below {
			at, key, whole = n.Find(path)
		}
		if whole && c.left(at) {
			continue
		}
		if whole && key != nil && strings.HasPrefix(p.Message, "unknown member") {
			at = key
		}
		c.Add(at.Problem("%s", p.Message))
	}
}

// left reports whether what n comes to is left to the call.
func (c *compiler) left(n *document.Node) bool {
	if n.Kind != document.Text || !n.HasHoles() {
		return n.HasHoles()
	}
	t, err := expr.CompileText(n.Text, c.env)
	return err != nil || settled(t) == nil
}

// checkPart is check for a draft that stands for one name or value: at most one problem is reported, at n.
func (c *compiler) checkPart(draft []byte, n *document.Node) bool {
	problems := hook.CheckDraft(c.HookType, &hook.Draft{JSON: draft})
	if len(problems) > 0 {
		c.Add(n.Problem("%s", problems[0].Message))
	}
	return len(problems) == 0
}
