package rules

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// destination loads one destination. Its name is defined even if it has problems.
func (l *loader) destination(s *Set, m document.Member) {
	spec := destinationSpec{Spec: destination.Spec{Name: m.Key}, nodes: map[string]*document.Node{}}
	if !document.NamePattern.MatchString(m.Key) || len(m.Key) > 64 {
		l.Add(m.KeyNode.Problem("want a destination's name of up to 64 lower-case letters, digits and hyphens, got %q", m.Key))
	}
	hideSecrets(m.Value)
	document.Decode(&l.Decoder, m.Value, "a destination", destinationFields, &spec)
	if spec.ok != nil {
		spec.OK = l.compileOK(s, spec.ok)
	}
	if m.Value.Kind == document.Map {
		l.destinationKind(&spec, m.Value)
		l.fillDestination(&spec)
		l.validateDestination(&spec, m.Value)
	}
	s.destinations = append(s.destinations, spec.Spec)
}

// hideSecrets keeps literal headers, and a URL's user and password, out of problems.
func hideSecrets(n *document.Node) {
	if n.Kind != document.Map {
		return
	}
	if headers := n.Get("headers"); headers != nil {
		headers.Hide()
	}
	for _, key := range []string{"url", "proxy"} {
		if u := n.Get(key); u != nil && strings.Contains(u.Text, "@") {
			u.Hide()
		}
	}
}

// destinationKind sets the kind by the keys, and reports keys of another kind.
func (l *loader) destinationKind(spec *destinationSpec, n *document.Node) {
	var keys []string
	for _, k := range destination.Kinds() {
		if n.Get(k.Key()) != nil {
			keys, spec.Kind = append(keys, k.Key()), k
		}
	}
	switch {
	case len(keys) == 0:
		l.Add(n.Problem("a destination without a place: want url, file or stdout"))
		return
	case len(keys) > 1:
		l.Add(n.Problem("want one of url, file and stdout, got %s", document.JoinAnd(keys)))
		spec.Kind = 0
		return
	}
	for _, m := range n.Members {
		if problem := spec.Kind.CheckField(m.Key); problem != "" {
			l.Add(m.KeyNode.Problem("%s", problem))
		}
	}
}

// fillDestination reads the values that may need the environment.
func (l *loader) fillDestination(spec *destinationSpec) {
	for key, text := range map[string]*string{"url": &spec.URL, "file": &spec.File, "proxy": &spec.Proxy, "ca": &spec.CA} {
		if n := spec.nodes[key]; n != nil {
			*text = l.credentials.ReadText(n, key)
		}
	}
	for key, text := range map[string]*string{"path": &spec.Path, "key": &spec.Key} {
		if n := spec.nodes[key]; n != nil {
			*text = l.Decoder.Text(n)
		}
	}
	spec.Query = l.texts(spec.nodes["query"], "query")
	spec.Headers = l.texts(spec.nodes["headers"], "headers")
	if n := spec.nodes["url"]; n != nil && !strings.Contains(n.Text, "${") {
		if u, err := url.Parse(spec.URL); err == nil && u.User != nil {
			l.Add(n.Warning("a secret stands in the policy itself: want ${env.NAME} or ${file./path}"))
		}
	}
}

// validateDestination reports the problems of Validate at their nodes. Problems that the decoder
// has reported are left out: those of keys for another kind, and of values that could not be read.
func (l *loader) validateDestination(spec *destinationSpec, n *document.Node) {
	if spec.Kind == 0 {
		return
	}
	unread := spec.Kind == destination.HTTP && spec.URL == "" || spec.Kind == destination.File && spec.File == ""
	for _, p := range spec.Validate() {
		key, member, _ := strings.Cut(p.Path, ".")
		if spec.Kind.CheckField(key) != "" || unread && key == spec.Kind.Key() {
			continue
		}
		l.Add(nodeAt(n, key, member).Problem("%s", p.Message))
	}
}

// nodeAt finds the node of a destination's problem: the name of a header, or a value.
func nodeAt(n *document.Node, key, member string) *document.Node {
	at := n.Get(key)
	if at == nil {
		return n
	}
	for _, m := range at.Members {
		if m.Key == member && key == "headers" {
			return m.KeyNode
		}
		if m.Key == member {
			return m.Value
		}
	}
	return at
}

// texts reads a map of names to texts.
func (l *loader) texts(n *document.Node, what string) map[string]string {
	if n == nil {
		return nil
	}
	if n.Kind != document.Map {
		l.Add(n.Problem("want %s as a map of names to texts, got %s", what, n.Describe()))
		return nil
	}
	all := make(map[string]string, len(n.Members))
	for _, m := range n.Members {
		if all[m.Key] = m.Value.Text; m.Value.Kind != document.Number && m.Value.Kind != document.Bool {
			all[m.Key] = l.credentials.ReadText(m.Value, "value of "+m.Key)
		}
		if what == "headers" && sensitiveHeader.MatchString(m.Key) && m.Value.Kind == document.Text && !strings.Contains(m.Value.Text, "${") {
			l.Add(m.KeyNode.Warning("a secret stands in the policy itself: want ${env.NAME} or ${file./path}"))
		}
	}
	return all
}

// sensitiveHeader matches the names of headers that carry secrets.
var sensitiveHeader = regexp.MustCompile(`(?i)^(?:proxy-)?authorization$|^cookie$|key$|token$|secret$|signature$`)

// answerBudget bounds the evaluation of ok on one answer.
var answerBudget = runtime.Budget{Fuel: 200_000}

// compileOK compiles a destination's ok; nil if it has a problem.
func (l *loader) compileOK(s *Set, n *document.Node) destination.Check {
	c := &compiler{Decoder: &l.Decoder, env: expr.NewAnswerEnv(expr.Options{Vars: s.vars.Root(), Tables: s.tables})}
	x := c.expression(n)
	if x == nil {
		return nil
	}
	if err := x.Condition(); err != nil {
		c.addErrors(n, err)
		return nil
	}
	return func(a destination.Answer) (bool, error) {
		text := expr.AppendAnswer(nil, a.Status, a.Header, a.Body)
		const deeper = 2 // than the body
		var doc jsondoc.Doc
		if err := doc.Parse(text, jsondoc.Limits{Bytes: len(text), Depth: 64 + deeper}); err != nil {
			return false, err
		}
		var m runtime.Meter
		var r runtime.Run
		now := time.Now()
		m.Start(answerBudget, now, time.Time{})
		r.Begin(hook.Event{Node: doc.Root()}, now, &m)
		return x.Test(&r)
	}
}
