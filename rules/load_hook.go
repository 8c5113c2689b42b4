package rules

import (
	"errors"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// hook compiles one hook, or returns nil if its type is unknown.
func (l *loader) hook(s *Set, spec *hookSpec) *Hook {
	h := &Hook{Name: spec.name, Path: spec.path, Type: spec.typ, Concurrency: spec.concurrency, random: l.options.Random}
	h.Auth = l.credentials.Auth(credential.Owner{Name: spec.name, Org: spec.org, Event: spec.typ == hook.EventHook, Node: spec.node}, spec.auth)
	if spec.typ == 0 {
		return nil
	}
	h.Budget = withDefaults(spec.budget)
	env := expr.NewEnv(expr.Options{Type: spec.typ, Known: l.known, Vars: s.vars.Root(), Tables: s.tables, Workers: s.workers, Clauses: l.options.Clauses})
	h.env, l.HookType = env, spec.typ
	h.Released = l.releasedClaims(spec)
	defer func() { l.HookType = 0 }()
	c := &compiler{Decoder: &l.Decoder, modules: l.modules, env: env, destinations: s.destinations, known: l.known, released: h.Released}
	h.destinations = s.destinations
	for _, d := range s.destinations {
		h.names = append(h.names, d.Name)
	}
	for i, let := range spec.lets {
		c.let(let, spec.lets[i+1:])
		h.lets, h.sources = append(h.lets, let.Key), append(h.sources, strings.TrimSpace(let.Value.Text))
		h.taintedLets = append(h.taintedLets, env.SecretLet(let.Key))
		h.recordLetPlace(let, env.LetClauses(let.Key))
	}
	names := map[string]*document.Node{}
	sets := map[string]string{} // each claim or attribute set so far, with the last rule that sets it
	for _, r := range spec.rules {
		if first := names[r.name]; first != nil && r.name != "" {
			l.Add(r.nameAt.Problem("rule %q is there twice in this hook, first on line %d", r.name, first.Line))
		}
		names[r.name] = r.nameAt
		h.on.add(l.eventPatterns(r.on))
		h.rules = append(h.rules, c.rule(h, r, sets))
		if l.options.Clauses {
			h.recordPlaces(r, &h.rules[len(h.rules)-1], c.decides)
		}
	}
	h.on.buildIndexes(h.rules)
	if rules := spec.node.Get("rules"); len(spec.rules) == 0 && (rules == nil || rules.Kind == document.List) {
		l.Add(spec.node.Warning("a hook without rules never has anything to say"))
	}
	l.answers(h, spec)
	return h
}

// releasedClaims lists the reserved claims that the hook may set all the same.
func (l *loader) releasedClaims(spec *hookSpec) []string {
	var names []string
	for _, n := range spec.released {
		if !hook.IDToken.Reserved(n.Text) && !hook.AccessToken.Reserved(n.Text) {
			l.Add(n.Warning("%q is not a reserved claim: leave it out of released_claims", n.Text))
		}
		names = append(names, n.Text)
	}
	return names
}

// withDefaults fills the missing limits of a hook's budget.
func withDefaults(b runtime.Budget) runtime.Budget {
	d := runtime.Default
	if b.Time > 0 {
		d.Time = b.Time
	}
	if b.Fuel > 0 {
		d.Fuel = b.Fuel
	}
	if b.Memory > 0 {
		d.Memory = b.Memory
	}
	if b.Output > 0 {
		d.Output = b.Output
	}
	return d
}

// answers sets the answers for silence and failure (hooks.md section 10).
func (l *loader) answers(h *Hook, spec *hookSpec) {
	if !h.Type.Inline() {
		return
	}
	h.Silent = hook.SilentAnswer(h.Type)
	restricts := slices.ContainsFunc(spec.rules, (*ruleSpec).restricts)
	h.closed = hook.ClosedAnswer(h.Type)
	h.Failure = hook.OpenAnswer(h.Type)
	if spec.onFailure == "closed" || spec.onFailure == "" && restricts {
		h.Failure = h.closed
	}
	switch {
	case spec.onFailure == "":
	case hook.FailureFixed(h.Type):
		l.Add(spec.onFailureAt.Problem("on_failure cannot be chosen for a %s hook: Okta has one safe answer", h.Type))
	case spec.onFailure == "open" && restricts:
		l.Add(spec.onFailureAt.Warning("this hook refuses or restricts, and lets everything go on when its budget runs out"))
	}
}

// let compiles a let. later lists the lets after it.
func (c *compiler) let(m document.Member, later []document.Member) {
	if !c.bare(m.Value) {
		c.env.Let(m.Key, "nil") // define the name all the same
		return
	}
	if err := c.env.Let(m.Key, m.Value.Text); err != nil {
		if !identifier.MatchString(m.Key) {
			c.Add(m.KeyNode.Problem("want a let's name of letters, digits and _, got %q", m.Key))
			return
		}
		if strings.HasPrefix(err.Error(), "the name ") { // the name itself is invalid
			c.Add(m.KeyNode.Problem("%s", err))
			return
		}
		c.addErrors(m.Value, explainLetOrder(err, m.Key, later))
		return
	}
	c.addWarnings(m.Value, c.env.LetWarnings(m.Key))
}

// explainLetOrder rewords errors about unknown names that are later lets or the let itself.
func explainLetOrder(err error, name string, later []document.Member) error {
	var all expr.Errors
	if !errors.As(err, &all) {
		return err
	}
	for _, one := range all {
		word, ok := strings.CutPrefix(one.Message, "unknown name ")
		word, _, _ = strings.Cut(word, ",")
		switch {
		case !ok:
			continue
		case word == name:
			one.Message = "the let " + name + " uses itself: want what it is made of"
		case slices.ContainsFunc(later, func(m document.Member) bool { return m.Key == word }):
			one.Message = "the let " + word + " comes later: a let reads only those before it"
		}
	}
	return all
}

// rule compiles one rule.
func (c *compiler) rule(h *Hook, spec *ruleSpec, sets map[string]string) rule {
	r := rule{name: spec.name, file: spec.node.Source.Name, line: spec.node.Line, budget: spec.budget, limited: spec.budget != (runtime.Budget{})}
	restricts := spec.restricts()
	refuses := spec.output("deny") != nil || spec.output("error") != nil
	r.last = spec.stop || spec.output("deny") != nil
	r.closed = restricts || h.Type.FailsClosed()
	r.missing = spec.missing == "match"
	c.setFailureMode(h, spec, &r, restricts)
	c.cost, c.decides = expr.Cost{}, nil
	c.compileCondition(spec, &r, refuses)
	m := &formCompiler{compiler: c, rule: spec, effects: &effects{}}
	c.reveals, c.usedReveals, c.tainted = spec.reveals, nil, false
	before := len(c.Problems)
	for _, g := range spec.outputs {
		if g.node.Kind == document.Broken {
			continue
		}
		c.form = g.form.key
		if c.form == "log" {
			r.log = c.log(g.node)
			continue
		}
		g.form.compile(m, g.node)
	}
	c.form = ""
	if spec.module != nil {
		c.warnSecretAccess(h, spec, &r)
	}
	c.warnUnusedReveal(spec, before)
	r.program, r.tainted = m.effects, c.tainted
	if spec.module != nil {
		r.program, r.module = c.modules.program(h, spec, r.budget.Within(h.Budget)), true
	}
	r.cost = c.cost
	c.warnOverridden(m, sets, r.last)
	c.checkCoherence(spec)
	c.checkLink(spec)
	return r
}

// warnOverridden warns if a later rule always overrides an earlier setting. sets maps each setting
// to its last rule.
func (c *compiler) warnOverridden(m *formCompiler, sets map[string]string, last bool) {
	name := m.rule.name
	for _, s := range m.sets {
		earlier, twice := sets[s.what]
		if twice && earlier != name && s.always && m.rule.when == nil {
			c.addOverridden(s, name, earlier)
		}
		if s.what == verification && s.at.Kind == document.Bool && s.at.Text == "false" {
			continue // it verifies nothing that could be overridden
		}
		if sets[s.what] = name; last { // no later rule runs after this one
			delete(sets, s.what)
		}
	}
}

// addOverridden warns about a setting of an earlier rule that the rule called name overrides. UNVERIFIED overrides VERIFIED
// in any order.
func (c *compiler) addOverridden(s outputSetting, name, earlier string) {
	if s.what == verification {
		c.Add(s.at.Warning("rule %q always runs, and its UNVERIFIED overrides the VERIFIED of rule %q: add stop: true to rule %q, or a condition to this one", name, earlier, earlier))
		return
	}
	c.Add(s.at.Warning("rule %q sets %s in any case: what rule %q sets it to never counts", name, s.what, earlier))
}

// checkCoherence reports outputs of a rule that exclude each other.
func (c *compiler) checkCoherence(spec *ruleSpec) {
	if spec.output("deny") != nil && spec.output("error") != nil {
		c.Add(spec.output("error").Problem("a deny makes the error itself: want one of them"))
	}
	for _, key := range []string{"deny", "error"} {
		if lost := spec.cancelledOutputs(); spec.output(key) != nil && len(lost) > 0 {
			c.Add(spec.output(lost[0]).Warning("nothing comes of %s: the %s beside it refuses the call, and Okta takes no more then", document.JoinAnd(lost), key))
			break
		}
	}
	if spec.at != nil && spec.node.Get("deny") == nil {
		c.Add(spec.at.Problem("at says where a deny is shown, and this rule has none"))
	}
	if spec.with != nil && spec.node.Get("wasm") == nil {
		c.Add(spec.node.Key("with").Problem("with is what a module is configured with, and this rule has none: want wasm"))
	}
	if spec.module != nil {
		c.checkModuleAlone(spec)
		return
	}
	if len(spec.outputs) == 0 && !spec.stop && !spec.faulty {
		c.Add(spec.node.Warning("rule %q gives nothing: want one of %s", spec.name, document.JoinAnd(document.Keys(formFields(), c.HookType))))
	}
}

// checkModuleAlone reports outputs beside a module: the draft of the module is the only output of
// its rule.
func (c *compiler) checkModuleAlone(spec *ruleSpec) {
	for _, g := range spec.outputs {
		if g.form.key != "log" {
			c.Add(spec.node.Key(g.form.key).Problem("%s beside wasm: the module says all that its rule gives: want a rule of its own for this", g.form.key))
		}
	}
}

// cancelledOutputs lists the outputs that a denial in the same rule cancels. Okta's own commands are
// checked with the error.
func (r *ruleSpec) cancelledOutputs() (keys []string) {
	for _, g := range r.outputs {
		switch g.form.key {
		case "commands", "error", "deny", "debug", "log", "send", "verify":
		default:
			keys = append(keys, g.form.key)
		}
	}
	return keys
}

func (c *compiler) setFailureMode(h *Hook, spec *ruleSpec, r *rule, restricts bool) {
	switch {
	case spec.onFailure == "":
	case h.Type.FailsClosed() && spec.onFailure == "open":
		c.Add(spec.onFailureAt.Problem("a %s rule cannot fail open: a password that nobody checked would be imported", h.Type))
	case spec.onFailure == "open" && restricts:
		r.closed = false
		c.Add(spec.onFailureAt.Warning("rule %q refuses or restricts, and counts for nothing when it fails", spec.name))
	default:
		r.closed = spec.onFailure == "closed"
	}
}

func (c *compiler) compileCondition(spec *ruleSpec, r *rule, refuses bool) {
	if spec.when == nil {
		if spec.missing != "" && spec.node.Get("when") == nil {
			c.Add(spec.missingAt.Problem("missing is for a rule with a condition: want when"))
		}
		return
	}
	r.source = strings.TrimSpace(spec.when.Text)
	c.inRefusal = spec.denies()
	x := c.expression(spec.when)
	c.inRefusal = false
	if x == nil {
		return
	}
	if err := x.Condition(); err != nil {
		c.addErrors(spec.when, err)
		return
	}
	r.when = x
	c.warnUpdates(spec, x)
	c.updatesHandled = c.updatesHandled || r.last && readsUpdates(x)
	if refuses && spec.missing == "" && x.Nullable() {
		c.Add(spec.when.Warning("when %s is missing, rule %q may not match, and then refuses nothing: say missing: match or missing: skip", describeInputs(x.Inputs()), spec.name))
	}
}

func (c *compiler) log(n *document.Node) *expr.Text {
	if n.Kind != document.Text {
		c.Add(n.Problem("want log as a text, got %s", n.Describe()))
		return nil
	}
	return c.text(n)
}
