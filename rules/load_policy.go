package rules

import (
	"slices"
	"time"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// fileSpec is one policy file, decoded.
type fileSpec struct {
	vars, tables []document.Member
	destinations []document.Member
	orgs         []document.Member
	known        []*document.Node
	hooks        []*hookSpec
}

// hookSpec is a hook as it is written.
type hookSpec struct {
	node        *document.Node
	name, path  string
	nameAt      *document.Node
	pathAt      *document.Node
	typ         hook.Type
	auth        *document.Node
	org         string
	orgAt       *document.Node
	concurrency int
	budget      runtime.Budget
	lets        []document.Member
	onFailure   string
	onFailureAt *document.Node
	released    []*document.Node
	rules       []*ruleSpec
}

// ruleSpec is a rule as it is written. Its outputs stay nodes until they are compiled.
type ruleSpec struct {
	node        *document.Node
	typ         hook.Type
	name        string
	nameAt      *document.Node
	when        *document.Node
	onFailure   string
	onFailureAt *document.Node
	missing     string
	missingAt   *document.Node
	budget      runtime.Budget
	stop        bool
	at          *document.Node
	on          []*document.Node
	module      *moduleSpec // nil: a rule of expressions
	with        *document.Node
	reveals     []string
	revealsAt   []*document.Node
	outputs     []output
	faulty      bool // decoding reported a problem: suppresses follow-ups such as a missing output
}

// output is one output of a rule: a short form, commands, error, debug or log.
type output struct {
	form *form
	node *document.Node
}

const (
	nameSchema   = `{"type":"string","pattern":"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$","maxLength":64}`
	exprSchema   = `{"type":["string","boolean"]}`
	budgetSchema = `{"$ref":"#/$defs/budget"}`
	modeSchema   = `{"enum":["open","closed"]}`
)

// versionField is the first key of a policy file. It is found before the file is parsed.
const versionField = "tenterhook"

var fileFields = []document.Field[fileSpec]{
	{Key: versionField, Doc: "The version of the policy language; a policy file begins with it.", Schema: `{"const":1}`, Required: true,
		Read: func(*document.Decoder, *fileSpec, *document.Node) {}},
	{Key: "vars", Doc: "Constants, readable as vars.name.", Schema: `{"type":"object"}`,
		Read: func(d *document.Decoder, f *fileSpec, n *document.Node) { f.vars = d.Members(n, "vars") }},
	{Key: "hooks", Doc: "The endpoints Okta calls.", Schema: `{"type":"array","items":{"$ref":"#/$defs/hook"}}`,
		Read: func(d *document.Decoder, f *fileSpec, n *document.Node) {
			for _, item := range d.Items(n, "hooks") {
				f.hooks = append(f.hooks, readHook(d, item))
			}
		}},
	{Key: "tables", Doc: "What rules look things up in, as tables.name.", Schema: `{"type":"object","additionalProperties":{"$ref":"#/$defs/table"}}`,
		Read: func(d *document.Decoder, f *fileSpec, n *document.Node) { f.tables = d.Members(n, "tables") }},
	{Key: "known", Doc: "What Okta has added since this version: members of its payloads, as dotted paths, and event types.", Schema: `{"type":"array","items":{"type":"string"}}`,
		Read: func(d *document.Decoder, f *fileSpec, n *document.Node) {
			for _, item := range d.Items(n, "known") {
				if d.Text(item) != "" {
					f.known = append(f.known, item)
				}
			}
		}},
	{Key: "destinations", Doc: "Where actions are sent, by name.", Schema: `{"type":"object","additionalProperties":{"$ref":"#/$defs/destination"}}`,
		Read: func(d *document.Decoder, f *fileSpec, n *document.Node) {
			f.destinations = d.Members(n, "destinations")
		}},
	{Key: "orgs", Doc: "The Okta orgs that call, by name.", Schema: `{"type":"object","additionalProperties":{"$ref":"#/$defs/org"}}`,
		Read: func(d *document.Decoder, f *fileSpec, n *document.Node) { f.orgs = d.Members(n, "orgs") }},
}

var hookFields = []document.Field[hookSpec]{
	{Key: "name", Doc: "Unique name: lower-case letters, digits and hyphens.", Schema: nameSchema, Required: true,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) { h.name, h.nameAt = d.Name(n), n }},
	{Key: "type", Doc: "What Okta calls this hook for.", Schema: `{"enum":["registration","token","saml","user-import","password-import","telephony","event"]}`, Required: true,
		Read: func(*document.Decoder, *hookSpec, *document.Node) {}}, // read first, by readHook
	{Key: "path", Doc: "The URL path Okta calls; /hooks/NAME when left out.", Schema: `{"type":"string","pattern":"^/[^?#\\s]*$"}`,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) { h.path, h.pathAt = d.URLPath(n), n }},
	{Key: "auth", Doc: "Who may call: any entry may match, inside one every line must; none lets anybody call and serves on loopback only.", Schema: `{"$ref":"#/$defs/auth"}`,
		Read: func(_ *document.Decoder, h *hookSpec, n *document.Node) { h.auth = n }},
	{Key: "org", Doc: "Which of the orgs calls it; a call whose source names a host of another org is refused.", Schema: nameSchema,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) { h.org, h.orgAt = d.Name(n), n }},
	{Key: "concurrency", Doc: "Calls that are decided at once; more are answered with the failure answer.", Schema: `{"type":"integer","minimum":1,"maximum":10000}`,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) { h.concurrency = int(d.Int(n, 1, 10_000)) }},
	{Key: "budget", Doc: "What one call may spend in all.", Schema: budgetSchema,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) { h.budget = readBudget(d, n) }},
	{Key: "let", Doc: "Names for expressions, each computed at most once a call.", Schema: `{"type":"object","additionalProperties":` + exprSchema + `}`,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) { h.lets = d.Members(n, "let") }},
	{Key: "on_failure", Doc: "What Okta is answered when the hook's budget runs out: open lets things go on, closed refuses.", Schema: modeSchema, Types: inline,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) {
			h.onFailure, h.onFailureAt = d.OneOf(n, "open", "closed"), n
		}},
	{Key: "released_claims", Doc: "Reserved claims that Okta has released for your org, so that rules may set or remove them.", Schema: `{"type":"array","items":{"type":"string"}}`, Types: []hook.Type{hook.Token},
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) {
			for _, item := range d.Items(n, "released_claims") {
				if d.Text(item) != "" {
					h.released = append(h.released, item)
				}
			}
		}},
	{Key: "rules", Doc: "What is decided, in order.", Schema: `{"type":"array","items":{"$ref":"#/$defs/rule"}}`,
		Read: func(d *document.Decoder, h *hookSpec, n *document.Node) {
			for _, item := range d.Items(n, "rules") {
				h.rules = append(h.rules, readRule(d, item))
			}
		}},
}

