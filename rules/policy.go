package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// fileSpec is one policy file, decoded.
type fileSpec struct {
	vars, tables []member
	destinations []member
	orgs         []member
	known        []*node
	hooks        []*hookSpec
}

// hookSpec is a hook as it is written.
type hookSpec struct {
	node        *node
	name, path  string
	nameAt      *node
	pathAt      *node
	typ         hook.Type
	auth        *node
	org         string
	orgAt       *node
	concurrency int
	budget      runtime.Budget
	lets        []member
	onFailure   string
	onFailureAt *node
	rules       []*ruleSpec
}

// ruleSpec is a rule as it is written. What it gives stays in nodes until it is compiled.
type ruleSpec struct {
	node        *node
	typ         hook.Type
	name        string
	nameAt      *node
	when        *node
	onFailure   string
	onFailureAt *node
	missing     string
	missingAt   *node
	budget      runtime.Budget
	stop        bool
	at          *node
	on          []*node
	module      *moduleSpec // nil: a rule of expressions
	with        *node
	reveals     []string
	revealsAt   []*node
	gives       []given
	faulty      bool // a problem is reported: what is not there may only have been misspelt
}

// given is one thing a rule gives: a short form, commands, error, debug or log.
type given struct {
	form *form
	node *node
}

const (
	nameSchema   = `{"type":"string","pattern":"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$","maxLength":64}`
	textSchema   = `{"type":"string","minLength":1}`
	exprSchema   = `{"type":["string","boolean"]}`
	budgetSchema = `{"$ref":"#/$defs/budget"}`
	modeSchema   = `{"enum":["open","closed"]}`
)

// versionField is read before the file is: what begins with it is a policy file.
const versionField = "tenterhook"

var fileFields = []field[fileSpec]{
	{key: versionField, doc: "The version of the policy language; a policy file begins with it.", schema: `{"const":1}`, need: true,
		read: func(*decoder, *fileSpec, *node) {}},
	{key: "vars", doc: "Constants, readable as vars.name.", schema: `{"type":"object"}`,
		read: func(d *decoder, f *fileSpec, n *node) { f.vars = d.members(n, "vars") }},
	{key: "hooks", doc: "The endpoints Okta calls.", schema: `{"type":"array","items":{"$ref":"#/$defs/hook"}}`,
		read: func(d *decoder, f *fileSpec, n *node) {
			for _, item := range d.items(n, "hooks") {
				f.hooks = append(f.hooks, readHook(d, item))
			}
		}},
	{key: "tables", doc: "What rules look things up in, as tables.name.", schema: `{"type":"object","additionalProperties":{"$ref":"#/$defs/table"}}`,
		read: func(d *decoder, f *fileSpec, n *node) { f.tables = d.members(n, "tables") }},
	{key: "known", doc: "What Okta has added since this version: members of its payloads, as dotted paths, and event types.", schema: `{"type":"array","items":{"type":"string"}}`,
		read: func(d *decoder, f *fileSpec, n *node) {
			for _, item := range d.items(n, "known") {
				if d.text(item) != "" {
					f.known = append(f.known, item)
				}
			}
		}},
	{key: "destinations", doc: "Where actions are sent, by name.", schema: `{"type":"object","additionalProperties":{"$ref":"#/$defs/destination"}}`,
		read: func(d *decoder, f *fileSpec, n *node) { f.destinations = d.members(n, "destinations") }},
	{key: "orgs", doc: "The Okta orgs that call, by name.", schema: `{"type":"object","additionalProperties":{"$ref":"#/$defs/org"}}`,
		read: func(d *decoder, f *fileSpec, n *node) { f.orgs = d.members(n, "orgs") }},
}

