package hook

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Action is one delivery to a destination that a rule asks for after the answer: the one type from
// the rule to the queue of deliveries. JSON is an object of the members in actionMembers. An Action
// of a Merge is valid until the next Begin, and its JSON is as the rule wrote it.
type Action struct {
	Rule string // name of the rule that asks for it
	To   string // the destination's name
	Key  string // the idempotency key that the rule chose, or ""
	JSON []byte
	node jsondoc.Node
}

// maxActions limits the actions of one event, over all its rules.
const maxActions = 256

// Append appends the action as compact JSON without its null members. If the action has no body and
// body is not empty, it appends body as the action's body. A null body stays null.
func (a *Action) Append(dst, body []byte) []byte {
	dst = append(dst, '{')
	for name, v := range a.node.Members() {
		if v.Kind() == jsondoc.Null && name != "body" {
			continue
		}
		dst = jsondoc.AppendCompact(appendMember(dst, name), v.Raw())
	}
	if len(body) > 0 && !a.HasBody() {
		dst = jsondoc.AppendCompact(appendMember(dst, "body"), body)
	}
	return append(dst, '}')
}

// HasBody reports whether the rule gave the delivery a body.
func (a *Action) HasBody() bool { return a.node.Get("body").Kind() != jsondoc.Missing }

// Method is the HTTP method the rule asks for; empty when it leaves that to the destination.
func (a *Action) Method() string { return a.node.Get("method").Text() }

// Allow limits actions to these destinations: a draft with an action for another one is rejected.
// Without Allow every name is accepted. It holds until the next Begin.
func (m *Merge) Allow(destinations []string) {
	m.check.destinations, m.check.closed = destinations, true
}

// Actions lists the deliveries for after the answer, in the order of the drafts. An error does not
// cancel them: an audit needs to hear of the denied sign-up.
func (m *Merge) Actions() []Action { return m.actions }

// addActions keeps the actions of the draft that has just been merged.
func (m *Merge) addActions() {
	rule := m.drafts[m.used-1].rule
	for n := range m.check.actions.Elements() {
		m.actions = append(m.actions, Action{Rule: rule, To: n.Get("to").Text(), Key: n.Get("key").Text(), JSON: n.Raw(), node: n})
	}
}

var actionMembers = []string{"to", "method", "path", "query", "headers", "encoding", "body", "key"}

// methods are the HTTP methods of a delivery. CONNECT and TRACE are excluded.
var methods = []string{"POST", "PUT", "PATCH", "DELETE", "GET"}

// checkActions reads the actions.
func (c *checker) checkActions() {
	if c.actions.Len() > maxActions {
		c.fail("actions", "want at most %d actions", maxActions)
		return
	}
	i := 0
	for n := range c.actions.Elements() {
		if c.full() {
			return
		}
		c.action(i, n)
		i++
	}
}

// action reads one element of actions. Null is as good as missing, but for body.
func (c *checker) action(i int, n jsondoc.Node) {
	if n.Kind() != jsondoc.Object {
		c.failAction(i, "", "want an object with to, got "+describe(n))
		return
	}
	known := 0
	for _, name := range actionMembers {
		known += countPresent(n.Get(name))
	}
	if known != n.Len() {
		for name := range n.Members() {
			if !slices.Contains(actionMembers, name) {
				c.failAction(i, dot(name), "unknown member of an action"+hint(name, actionMembers))
			}
		}
	}
	c.checkDestination(i, n.Get("to"))
	c.checkWord(i, n, "method", methods)
	c.checkWord(i, n, "encoding", []string{"json", "form"})
	if s, ok := c.actionText(i, n, "path"); ok {
		c.actionPath(i, s)
	}
	if s, ok := c.actionText(i, n, "key"); ok && !isIdempotencyKey(s) {
		c.failAction(i, ".key", "want 1 to 255 visible ASCII characters")
	}
	c.checkTextMap(i, n, "query", func(string, string) string { return "" })
	c.checkTextMap(i, n, "headers", headerProblem)
}

func (c *checker) checkDestination(i int, to jsondoc.Node) {
	switch {
	case to.Kind() != jsondoc.String || to.Text() == "":
		c.failAction(i, ".to", "want the name of a destination, got "+describe(to))
	case c.closed && !slices.Contains(c.destinations, to.Text()):
		if len(c.destinations) == 0 {
			c.failAction(i, ".to", "there are no destinations")
			return
		}
		c.failAction(i, ".to", "there is no such destination"+hint(to.Text(), c.destinations))
	}
}

// checkWord checks a member that is one of a few words.
func (c *checker) checkWord(i int, n jsondoc.Node, name string, words []string) {
	s, ok := c.actionText(i, n, name)
	if ok && !slices.Contains(words, s) {
		c.failAction(i, "."+name, "unknown "+name+hint(s, words))
	}
}

// actionText is the text of a member that is there and is one.
func (c *checker) actionText(i int, n jsondoc.Node, name string) (string, bool) {
	m := n.Get(name)
	switch m.Kind() {
	case jsondoc.Missing, jsondoc.Null:
		return "", false
	case jsondoc.String:
		return m.Text(), true
	}
	c.failAction(i, "."+name, "want a text, got "+describe(m))
	return "", false
}

// checkTextMap checks a member that is an object of texts; problemOf returns the problem of one
// name and value, or "".
func (c *checker) checkTextMap(i int, n jsondoc.Node, name string, problemOf func(name, value string) string) {
	m := n.Get(name)
	switch m.Kind() {
	case jsondoc.Missing, jsondoc.Null:
		return
	case jsondoc.Object:
	default:
		c.failAction(i, "."+name, "want an object of texts, got "+describe(m))
		return
	}
	for key, v := range m.Members() {
		if v.Kind() == jsondoc.Null {
			continue
		}
		if v.Kind() != jsondoc.String {
			c.failAction(i, "."+name+dot(key), "want a text, got "+describe(v))
		} else if problem := problemOf(key, v.Text()); problem != "" {
			c.failAction(i, "."+name+dot(key), problem)
		}
	}
}

func (c *checker) failAction(i int, suffix, message string) {
	if !c.full() {
		c.problems = append(c.problems, Problem{"actions[" + strconv.Itoa(i) + "]" + suffix, message})
	}
}

// actionPath rejects text that is no path. For computed drafts, dot segments are checked where the
// path is joined to its URL: a payload must not be able to fail the whole draft with "..".
func (c *checker) actionPath(i int, path string) {
	if strings.ContainsAny(path, "?#\\") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		c.failAction(i, ".path", "want a path alone, percent-encoded: a query goes into query")
		return
	}
	if c.mode != staticDraft {
		return
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			c.failAction(i, ".path", "want a path without . and .. segments")
			return
		}
	}
}

func isIdempotencyKey(key string) bool {
	return key != "" && len(key) <= 255 && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// framing are the headers that control a request's framing and target. A rule that sets them could
// smuggle a second request.
var framing = []string{"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}

// headerProblem returns the problem of a header by RFC 9110 sections 5.1 and 5.5, or "".
func headerProblem(name, value string) string {
	switch lower := strings.ToLower(name); {
	case name == "" || len(name) > 256 || strings.ContainsFunc(name, func(r rune) bool { return !isTokenChar(r) }):
		return "want the name of a header: letters, digits and hyphens"
	case slices.Contains(framing, lower) || strings.HasPrefix(lower, "proxy-"):
		return "this header is not a rule's to set"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "want a header's value without control characters"
	}
	return ""
}

func isTokenChar(r rune) bool {
	return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