// ruleFields lists the fields of every rule; the forms are added to them.
var ruleFields = []document.Field[ruleSpec]{
	{Key: "name", Doc: "What the rule is called in metrics, logs and tests; unique in its hook.", Schema: document.TextSchema, Required: true,
		Read: func(d *document.Decoder, r *ruleSpec, n *document.Node) { r.name, r.nameAt = d.Text(n), n }},
	{Key: "when", Doc: "The condition, a bare expression; without it the rule always matches.", Schema: exprSchema,
		Read: func(_ *document.Decoder, r *ruleSpec, n *document.Node) { r.when = n }},
	{Key: "on_failure", Doc: "open: the rest goes on as if the rule had not matched; closed: the hook's closed answer goes out.", Schema: modeSchema, Types: inline,
		Read: func(d *document.Decoder, r *ruleSpec, n *document.Node) {
			r.onFailure, r.onFailureAt = d.OneOf(n, "open", "closed"), n
		}},
	{Key: "missing", Doc: "Whether a condition that could not be decided, because something is missing, counts as a match.", Schema: `{"enum":["match","skip"]}`,
		Read: func(d *document.Decoder, r *ruleSpec, n *document.Node) {
			r.missing, r.missingAt = d.OneOf(n, "match", "skip"), n
		}},
	{Key: "budget", Doc: "What the rule may spend of the hook's budget.", Schema: budgetSchema,
		Read: func(d *document.Decoder, r *ruleSpec, n *document.Node) { r.budget = readBudget(d, n) }},
	{Key: "stop", Doc: "Whether the chain ends when the rule matches.", Schema: `{"type":"boolean"}`,
		Read: func(d *document.Decoder, r *ruleSpec, n *document.Node) { r.stop = d.Bool(n) }},
	{Key: "at", Doc: "The submitted attribute a deny is shown beside.", Schema: `{"type":"string","pattern":"^data\\.userProfile(Update)?\\."}`, Types: []hook.Type{hook.Registration},
		Read: func(_ *document.Decoder, r *ruleSpec, n *document.Node) { r.at = n }},
	{Key: "on", Doc: "The event types the rule is for, one or a list; user.session.* is every type beneath user.session. Without it every event is.", Schema: `{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}`, Types: []hook.Type{hook.EventHook},
		Read: func(d *document.Decoder, r *ruleSpec, n *document.Node) { r.on = d.OneOrMore(n) }},
	{Key: "wasm", Doc: "The module that decides: a .wasm file of the policy folder, or a map with file and sha256.", Schema: `{"oneOf":[{"type":"string","pattern":"\\.wasm$"},{"$ref":"#/$defs/module"}]}`,
		Read: func(d *document.Decoder, r *ruleSpec, n *document.Node) { r.module = readModule(d, n) }},
	{Key: "with", Doc: "What the module is configured with, once: any value, with ${env.NAME} and ${file./path} filled in.", Schema: `{}`,
		Read: func(_ *document.Decoder, r *ruleSpec, n *document.Node) { r.with = n }},
	{Key: "reveal", Doc: "Where the rule means a password or one-time code to get to: log, debug, error, deny or send, or a list.", Schema: `{"oneOf":[{"enum":["log","debug","error","deny","send"]},{"type":"array","items":{"enum":["log","debug","error","deny","send"]}}]}`, Types: hook.TypesWithSecrets(),
		Read: readReveals},
}