var hookFields = []field[hookSpec]{
	{key: "name", doc: "Unique name: lower-case letters, digits and hyphens.", schema: nameSchema, need: true,
		read: func(d *decoder, h *hookSpec, n *node) { h.name, h.nameAt = d.name(n), n }},
	{key: "type", doc: "What Okta calls this hook for.", schema: `{"enum":["registration","token","saml","user-import","password-import","telephony","event"]}`, need: true,
		read: func(*decoder, *hookSpec, *node) {}}, // read first, by readHook
	{key: "path", doc: "The URL path Okta calls; /hooks/NAME when left out.", schema: `{"type":"string","pattern":"^/[^?#\\s]*$"}`,
		read: func(d *decoder, h *hookSpec, n *node) { h.path, h.pathAt = d.path(n), n }},
	{key: "auth", doc: "Who may call: any entry may match, inside one every line must; none lets anybody call and serves on loopback only.", schema: `{"$ref":"#/$defs/auth"}`,
		read: func(_ *decoder, h *hookSpec, n *node) { h.auth = n }},
	{key: "org", doc: "Which of the orgs calls it; a call whose source names a host of another org is refused.", schema: nameSchema,
		read: func(d *decoder, h *hookSpec, n *node) { h.org, h.orgAt = d.name(n), n }},
	{key: "concurrency", doc: "Calls that are decided at once; more are answered with the failure answer.", schema: `{"type":"integer","minimum":1,"maximum":10000}`,
		read: func(d *decoder, h *hookSpec, n *node) { h.concurrency = int(d.int(n, 1, 10_000)) }},
	{key: "budget", doc: "What one call may spend in all.", schema: budgetSchema,
		read: func(d *decoder, h *hookSpec, n *node) { h.budget = readBudget(d, n) }},
	{key: "let", doc: "Names for expressions, each computed at most once a call.", schema: `{"type":"object","additionalProperties":` + exprSchema + `}`,
		read: func(d *decoder, h *hookSpec, n *node) { h.lets = d.members(n, "let") }},
	{key: "on_failure", doc: "What Okta is answered when the hook's budget runs out: open lets things go on, closed refuses.", schema: modeSchema, types: inline,
		read: func(d *decoder, h *hookSpec, n *node) { h.onFailure, h.onFailureAt = d.oneOf(n, "open", "closed"), n }},
	{key: "rules", doc: "What is decided, in order.", schema: `{"type":"array","items":{"$ref":"#/$defs/rule"}}`,
		read: func(d *decoder, h *hookSpec, n *node) {
			for _, item := range d.items(n, "rules") {
				h.rules = append(h.rules, readRule(d, item))
			}
		}},
}

// ruleFields is what every rule has; the forms come on top.
var ruleFields = []field[ruleSpec]{
	{key: "name", doc: "What the rule is called in metrics, logs and tests; unique in its hook.", schema: textSchema, need: true,
		read: func(d *decoder, r *ruleSpec, n *node) { r.name, r.nameAt = d.text(n), n }},
	{key: "when", doc: "The condition, a bare expression; without it the rule always matches.", schema: exprSchema,
		read: func(_ *decoder, r *ruleSpec, n *node) { r.when = n }},
	{key: "on_failure", doc: "open: the rest goes on as if the rule had not matched; closed: the hook's closed answer goes out.", schema: modeSchema, types: inline,
		read: func(d *decoder, r *ruleSpec, n *node) { r.onFailure, r.onFailureAt = d.oneOf(n, "open", "closed"), n }},
	{key: "missing", doc: "Whether a condition that could not be decided, because something is missing, counts as a match.", schema: `{"enum":["match","skip"]}`,
		read: func(d *decoder, r *ruleSpec, n *node) { r.missing, r.missingAt = d.oneOf(n, "match", "skip"), n }},
	{key: "budget", doc: "What the rule may spend of the hook's budget.", schema: budgetSchema,
		read: func(d *decoder, r *ruleSpec, n *node) { r.budget = readBudget(d, n) }},
	{key: "stop", doc: "Whether the chain ends when the rule matches.", schema: `{"type":"boolean"}`,
		read: func(d *decoder, r *ruleSpec, n *node) { r.stop = d.bool(n) }},
	{key: "at", doc: "The submitted attribute a deny is shown beside.", schema: `{"type":"string","pattern":"^data\\.userProfile(Update)?\\."}`, types: []hook.Type{hook.Registration},
		read: func(_ *decoder, r *ruleSpec, n *node) { r.at = n }},
	{key: "on", doc: "The event types the rule is for, one or a list; user.session.* is every type beneath user.session. Without it every event is.", schema: `{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}`, types: []hook.Type{hook.EventHook},
		read: func(d *decoder, r *ruleSpec, n *node) { r.on = d.oneOrMore(n) }},
	{key: "wasm", doc: "The module that decides: a .wasm file of the policy folder, or a map with file and sha256.", schema: `{"oneOf":[{"type":"string","pattern":"\\.wasm$"},{"$ref":"#/$defs/module"}]}`,
		read: func(d *decoder, r *ruleSpec, n *node) { r.module = readModule(d, n) }},
	{key: "with", doc: "What the module is configured with, once: any value, with ${env.NAME} and ${file./path} filled in.", schema: `{}`,
		read: func(_ *decoder, r *ruleSpec, n *node) { r.with = n }},
	{key: "reveal", doc: "Where the rule means a password or one-time code to get to: log, debug, error, deny or send, or a list.", schema: `{"oneOf":[{"enum":["log","debug","error","deny","send"]},{"type":"array","items":{"enum":["log","debug","error","deny","send"]}}]}`, types: hook.TypesWithSecrets(),
		read: readReveals},
}

