package suite

import (
	"crypto/sha256"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/tables"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Case is one test: a call with the expected result.
type Case struct {
	File   string
	Line   int
	Name   string
	Hook   string
	Input  []byte      // JSON of the call, with the values of `set`
	Fixed  rules.Fixed // time and seed; a zero Now means the time in the call
	Expect Expect
}

// Expect is the expected result of a Case. A nil member is not compared.
type Expect struct {
	Rules    []string // the rules that match, in order
	Failed   []string // the rules that fail, in order; nil: none
	Answer   []byte   // JSON: the whole answer
	Commands []byte   // JSON: the answer's commands; [] for none
	Error    []byte   // JSON: the answer's error, or the text of its errorSummary; null for none
	Actions  []byte   // JSON: a list; only the given members of each action are compared
	Claims   []byte   // JSON: {id: {name: value}, access: {...}}, added or replaced claims
}

// ReadCases reads a folder's *_test.yaml files, sorted by name. The Set has the hooks and rules.
func ReadCases(f *folder.Folder, s *rules.Set) ([]Case, document.Problems) {
	r := caseReader{folder: f, set: s}
	for _, name := range f.Names() {
		ext := path.Ext(name)
		if ext != ".yaml" && ext != ".yml" || !strings.HasSuffix(strings.TrimSuffix(name, ext), "_test") {
			continue
		}
		r.file(name)
	}
	return r.cases, r.Problems.Sorted()
}

// maxCalls limits the total size of the calls of a folder's tests, in bytes.
const maxCalls = 256 << 20

type caseReader struct {
	document.Decoder
	folder *folder.Folder
	set    *rules.Set
	cases  []Case
	bytes  int // total size of the calls
}

func (r *caseReader) file(name string) {
	text, _ := r.folder.File(name)
	if len(text) > document.MaxBytes {
		r.Add(document.Problem{File: name, Message: "a test file of more than 2 MiB: spread it over several"})
		return
	}
	if p, ok := document.CheckEncoding(name, text); !ok {
		r.Add(p)
		return
	}
	src := document.NewSource(name, text)
	root, problems := document.Parse(src)
	r.Add(problems...)
	if root == nil {
		if len(problems) == 0 {
			r.Add(src.Problem(1, 1, "no tests here: want tests: and a list"))
		}
		return
	}
	var specs []*caseSpec
	document.Decode(&r.Decoder, root.WithoutExtensions(), "a test file", testFileFields, &specs)
	names := map[string]*document.Node{}
	for _, spec := range specs {
		for _, one := range r.spread(spec) {
			if one.nameAt == nil || one.hookAt == nil || one.input == nil || one.expect == nil {
				continue // reported
			}
			if first := names[one.name]; first != nil {
				r.Add(one.nameAt.Problem("duplicate test name %q, first on line %d", one.name, first.Line))
			}
			names[one.name] = one.nameAt
			r.readCase(one)
		}
	}
}

// caseSpec is a test as it is written.
type caseSpec struct {
	name, hook     string
	nameAt, hookAt *document.Node
	input          *document.Node
	set            []document.Member
	fixed          rules.Fixed
	expect         *expectSpec
	expectAt       *document.Node
	node           *document.Node
	cases          []*caseSpec
	casesAt        *document.Node // the node of cases or table
}

// expectSpec is the value of expect.
type expectSpec struct {
	Expect
	rules, failed []*document.Node
}

var testFileFields = []document.Field[[]*caseSpec]{
	{Key: "tests", Doc: "What rules are expected to decide.", Schema: `{"type":"array","items":{"$ref":"#/$defs/test"}}`, Required: true,
		Read: func(d *document.Decoder, all *[]*caseSpec, n *document.Node) {
			for _, item := range d.Items(n, "tests") {
				spec := &caseSpec{node: item}
				document.Decode(d, item, "a test", testFields, spec)
				*all = append(*all, spec)
			}
		}},
}

const (
	namesSchema = `{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}`
	setSchema   = `{"type":"object"}`
)

// testFields lists the fields of a test.
var testFields = append([]document.Field[caseSpec]{
	{Key: "name", Doc: "What the test shows.", Schema: document.TextSchema, Required: true,
		Read: func(d *document.Decoder, c *caseSpec, n *document.Node) { c.name, c.nameAt = d.Text(n), n }},
	{Key: "hook", Doc: "The hook that is called.", Schema: document.TextSchema, Required: true,
		Read: func(d *document.Decoder, c *caseSpec, n *document.Node) { c.hook, c.hookAt = d.Text(n), n }},
	{Key: "input", Doc: "The call: a JSON file of the folder, an object, or {sample: name}.", Schema: `{"$ref":"#/$defs/input"}`, Required: true,
		Read: func(_ *document.Decoder, c *caseSpec, n *document.Node) { c.input = n }},
	{Key: "cases", Doc: "Several calls that differ a little; each may say all that follows.", Schema: `{"type":"array","minItems":1,"items":{"$ref":"#/$defs/case"}}`,
		Read: readCases},
	{Key: "table", Doc: "Several calls, a row each; the first row names what stands below: name, now, seed, expect.KEY, or a path to set.", Schema: `{"type":"array","minItems":2,"items":{"type":"array"}}`,
		Read: readTable},
}, sharedFields...)

// sharedFields lists the fields that a test and a case have in common.
var sharedFields = []document.Field[caseSpec]{
	{Key: "set", Doc: "Members of the call to change first, by dotted path or JSON Pointer.", Schema: setSchema,
		Read: func(d *document.Decoder, c *caseSpec, n *document.Node) { c.set = d.Members(n, "set") }},
	{Key: "now", Doc: "The time it is, as in 2026-07-01T12:00:00Z; the call's own eventTime when left out.", Schema: `{"type":"string","format":"date-time"}`,
		Read: func(d *document.Decoder, c *caseSpec, n *document.Node) { c.fixed.Now = readInstant(d, n) }},
	{Key: "seed", Doc: "What random values are made from: another text, other values.", Schema: `{"type":["string","number"]}`,
		Read: func(d *document.Decoder, c *caseSpec, n *document.Node) {
			if n.Kind != document.Text && n.Kind != document.Number || n.Text == "" {
				d.Add(n.Problem("want a seed as a text, got %s", n.Describe()))
			}
			c.fixed.Seed = sha256.Sum256([]byte(n.Text))
		}},
	{Key: "expect", Doc: "What the rules decide.", Schema: `{"$ref":"#/$defs/expect"}`,
		Read: func(d *document.Decoder, c *caseSpec, n *document.Node) {
			c.expect, c.expectAt = &expectSpec{}, n
			document.Decode(d, n, "expect", expectFields, c.expect)
			if n.Kind == document.Map && len(n.Members) == 0 {
				d.Add(n.Problem("want something to expect: %s", document.Either(document.Keys(expectFields, 0))))
			}
		}},
}

// readInstant reads a time.
func readInstant(d *document.Decoder, n *document.Node) time.Time {
	at, err := time.Parse(time.RFC3339, n.Text)
	if n.Kind != document.Text || err != nil {
		d.Add(n.Problem("want a time such as 2026-07-01T12:00:00Z, got %s", n.Describe()))
	}
	return at
}

var expectFields = []document.Field[expectSpec]{
	{Key: "rules", Doc: "The rules that match, in order.", Schema: namesSchema,
		Read: func(d *document.Decoder, e *expectSpec, n *document.Node) {
			e.rules, e.Rules = readNames(d, n, "rules")
		}},
	{Key: "failed", Doc: "The rules that fail, in order; without it none may.", Schema: namesSchema,
		Read: func(d *document.Decoder, e *expectSpec, n *document.Node) {
			e.failed, e.Failed = readNames(d, n, "failed")
		}},
	{Key: "answer", Doc: "The whole answer.", Schema: `{"type":"object"}`,
		Read: func(d *document.Decoder, e *expectSpec, n *document.Node) { e.Answer = readJSON(d, n, document.Map) }},
	{Key: "commands", Doc: "The answer's commands; [] for none.", Schema: `{"type":"array"}`,
		Read: func(d *document.Decoder, e *expectSpec, n *document.Node) { e.Commands = readJSON(d, n, document.List) }},
	{Key: "error", Doc: "The answer's error, or the text of its errorSummary; null for none.", Schema: `{"type":["object","string","null"]}`,
		Read: func(d *document.Decoder, e *expectSpec, n *document.Node) {
			e.Error = readJSON(d, n, document.Map, document.Text, document.Null)
		}},
	{Key: "claims", Doc: "The claims that are added or replaced: {id: {name: value}, access: {name: value}}.", Schema: `{"type":"object","properties":{"id":{"type":"object"},"access":{"type":"object"}},"additionalProperties":false}`,
		Read: func(d *document.Decoder, e *expectSpec, n *document.Node) {
			e.Claims = readJSON(d, n, document.Map)
			for _, m := range n.Members {
				if m.Key != "id" && m.Key != "access" {
					d.Add(m.KeyNode.Problem("unknown token %q: want id or access", m.Key))
				}
			}
		}},
	{Key: "actions", Doc: "What is to be done after the answer, in order: a list of maps with to and what else is looked at.", Schema: `{"type":"array","items":{"type":"object"}}`,
		Read: func(d *document.Decoder, e *expectSpec, n *document.Node) { e.Actions = readActions(d, n) }},
}

// readActions reads the expected actions.
func readActions(d *document.Decoder, n *document.Node) []byte {
	for _, item := range n.Items {
		if item.Kind != document.Map && item.Kind != document.Broken {
			d.Add(item.Problem("want an action as a map, such as {to: name}, got %s", item.Describe()))
			return nil
		}
		for _, m := range item.Members {
			if known := append(rules.ActionKeys(), "rule"); !slices.Contains(known, m.Key) {
				d.Add(m.KeyNode.Problem("unknown key %q in an action%s", m.Key, document.Suggest(m.Key, known)))
			}
		}
	}
	return readJSON(d, n, document.List)
}

// readNames reads a list of texts, or one text.
func readNames(d *document.Decoder, n *document.Node, what string) (nodes []*document.Node, names []string) {
	nodes = []*document.Node{n}
	if n.Kind == document.List {
		nodes = n.Items
	}
	names = []string{}
	for _, one := range nodes {
		if one.Kind != document.Text && one.Kind != document.Number && one.Kind != document.Bool {
			d.Add(one.Problem("want %s as a list of rules' names, got %s", what, one.Describe()))
			continue
		}
		names = append(names, one.Text)
	}
	return nodes, names
}

// readJSON reads a constant of one of the kinds as JSON.
func readJSON(d *document.Decoder, n *document.Node, kinds ...document.Kind) []byte {
	if !slices.Contains(kinds, n.Kind) {
		wants := map[document.Kind]string{document.Map: "a map", document.List: "a list", document.Text: "a text", document.Null: "null"}
		var words []string
		for _, k := range kinds {
			words = append(words, wants[k])
		}
		d.Add(n.Problem("want %s, got %s", document.Either(words), n.Describe()))
		return nil
	}
	const limit = 4 << 20
	text, ok := document.AppendJSON(nil, n, limit)
	if ok && len(text) > limit {
		d.Add(n.Problem("too large: want at most 4 MiB"))
	}
	return text
}

// readCase compiles a Case.
func (r *caseReader) readCase(spec *caseSpec) {
	h := r.set.Hook(spec.hook)
	if h == nil {
		var names []string
		for _, h := range r.set.Hooks() {
			names = append(names, h.Name)
		}
		r.Add(spec.hookAt.Problem("there is no hook %q%s", spec.hook, document.Suggest(spec.hook, names)))
		return
	}
	rules := h.RuleNames()
	for _, n := range append(spec.expect.rules, spec.expect.failed...) {
		if !slices.Contains(rules, n.Text) {
			r.Add(n.Problem("hook %s has no rule %q%s", h.Name, n.Text, document.Suggest(n.Text, rules)))
		}
	}
	if !h.Type.Inline() {
		r.checkEventExpect(h, spec)
	} else if h.Type != hook.Token && spec.expect.Claims != nil {
		r.Add(spec.expectAt.Key("claims").Problem("claims are what a token hook gives, and hook %s is %s hook: want commands or answer", h.Name, h.Type.WithArticle()))
	}
	input, ok := r.input(h, spec)
	if !ok {
		return
	}
	c := Case{File: spec.nameAt.Source.Name, Line: spec.nameAt.Line, Name: spec.name, Hook: spec.hook, Input: input, Fixed: spec.fixed, Expect: spec.expect.Expect}
	if r.bytes += len(input); r.bytes > maxCalls {
		if r.bytes-len(input) <= maxCalls { // report it once
			r.Add(spec.nameAt.Problem("the calls of all tests come to more than 256 MiB: want smaller ones, or fewer"))
		}
		return
	}
	if r.call(spec.input, h, &c) {
		r.cases = append(r.cases, c)
	}
}

// checkEventExpect reports expectations about an answer, which event hooks do not have.
func (r *caseReader) checkEventExpect(h *rules.Hook, spec *caseSpec) {
	for _, m := range spec.expectAt.Members {
		switch m.Key {
		case "answer", "commands", "error", "claims":
			r.Add(m.KeyNode.Problem("hook %s is an event hook, and has no answer: want rules, failed or actions", h.Name))
			return
		}
	}
}

// input returns the text of the call with all `set` values.
func (r *caseReader) input(h *rules.Hook, spec *caseSpec) ([]byte, bool) {
	text, ok := r.source(spec.input)
	for _, m := range spec.set {
		if !ok {
			break
		}
		value, valid := document.AppendJSON(nil, m.Value, document.MaxBytes)
		if !valid {
			return nil, false
		}
		changed, err := ReplaceMember(text, m.Key, value)
		if err == nil {
			err = KnownMember(text, m.Key, h.Type, r.set.Known())
		}
		if err != nil {
			r.Add(m.KeyNode.Problem("set %s: %s", m.Key, err))
			return nil, false
		}
		text = changed
	}
	return text, ok
}

// source returns the text of the call without `set`.
func (r *caseReader) source(n *document.Node) ([]byte, bool) {
	switch {
	case n.Kind == document.Map && len(n.Members) == 1 && n.Get("sample") != nil:
		name := n.Get("sample")
		text, ok := sample.Named(name.Text)
		if !ok {
			r.Add(name.Problem("there is no sample %q%s", name.Text, tables.SuggestColumn(name.Text, sample.Names())))
		}
		return text, ok
	case n.Kind == document.Map:
		return document.AppendJSON(nil, n, document.MaxBytes)
	case n.Kind != document.Text || n.Text == "":
		r.Add(n.Problem("want input as a .json file, an object, or {sample: name}, got %s", n.Describe()))
		return nil, false
	}
	text, ok := r.folder.File(path.Clean(n.Text))
	if !ok {
		r.Add(n.Problem("there is no %s in the policy folder%s", n.Text, document.Suggest(n.Text, r.folder.Names())))
	}
	return text, ok
}

// call checks the input as the gate checks the body of a call.
func (r *caseReader) call(n *document.Node, h *rules.Hook, c *Case) bool {
	var doc jsondoc.Doc
	if err := doc.Parse(c.Input, jsondoc.Limits{}); err != nil {
		r.Add(n.Problem("invalid call: %s", err))
		return false
	}
	eventType := doc.Root().Get("eventType").Text()
	if eventType != h.Type.EventType() {
		r.Add(n.Problem("hook %s is called with eventType %q, this has %q", h.Name, h.Type.EventType(), eventType))
		return false
	}
	if !h.Type.Inline() && hook.Events(doc.Root()).Len() == 0 {
		r.Add(n.Problem("this delivery has no events: want data.events as a list of them"))
		return false
	}
	return true
}
