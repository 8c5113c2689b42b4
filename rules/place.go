package rules

import (
	"cmp"
	"crypto/x509"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// webOnly is what a line in a file or on standard output has no use for.
var webOnly = []string{"method", "path", "query", "headers", "encoding", "ok", "allow_private", "proxy", "ca"}

// destination compiles one destination. Its name is known whatever is wrong with it.
func (l *loader) destination(s *Set, m document.Member) {
	spec := destinationSpec{Destination: Destination{Name: m.Key}, nodes: map[string]*document.Node{}}
	if !document.NamePattern.MatchString(m.Key) || len(m.Key) > 64 {
		l.Add(m.KeyNode.Problem("want a destination's name of up to 64 lower-case letters, digits and hyphens, got %q", m.Key))
	}
	hideSecrets(m.Value)
	document.Decode(&l.Decoder, m.Value, "a destination", destinationFields, &spec)
	if m.Value.Kind == document.Map {
		l.kind(m.Value)
		l.place(&spec)
	}
	if spec.ok != nil {
		spec.OK = l.check(s, spec.ok)
	}
	s.destinations = append(s.destinations, spec.Destination)
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

// kind holds what is written to one kind of place.
func (l *loader) kind(n *document.Node) {
	var kinds []string
	for _, key := range []string{"url", "file", "stdout"} {
		if n.Get(key) != nil {
			kinds = append(kinds, key)
		}
	}
	switch {
	case len(kinds) == 0:
		l.Add(n.Problem("a destination without a place: want url, file or stdout"))
		return
	case len(kinds) > 1:
		l.Add(n.Problem("want one of url, file and stdout, got %s", document.And(kinds)))
		return
	}
	for _, m := range n.Members {
		switch {
		case slices.Contains(webOnly, m.Key) && kinds[0] != "url":
			l.Add(m.KeyNode.Problem("%s is for destinations with a url", m.Key))
		case m.Key == "rotate" && kinds[0] != "file":
			l.Add(m.KeyNode.Problem("rotate is for destinations with a file"))
		}
	}
}

// place fills in what needs the environment.
func (l *loader) place(spec *destinationSpec) {
	if n := spec.nodes["url"]; n != nil {
		spec.URL = l.url(n, spec)
	}
	if n := spec.nodes["file"]; n != nil {
		if spec.File = l.outside(n, "file"); spec.File != "" && !filepath.IsAbs(spec.File) {
			l.Add(n.Problem("want the absolute path of a file"))
		}
	}
	if n := spec.nodes["path"]; n != nil {
		spec.Path = l.Decoder.Text(n)
		l.contract(n, `{"to":"x","path":`, spec.Path, `}`)
	}
	if n := spec.nodes["proxy"]; n != nil {
		if spec.Proxy = l.outside(n, "proxy"); spec.Proxy != "" {
			if u, err := url.Parse(spec.Proxy); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
				l.Add(n.Problem("want a proxy as http://host:port or https://host:port"))
			}
		}
	}
	if n := spec.nodes["ca"]; n != nil {
		if spec.CA = l.outside(n, "ca"); spec.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(spec.CA)) {
			l.Add(n.Problem("want certificates in PEM, as in ${file./etc/ca.pem}"))
		}
	}
	spec.Query = l.texts(spec.nodes["query"], "query")
	spec.Headers = l.texts(spec.nodes["headers"], "headers")
	l.names(spec)
}

// outside reads a text and fills it; empty when it cannot be used.
func (l *loader) outside(n *document.Node, what string) string {
	r := secretReader{outside: outside{env: l.options.Env, check: l.options.Check}}
	text, _ := r.text(n, what)
	l.Add(r.problems...)
	return text
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
			all[m.Key] = l.outside(m.Value, "value of "+m.Key)
		}
		if what != "headers" {
			continue
		}
		l.contract(m.KeyNode, `{"to":"x","headers":{`, m.Key, `:"x"}}`)
		if v := all[m.Key]; strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			l.Add(m.KeyNode.Problem("want a header's value without control characters"))
		}
		if sensitive.MatchString(m.Key) && m.Value.Kind == document.Text && !strings.Contains(m.Value.Text, "${") {
			l.Add(m.KeyNode.Warning("a secret stands in the policy itself: want ${env.NAME} or ${file./path}"))
		}
	}
	return all
}

// sensitive are headers that carry secrets.
var sensitive = regexp.MustCompile(`(?i)^(?:proxy-)?authorization$|^cookie$|key$|token$|secret$|signature$`)

// names checks that nothing is said twice: where the idempotency key goes, and what the URL's own query says.
func (l *loader) names(spec *destinationSpec) {
	key := spec.nodes["key"]
	if key != nil {
		spec.Key = l.Decoder.Text(key)
		if spec.nodes["url"] == nil && len(spec.Key) > 64 {
			l.Add(key.Problem("want the name of a member, at most 64 bytes"))
		} else if spec.nodes["url"] != nil {
			l.contract(key, `{"to":"x","headers":{`, spec.Key, `:"x"}}`)
		}
	}
	for name := range spec.Headers {
		if strings.EqualFold(name, cmp.Or(spec.Key, "Idempotency-Key")) {
			l.Add(spec.nodes["headers"].Problem("the header %s carries the idempotency key: key gives that another", name))
		}
	}
	if u, err := url.Parse(spec.URL); err == nil {
		for name := range u.Query() {
			if _, twice := spec.Query[name]; twice {
				l.Add(spec.nodes["query"].Problem("the url says %s already", name))
			}
		}
	}
}

// url reads where a destination is. Its problems never quote it: a URL is often a secret by itself.
func (l *loader) url(n *document.Node, spec *destinationSpec) string {
	text := l.outside(n, "url")
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		l.Add(n.Problem("want a URL such as https://host/path"))
	case u.Fragment != "":
		l.Add(n.Problem("want a URL without a fragment (#)"))
	case u.Scheme == "http" && spec.nodes["allow_private"] == nil:
		l.Add(n.Problem("want https: what goes by http can be read on its way; allow_private names the ranges where it may, as in [127.0.0.0/8]"))
	case u.User != nil && !strings.Contains(n.Text, "${"):
		l.Add(n.Warning("a secret stands in the policy itself: want ${env.NAME} or ${file./path}"))
	}
	return text
}

// contract holds one text of an action against the contract.
func (l *loader) contract(n *document.Node, before, text, after string) {
	if text == "" {
		return
	}
	draft := append(jsondoc.AppendString([]byte(`{"actions":[`+before), text), after+"]}"...)
	if problems := hook.CheckDraft(hook.EventHook, &hook.Draft{JSON: draft}); len(problems) > 0 {
		l.Add(n.Problem("%s", problems[0].Message))
	}
}

// answerBudget is what a look at one answer may spend.
var answerBudget = runtime.Budget{Fuel: 200_000}

// check compiles a destination's ok, nil when there was a problem.
func (l *loader) check(s *Set, n *document.Node) Check {
	c := &compiler{Decoder: &l.Decoder, env: expr.NewAnswerEnv(expr.Options{Vars: s.vars.Root(), Tables: s.tables})}
	x := c.expression(n)
	if x == nil {
		return nil
	}
	if err := x.Condition(); err != nil {
		c.faults(n, err)
		return nil
	}
	return func(status int, headers map[string][]string, body []byte) (bool, error) {
		text := expr.AppendAnswer(nil, status, headers, body)
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