var budgetFields = []field[runtime.Budget]{
	{key: "time", doc: "Wall clock, as in 200ms; at most 2s.", schema: `{"type":"string"}`,
		read: func(d *decoder, b *runtime.Budget, n *node) {
			b.Time = d.duration(n, time.Microsecond, runtime.Max.Time)
		}},
	{key: "fuel", doc: "Steps: one for each operator, one for each 64 bytes touched.", schema: `{"type":"integer","minimum":1}`,
		read: func(d *decoder, b *runtime.Budget, n *node) { b.Fuel = d.int(n, 1, runtime.Max.Fuel) }},
	{key: "memory", doc: "Bytes held at once; 64KiB and 16MiB are understood.", schema: `{"type":["integer","string"]}`,
		read: func(d *decoder, b *runtime.Budget, n *node) { b.Memory = d.size(n, runtime.Max.Memory) }},
	{key: "output", doc: "Bytes of what rules want, before it is checked.", schema: `{"type":["integer","string"]}`,
		read: func(d *decoder, b *runtime.Budget, n *node) { b.Output = d.size(n, runtime.Max.Output) }},
}

// readHook reads a hook, its type first: what else it may have depends on it.
func readHook(d *decoder, n *node) *hookSpec {
	h := &hookSpec{node: n}
	d.hookType = 0
	if t := n.get("type"); t != nil && t.kind != brokenNode {
		d.hookType = readType(d, t)
	}
	h.typ = d.hookType
	if auth := n.get("auth"); auth != nil && auth.kind == listNode { // before anything quotes a line
		auth.hide()
	}
	decode(d, n, "a hook", hookFields, h)
	d.hookType = 0
	return h
}

func readType(d *decoder, n *node) hook.Type {
	var words []string
	for _, t := range hook.Types() {
		words = append(words, t.String())
	}
	t, _ := hook.ParseType(d.oneOf(n, words...))
	return t
}

func readRule(d *decoder, n *node) *ruleSpec {
	r := &ruleSpec{node: n, typ: d.hookType}
	before := len(d.problems)
	decode(d, n, "a rule", allRuleFields, r)
	r.faulty = len(d.problems) > before || slices.ContainsFunc(n.members, func(m member) bool { return m.value.kind == brokenNode })
	return r
}

func readBudget(d *decoder, n *node) (b runtime.Budget) {
	decode(d, n, "a budget", budgetFields, &b)
	return b
}

// members reads a map of names that rules can use.
func (d *decoder) members(n *node, what string) []member {
	if n.kind != mapNode {
		d.add(n.problem("want %s as a map of names, got %s", what, n.is()))
		return nil
	}
	return n.members
}

func (d *decoder) items(n *node, what string) []*node {
	if n.kind != listNode {
		d.add(n.problem("want %s as a list, got %s", what, n.is()))
		return nil
	}
	return n.items
}

var (
	hookName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	hookPath = regexp.MustCompile(`^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$`)
)

func (d *decoder) name(n *node) string {
	if n.kind == numberNode {
		n = &node{src: n.src, line: n.line, column: n.column, kind: textNode, text: n.text}
	}
	name := d.text(n)
	if name != "" && (!hookName.MatchString(name) || len(name) > 64) {
		d.add(n.problem("want a name of up to 64 lower-case letters, digits and hyphens, got %q", name))
		return ""
	}
	return name
}

func (d *decoder) path(n *node) string {
	path := d.text(n)
	if path == "" {
		return ""
	}
	if !hookPath.MatchString(path) || len(path) > 512 || strings.Contains(path, "//") || strings.Contains(path, "/../") {
		d.add(n.problem("want a URL path such as /hooks/signup, without a query and without escapes, got %q", path))
		return ""
	}
	return path
}

func (d *decoder) int(n *node, least, most int64) int64 {
	v, err := strconv.ParseInt(n.text, 10, 64)
	if n.kind != numberNode || err != nil || v < least || v > most {
		d.add(n.problem("want a whole number from %d to %d, got %s", least, most, n.is()))
		return 0
	}
	return v
}

func (d *decoder) duration(n *node, least, most time.Duration) time.Duration {
	v, err := time.ParseDuration(n.text)
	if n.kind != textNode || err != nil || v < least || v > most {
		got := n.is()
		if n.kind == textNode && n.text != "" {
			got = strconv.Quote(n.text)
		}
		d.add(n.problem("want a time such as 200ms, from %s to %s, got %s", least, most, got))
		return 0
	}
	return v
}

var units = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"KB", 1000}, {"MB", 1000_000}}

func (d *decoder) size(n *node, most int64) int64 {
	digits, unit := n.text, int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(n.text, u.suffix); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	v, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || v < 1 || v*unit > most {
		got := n.is()
		if n.kind == textNode && n.text != "" {
			got = strconv.Quote(n.text)
		}
		d.add(n.problem("want a size such as 64KiB, at most %d bytes, got %s", most, got))
		return 0
	}
	return v * unit
}
