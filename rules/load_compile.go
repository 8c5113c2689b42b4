package rules

import (
	"errors"
	"strings"

	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// compiler compiles the rules of one hook.
type compiler struct {
	*document.Decoder
	modules        *moduleLoader
	env            *expr.Env
	destinations   []destination.Spec
	known          []string  // the `known` members of the policy
	updatesHandled bool      // an earlier rule stops the chain for progressive updates
	inRefusal      bool      // the condition of a denial is compiled
	namesUser      bool      // an earlier rule may give the user to link
	released       []string  // reserved claims that Okta has released
	form           string    // key of the output that is compiled
	member         string    // key of the action's member that is compiled
	reveals        []string  // outputs that may reveal secrets
	usedReveals    []string  // outputs that do
	tainted        bool      // an output of the rule carries a secret
	decides        []Clause  // conditional parts of the outputs
	cost           expr.Cost // of the rule that is compiled
}

// expression compiles a bare expression, or returns nil after a problem.
func (c *compiler) expression(n *document.Node) *expr.Expression {
	if !c.bare(n) {
		return nil
	}
	x, err := expr.Compile(n.Text, c.env)
	if err != nil {
		c.addErrors(n, err)
		return nil
	}
	c.addWarnings(n, x.Warnings())
	c.cost = c.cost.Plus(x.Cost())
	return x
}

// bare reports whether n can be an expression.
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

// text compiles a leaf, or returns nil after a problem.
func (c *compiler) text(n *document.Node) *expr.Text {
	t, err := expr.CompileText(n.Text, c.env)
	if err != nil {
		c.addErrors(n, err)
		return nil
	}
	c.checkSecretUse(n, t)
	c.addWarnings(n, t.Warnings())
	c.cost = c.cost.Plus(t.Cost())
	return t
}

// addErrors reports errors inside an expression at their places in the file. A comment after the
// expression is the likelier cause: # is the current element in expr, and YAML ends a plain value
// at a # after a space.
func (c *compiler) addErrors(n *document.Node, err error) {
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

// check checks a draft, with stand-ins for computed parts, against the contract. n is the node at
// root in the draft. Computed parts are checked per call.
func (c *compiler) check(draft []byte, n *document.Node, root string) {
	for _, p := range hook.CheckDraft(c.HookType, &hook.Draft{JSON: draft}, c.released...) {
		path, below := strings.CutPrefix(p.Path, root)
		at, key, whole := n, (*document.Node)(nil), false
		if below {
			at, key, whole = n.Find(path)
		}
		if whole && c.isComputed(at) {
			continue
		}
		if whole && key != nil && strings.HasPrefix(p.Message, "unknown member") {
			at = key
		}
		c.Add(at.Problem("%s", p.Message))
	}
}

// isComputed reports whether the value of n is computed per call.
func (c *compiler) isComputed(n *document.Node) bool {
	if n.Kind != document.Text || !n.HasHoles() {
		return n.HasHoles()
	}
	t, err := expr.CompileText(n.Text, c.env)
	return err != nil || constantJSON(t) == nil
}

// checkPart is check for a draft of one name or value: it reports at most one problem, at n.
func (c *compiler) checkPart(draft []byte, n *document.Node) bool {
	problems := hook.CheckDraft(c.HookType, &hook.Draft{JSON: draft}, c.released...)
	if len(problems) > 0 {
		c.Add(n.Problem("%s", problems[0].Message))
	}
	return len(problems) == 0
}