var budgetFields = []document.Field[runtime.Budget]{
	{Key: "time", Doc: "Wall clock, as in 200ms; at most 2s.", Schema: `{"type":"string"}`,
		Read: func(d *document.Decoder, b *runtime.Budget, n *document.Node) {
			b.Time = d.Duration(n, time.Microsecond, runtime.Max.Time)
		}},
	{Key: "fuel", Doc: "Steps: one for each operator, one for each 64 bytes touched.", Schema: `{"type":"integer","minimum":1}`,
		Read: func(d *document.Decoder, b *runtime.Budget, n *document.Node) {
			b.Fuel = d.Int(n, 1, runtime.Max.Fuel)
		}},
	{Key: "memory", Doc: "Bytes held at once; 64KiB and 16MiB are understood.", Schema: `{"type":["integer","string"]}`,
		Read: func(d *document.Decoder, b *runtime.Budget, n *document.Node) {
			b.Memory = d.Size(n, runtime.Max.Memory)
		}},
	{Key: "output", Doc: "Bytes of what rules want, before it is checked.", Schema: `{"type":["integer","string"]}`,
		Read: func(d *document.Decoder, b *runtime.Budget, n *document.Node) {
			b.Output = d.Size(n, runtime.Max.Output)
		}},
}

// readHook reads a hook, its type first, because the allowed fields depend on it.
func readHook(d *document.Decoder, n *document.Node) *hookSpec {
	h := &hookSpec{node: n}
	d.HookType = 0
	if t := n.Get("type"); t != nil && t.Kind != document.Broken {
		d.HookType = readType(d, t)
	}
	h.typ = d.HookType
	if auth := n.Get("auth"); auth != nil && auth.Kind == document.List { // before anything quotes a line
		auth.Hide()
	}
	document.Decode(d, n, "a hook", hookFields, h)
	d.HookType = 0
	return h
}

func readType(d *document.Decoder, n *document.Node) hook.Type {
	var words []string
	for _, t := range hook.Types() {
		words = append(words, t.String())
	}
	t, _ := hook.ParseType(d.OneOf(n, words...))
	return t
}

func readRule(d *document.Decoder, n *document.Node) *ruleSpec {
	r := &ruleSpec{node: n, typ: d.HookType}
	before := len(d.Problems)
	document.Decode(d, n, "a rule", allRuleFields, r)
	r.faulty = len(d.Problems) > before || slices.ContainsFunc(n.Members, func(m document.Member) bool { return m.Value.Kind == document.Broken })
	return r
}

func readBudget(d *document.Decoder, n *document.Node) (b runtime.Budget) {
	document.Decode(d, n, "a budget", budgetFields, &b)
	return b
}
