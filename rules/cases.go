package rules

import (
	"crypto/sha256"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Case is one test that a rule author wrote: a call, and what is expected of the answer.
type Case struct {
	File   string
	Line   int
	Name   string
	Hook   string
	Input  []byte // the call's JSON, with what the test sets in it
	Fixed  Fixed  // the time and randomness it decides with; a zero Now is the time that the call gives
	Expect Expect
}

// Expect is what a Case expects. A nil member is not looked at.
type Expect struct {
	Rules    []string // the rules that match, in order
	Failed   []string // the rules that fail, in order; nil: none
	Answer   []byte   // JSON: the whole answer
	Commands []byte   // JSON: the answer's commands; [] for none
	Error    []byte   // JSON: the answer's error, or the text of its errorSummary; null for none
	Actions  []byte   // JSON: a list; of each action only the members that are there are looked at
	Claims   []byte   // JSON: {id: {name: value}, access: {...}}, the claims that are added or replaced
}

// ReadCases reads a folder's *_test.yaml files, sorted by name. A Set says which hooks and rules there are.
func ReadCases(f *folder.Folder, s *Set) ([]Case, Problems) {
	r := caseReader{folder: f, set: s}
	for _, name := range f.Names() {
		ext := path.Ext(name)
		if ext != ".yaml" && ext != ".yml" || !strings.HasSuffix(strings.TrimSuffix(name, ext), "_test") {
			continue
		}
		r.file(name)
	}
	return r.cases, r.problems.sorted()
}

// maxCalls is how much the calls of a folder's tests may come to, in bytes.
const maxCalls = 256 << 20

type caseReader struct {
	decoder
	folder *folder.Folder
	set    *Set
	cases  []Case
	bytes  int // of their calls
}

func (r *caseReader) file(name string) {
	text, _ := r.folder.File(name)
	if len(text) > maxPolicyBytes {
		r.add(Problem{File: name, Message: "a test file of more than 2 MiB: spread it over several"})
		return
	}
	if p, ok := readable(name, text); !ok {
		r.add(p)
		return
	}
	src := newSource(name, text)
	root, problems := readYAML(src)
	r.add(problems...)
	if root == nil {
		if len(problems) == 0 {
			r.add(src.problem(1, 1, "no tests here: want tests: and a list"))
		}
		return
	}
	var specs []*caseSpec
	decode(&r.decoder, root.withoutExtensions(), "a test file", testFileFields, &specs)
	names := map[string]*node{}
	for _, spec := range specs {
		for _, one := range r.spread(spec) {
			if one.nameAt == nil || one.hookAt == nil || one.input == nil || one.expect == nil {
				continue // reported
			}
			if first := names[one.name]; first != nil {
				r.add(one.nameAt.problem("a test called %q is there already, on line %d", one.name, first.line))
			}
			names[one.name] = one.nameAt
			r.one(one)
		}
	}
}

// caseSpec is a test as it is written.
type caseSpec struct {
	name, hook     string
	nameAt, hookAt *node
	input          *node
	set            []member
	fixed          Fixed
	expect         *expectSpec
	expectAt       *node
	node           *node
	cases          []*caseSpec
	manyAt         *node // where cases or table stands
}

// expectSpec is what stands after expect.
type expectSpec struct {
	Expect
	rules, failed []*node
}

var testFileFields = []field[[]*caseSpec]{
	{key: "tests", doc: "What rules are expected to decide.", schema: `{"type":"array","items":{"$ref":"#/$defs/test"}}`, need: true,
		read: func(d *decoder, all *[]*caseSpec, n *node) {
			for _, item := range d.items(n, "tests") {
				spec := &caseSpec{node: item}
				decode(d, item, "a test", testFields, spec)
				*all = append(*all, spec)
			}
		}},
}

const (
	namesSchema = `{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}`
	setSchema   = `{"type":"object"}`
)

// testFields is what a test has, beside its expect that of its cases.
var testFields = append([]field[caseSpec]{
	{key: "name", doc: "What the test shows.", schema: textSchema, need: true,
		read: func(d *decoder, c *caseSpec, n *node) { c.name, c.nameAt = d.text(n), n }},
	{key: "hook", doc: "The hook that is called.", schema: textSchema, need: true,
		read: func(d *decoder, c *caseSpec, n *node) { c.hook, c.hookAt = d.text(n), n }},
	{key: "input", doc: "The call: a JSON file of the folder, an object, or {sample: name}.", schema: `{"$ref":"#/$defs/input"}`, need: true,
		read: func(_ *decoder, c *caseSpec, n *node) { c.input = n }},
	{key: "cases", doc: "Several calls that differ a little; each may say all that follows.", schema: `{"type":"array","minItems":1,"items":{"$ref":"#/$defs/case"}}`,
		read: readCases},
	{key: "table", doc: "Several calls, a row each; the first row names what stands below: name, now, seed, expect.KEY, or a path to set.", schema: `{"type":"array","minItems":2,"items":{"type":"array"}}`,
		read: readTable},
}, sharedFields...)

// sharedFields is what a test says of all its cases, or a case of itself.
var sharedFields = []field[caseSpec]{
	{key: "set", doc: "Members of the call to change first, by dotted path or JSON Pointer.", schema: setSchema,
		read: func(d *decoder, c *caseSpec, n *node) { c.set = d.members(n, "set") }},
	{key: "now", doc: "The time it is, as in 2026-07-01T12:00:00Z; the call's own eventTime when left out.", schema: `{"type":"string","format":"date-time"}`,
		read: func(d *decoder, c *caseSpec, n *node) { c.fixed.Now = d.instant(n) }},
	{key: "seed", doc: "What random values are made from: another text, other values.", schema: `{"type":["string","number"]}`,
		read: func(d *decoder, c *caseSpec, n *node) {
			if n.kind != textNode && n.kind != numberNode || n.text == "" {
				d.add(n.problem("want a seed as a text, got %s", n.is()))
			}
			c.fixed.Seed = sha256.Sum256([]byte(n.text))
		}},
	{key: "expect", doc: "What the rules decide.", schema: `{"$ref":"#/$defs/expect"}`,
		read: func(d *decoder, c *caseSpec, n *node) {
			c.expect, c.expectAt = &expectSpec{}, n
			decode(d, n, "expect", expectFields, c.expect)
			if n.kind == mapNode && len(n.members) == 0 {
				d.add(n.problem("want something to expect: %s", either(keys(expectFields, 0))))
			}
		}},
}

// instant reads a time.
func (d *decoder) instant(n *node) time.Time {
	at, err := time.Parse(time.RFC3339, n.text)
	if n.kind != textNode || err != nil {
		d.add(n.problem("want a time such as 2026-07-01T12:00:00Z, got %s", n.is()))
	}
	return at
}

var expectFields = []field[expectSpec]{
	{key: "rules", doc: "The rules that match, in order.", schema: namesSchema,
		read: func(d *decoder, e *expectSpec, n *node) { e.rules, e.Rules = d.names(n, "rules") }},
	{key: "failed", doc: "The rules that fail, in order; without it none may.", schema: namesSchema,
		read: func(d *decoder, e *expectSpec, n *node) { e.failed, e.Failed = d.names(n, "failed") }},
	{key: "answer", doc: "The whole answer.", schema: `{"type":"object"}`,
		read: func(d *decoder, e *expectSpec, n *node) { e.Answer = d.json(n, mapNode) }},
	{key: "commands", doc: "The answer's commands; [] for none.", schema: `{"type":"array"}`,
		read: func(d *decoder, e *expectSpec, n *node) { e.Commands = d.json(n, listNode) }},
	{key: "error", doc: "The answer's error, or the text of its errorSummary; null for none.", schema: `{"type":["object","string","null"]}`,
		read: func(d *decoder, e *expectSpec, n *node) { e.Error = d.json(n, mapNode, textNode, nullNode) }},
	{key: "claims", doc: "The claims that are added or replaced: {id: {name: value}, access: {name: value}}.", schema: `{"type":"object","properties":{"id":{"type":"object"},"access":{"type":"object"}},"additionalProperties":false}`,
		read: func(d *decoder, e *expectSpec, n *node) {
			e.Claims = d.json(n, mapNode)
			for _, m := range n.members {
				if m.key != "id" && m.key != "access" {
					d.add(m.at.problem("unknown token %q: want id or access", m.key))
				}
			}
		}},
	{key: "actions", doc: "What is to be done after the answer, in order: a list of maps with to and what else is looked at.", schema: `{"type":"array","items":{"type":"object"}}`,
		read: func(d *decoder, e *expectSpec, n *node) { e.Actions = d.actions(n) }},
}

// actions reads the actions that are expected.
func (d *decoder) actions(n *node) []byte {
	for _, item := range n.items {
		if item.kind != mapNode && item.kind != brokenNode {
			d.add(item.problem("want an action as a map, such as {to: name}, got %s", item.is()))
			return nil
		}
		for _, m := range item.members {
			if known := append(keys(sendFields, 0), "rule"); !slices.Contains(known, m.key) {
				d.add(m.at.problem("unknown key %q in an action%s", m.key, suggest(m.key, known)))
			}
		}
	}
	return d.json(n, listNode)
}

// names reads a list of texts, or one text.
func (d *decoder) names(n *node, what string) (nodes []*node, names []string) {
	nodes = []*node{n}
	if n.kind == listNode {
		nodes = n.items
	}
	names = []string{}
	for _, one := range nodes {
		if one.kind != textNode && one.kind != numberNode && one.kind != boolNode {
			d.add(one.problem("want %s as a list of rules' names, got %s", what, one.is()))
			continue
		}
		names = append(names, one.text)
	}
	return nodes, names
}

// json takes a constant of one of the kinds as JSON.
func (d *decoder) json(n *node, kinds ...nodeKind) []byte {
	if !slices.Contains(kinds, n.kind) {
		wants := map[nodeKind]string{mapNode: "a map", listNode: "a list", textNode: "a text", nullNode: "null"}
		var words []string
		for _, k := range kinds {
			words = append(words, wants[k])
		}
		d.add(n.problem("want %s, got %s", either(words), n.is()))
		return nil
	}
	const limit = 4 << 20
	text, ok := appendNode(nil, n, limit)
	if ok && len(text) > limit {
		d.add(n.problem("too large: want at most 4 MiB"))
	}
	return text
}

// one makes a Case of what is written.
func (r *caseReader) one(spec *caseSpec) {
	h := r.set.Hook(spec.hook)
	if h == nil {
		var names []string
		for _, h := range r.set.Hooks() {
			names = append(names, h.Name)
		}
		r.add(spec.hookAt.problem("there is no hook %q%s", spec.hook, suggest(spec.hook, names)))
		return
	}
	rules := h.RuleNames()
	for _, n := range append(spec.expect.rules, spec.expect.failed...) {
		if !slices.Contains(rules, n.text) {
			r.add(n.problem("hook %s has no rule %q%s", h.Name, n.text, suggest(n.text, rules)))
		}
	}
	if !h.Type.Inline() {
		r.answerless(h, spec)
	} else if h.Type != hook.Token && spec.expect.Claims != nil {
		r.add(spec.expectAt.key("claims").problem("claims are what a token hook gives, and hook %s is %s hook: want commands or answer", h.Name, h.Type.WithArticle()))
	}
	input, ok := r.input(h, spec)
	if !ok {
		return
	}
	c := Case{File: spec.nameAt.src.name, Line: spec.nameAt.line, Name: spec.name, Hook: spec.hook, Input: input, Fixed: spec.fixed, Expect: spec.expect.Expect}
	if r.bytes += len(input); r.bytes > maxCalls {
		if r.bytes-len(input) <= maxCalls { // said once
			r.add(spec.nameAt.problem("the calls of all tests come to more than 256 MiB: want smaller ones, or fewer"))
		}
		return
	}
	if r.call(spec.input, h, &c) {
		r.cases = append(r.cases, c)
	}
}

// answerless reports what is expected of an answer that an event hook does not have.
func (r *caseReader) answerless(h *Hook, spec *caseSpec) {
	for _, m := range spec.expectAt.members {
		switch m.key {
		case "answer", "commands", "error", "claims":
			r.add(m.at.problem("hook %s is an event hook, and has no answer: want rules, failed or actions", h.Name))
			return
		}
	}
}

// input is the call's text with everything set in it.
func (r *caseReader) input(h *Hook, spec *caseSpec) ([]byte, bool) {
	text, ok := r.source(spec.input)
	for _, m := range spec.set {
		if !ok {
			break
		}
		value, valid := appendNode(nil, m.value, maxPolicyBytes)
		if !valid {
			return nil, false
		}
		changed, err := ReplaceMember(text, m.key, value)
		if err == nil {
			err = KnownMember(text, m.key, h.Type, r.set.Known())
		}
		if err != nil {
			r.add(m.at.problem("set %s: %s", m.key, err))
			return nil, false
		}
		text = changed
	}
	return text, ok
}

// source is the call's text as it is given.
func (r *caseReader) source(n *node) ([]byte, bool) {
	switch {
	case n.kind == mapNode && len(n.members) == 1 && n.get("sample") != nil:
		name := n.get("sample")
		text, ok := sample.Named(name.text)
		if !ok {
			r.add(name.problem("there is no sample %q%s", name.text, otherColumn(name.text, sample.Names())))
		}
		return text, ok
	case n.kind == mapNode:
		return appendNode(nil, n, maxPolicyBytes)
	case n.kind != textNode || n.text == "":
		r.add(n.problem("want input as a .json file, an object, or {sample: name}, got %s", n.is()))
		return nil, false
	}
	text, ok := r.folder.File(path.Clean(n.text))
	if !ok {
		r.add(n.problem("there is no %s in the policy folder%s", n.text, suggest(n.text, r.folder.Names())))
	}
	return text, ok
}

// call looks at the input as the gate looks at a call's body.
func (r *caseReader) call(n *node, h *Hook, c *Case) bool {
	var doc jsondoc.Doc
	if err := doc.Parse(c.Input, jsondoc.Limits{}); err != nil {
		r.add(n.problem("this is no call that is answered: %s", err))
		return false
	}
	eventType := doc.Root().Get("eventType").Text()
	if eventType != h.Type.EventType() {
		r.add(n.problem("hook %s is called with eventType %q, this has %q", h.Name, h.Type.EventType(), eventType))
		return false
	}
	if !h.Type.Inline() && hook.Events(doc.Root()).Len() == 0 {
		r.add(n.problem("this delivery has no events: want data.events as a list of them"))
		return false
	}
	return true
}
