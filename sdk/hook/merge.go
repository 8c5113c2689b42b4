package hook

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Merge joins the drafts of a hook's rules into one answer that Okta will apply, under the contract
// of hooks.md sections 4 to 8. Of two rules that set the same thing, the later one wins, except
// over DENY and UNVERIFIED. An error cancels all commands but these two. The zero Merge is ready
// for Begin. It reuses its memory for the next event and is not safe for concurrent use.
type Merge struct {
	event     Event
	hook      Type
	drafts    []*draftCopy
	used      int // sheets, and so drafts, that are in
	entries   []entry
	order     []*command      // commands in order of first appearance
	replaced  []replacedEntry // entries that this draft changed
	conflicts []Conflict
	actions   []Action
	err       jsondoc.Node
	errRule   int32
	size      int // bytes of all drafts that are in: the answer is never much longer
	compared  int
	copied    int // bytes read and written
	check     checker
	sim       simulation
	out       []byte

	stampName string // see Stamp
	stamp     []byte
}

// draftCopy is the copy of one draft.
type draftCopy struct {
	rule string
	text []byte
	doc  jsondoc.Doc
}

// entry is one part of the answer: an operation, an attribute, a member of debugContext, or a whole
// value.
type entry struct {
	command *command // debugging for a member of debugContext
	rule    int32    // index of the draft it belongs to
	void    bool
	name    string
	node    jsondoc.Node
}

type replacedEntry struct {
	at  int
	old entry
}

// Conflict is two rules that set the same thing to different values: Rule, the later one, has won
// over Earlier. Path is a command's type with the claim's path, attribute or member; or error; or
// debugContext with the member.
type Conflict struct {
	Rule, Earlier, Path string
}

// debugCommand stands for debugContext among the commands.
var debugCommand = &command{name: "debugContext"}

// Begin makes m ready for the drafts on this event, with nothing said.
func (m *Merge) Begin(e Event) {
	if m.isOversized() {
		*m = Merge{}
	}
	m.event, m.hook = e, 0
	if e.Call != nil {
		m.hook = e.Call.Type
	}
	m.used, m.err, m.size, m.compared, m.copied = 0, jsondoc.Node{}, 0, 0, 0
	m.entries, m.order, m.conflicts = m.entries[:0], m.order[:0], m.conflicts[:0]
	clear(m.actions)
	m.actions = m.actions[:0]
	m.check.hook, m.check.limit = m.hook, 1
	m.check.destinations, m.check.closed, m.check.released = nil, false, nil
	m.stampName, m.stamp = "", nil
	m.sim.reset()
}

// isOversized reports whether an event has left more memory behind than is worth keeping.
func (m *Merge) isOversized() bool {
	const many, large = 1 << 12, 1 << 16
	return cap(m.entries) > many || cap(m.check.steps) > many || cap(m.sim.cells) > many || m.sim.work > many*16 || cap(m.out) > large
}

// Add merges the output of one rule; it copies d's text. An error is a *ContractError: the draft
// was rejected as a whole, and the answer is unchanged.
func (m *Merge) Add(rule string, d *Draft) error {
	if len(d.JSON) == 0 {
		return nil
	}
	s := m.nextDraft()
	s.rule = rule
	s.text = append(s.text[:0], d.JSON...)
	m.copied += len(s.text)
	if err := s.doc.Parse(s.text, jsondoc.Limits{Bytes: maxAnswer - 1}); err != nil {
		return &ContractError{Problem{Message: unreadableMessage(err)}}
	}
	c := &m.check
	c.reset()
	if c.draft(s.doc.Root()); len(c.problems) > 0 {
		return &ContractError{c.problems[0]}
	}
	return m.applyDraft(len(s.text))
}

// nextDraft returns the next free copy. It replaces one that has grown large.
func (m *Merge) nextDraft() *draftCopy {
	const large = 64 << 10
	if m.used == len(m.drafts) {
		m.drafts = append(m.drafts, &draftCopy{})
	} else if cap(m.drafts[m.used].text) > large {
		m.drafts[m.used] = &draftCopy{}
	}
	return m.drafts[m.used]
}

// applyDraft applies all steps that the checker found, or none.
func (m *Merge) applyDraft(size int) error {
	entries, order, conflicts := len(m.entries), len(m.order), len(m.conflicts)
	err, errRule := m.err, m.errRule
	m.replaced = m.replaced[:0]
	m.sim.begin()
	m.size += size
	m.used++
	problem := m.applySteps()
	if problem == nil {
		m.addActions()
		return nil
	}
	m.used--
	m.size -= size
	m.sim.rollBack()
	for i := len(m.replaced) - 1; i >= 0; i-- {
		m.entries[m.replaced[i].at] = m.replaced[i].old
	}
	m.entries, m.order, m.conflicts = m.entries[:entries], m.order[:order], m.conflicts[:conflicts]
	m.err, m.errRule = err, errRule
	return problem
}

func (m *Merge) applySteps() error {
	c := &m.check
	before := len(m.entries)
	fresh, last := before, int32(-1)
	for i := range c.steps {
		s := &c.steps[i]
		if s.place.command != last {
			fresh, last = len(m.entries), s.place.command
		}
		if p := m.applyStep(s, before, fresh); p != nil {
			return p
		}
		if m.exceedsWork() {
			return errTooMuchWork
		}
	}
	if m.hook == UserImport {
		if p := m.checkLink(before); p != nil {
			return p
		}
	}
	m.setError(c.err)
	fresh = len(m.entries)
	for name, v := range c.debug.Members() {
		if m.set(entry{command: debugCommand, name: name, node: v}, fresh); m.exceedsWork() {
			return errTooMuchWork
		}
	}
	if len(m.actions)+c.actions.Len() > maxActions {
		return errTooManyActions
	}
	return m.checkSize()
}

// applyStep applies one step. Entries from before on belong to this draft, entries from fresh on to
// this command.
func (m *Merge) applyStep(s *step, before, fresh int) error {
	e := entry{command: s.command, name: s.name, node: s.node}
	switch s.command.shape {
	case patchShape:
		return m.applyOperation(s, e, before)
	case profileShape:
		if p := m.checkProfile(s); p != nil {
			return p
		}
	case wordShape:
		if i := m.find(s.command, "", len(m.entries)); i >= 0 && m.entries[i].isRefusal() && !s.isRefusal() {
			return nil
		}
	}
	m.set(e, fresh)
	return nil
}

func (e *entry) isRefusal() bool { return e.command.wins != "" && e.word() == e.command.wins }

// word returns the value of an entry with wordShape.
func (e *entry) word() string { return e.node.Get(e.command.key).Text() }

// find is the index of the live entry of that name among the first n, or -1.
func (m *Merge) find(c *command, name string, n int) int {
	for i := n - 1; i >= 0; i-- {
		if e := &m.entries[i]; e.command == c && !e.void && e.name == name {
			m.compared += n - i
			return i
		}
	}
	m.compared += n
	return -1
}

// set replaces the entry with e's name, or adds e. Entries from fresh on cannot have this name.
func (m *Merge) set(e entry, fresh int) {
	e.rule = int32(m.used - 1)
	i := m.find(e.command, e.name, fresh)
	if i < 0 {
		m.add(e)
		return
	}
	old := m.entries[i]
	m.replaced = append(m.replaced, replacedEntry{i, old})
	m.entries[i] = e
	if !e.isRefusal() && !old.isRefusal() {
		m.conflict(old.rule, e.path(), old.node, e.node)
	}
}

func (m *Merge) add(e entry) {
	m.entries = append(m.entries, e)
	for _, c := range m.order {
		if c == e.command {
			return
		}
	}
	m.order = append(m.order, e.command)
}

// path identifies the thing that an entry sets, for a Conflict.
func (e *entry) path() conflictPath { return conflictPath{e.command, e.name} }

type conflictPath struct {
	command *command
	name    string
}

func (p conflictPath) String() string {
	switch {
	case p.command == nil:
		return "error"
	case p.command == debugCommand:
		return "debugContext" + dot(p.name)
	case p.command.shape == patchShape:
		return p.command.name + " " + strings.Clone(p.name)
	case p.name != "":
		return p.command.name + dot(p.name)
	case p.command.key != "":
		return p.command.name + "." + p.command.key
	}
	return p.command.name
}

// conflict records that the current draft has set a thing to a value that differs from an earlier
// rule's.
func (m *Merge) conflict(earlier int32, path conflictPath, was, is jsondoc.Node) {
	if now := int32(m.used - 1); earlier != now && !bytes.Equal(was.Raw(), is.Raw()) {
		m.conflicts = append(m.conflicts, Conflict{Rule: m.drafts[now].rule, Earlier: m.drafts[earlier].rule, Path: path.String()})
	}
}

// setError makes n the error, the latest.
func (m *Merge) setError(n jsondoc.Node) {
	if n.Kind() == jsondoc.Missing {
		return
	}
	if m.err.Kind() != jsondoc.Missing {
		m.conflict(m.errRule, conflictPath{}, m.err, n)
	}
	m.err, m.errRule = n, int32(m.used-1)
}

// checkProfile refuses the profile update that this call does not take (hooks.md section 6).
func (m *Merge) checkProfile(s *step) error {
	if m.hook != Registration {
		return nil
	}
	want := profileUpdate
	if m.event.Node.Get("requestType").Text() == "progressive.profile" {
		want = progressiveUpdate
	}
	if s.command.name == want {
		return nil
	}
	return contractError(s, ".type", "this call takes "+want)
}

// applyOperation tries a patch's operation on the call's claims and keeps it.
func (m *Merge) applyOperation(s *step, e entry, before int) error {
	token := s.command.token
	if !m.sim.resolveRoot(token, m.event) {
		s.place.op = -1
		return contractError(s, ".type", "this call mints no "+token.noun()+": Okta would drop the whole patch")
	}
	over := s.name == lifetimePath
	if token == 0 || !over {
		path := s.name
		if token != 0 {
			path = path[len(claimsPath)-1:]
		}
		var f fault
		if over, f = m.sim.apply(m.sim.roots[token]-1, s.op, path, s.value); f != "" {
			return contractError(s, ".path", s.op.String()+" of "+quote(s.name)+", which "+string(f)+" in this call: Okta would drop the whole patch")
		}
	}
	e.rule = int32(m.used - 1)
	if over && before > 0 {
		if i := m.find(e.command, e.name, before); i >= 0 {
			m.conflict(m.entries[i].rule, e.path(), m.entries[i].node, e.node)
		}
	}
	m.add(e)
	return nil
}

func contractError(s *step, suffix, message string) error {
	return &ContractError{Problem{s.place.path(suffix), message}}
}

// checkLink holds LINK_USER to its user (hooks.md section 7).
func (m *Merge) checkLink(before int) error {
	commands := UserImport.facts().commands
	word, id := m.find(&commands[0], "", len(m.entries)), m.find(&commands[1], "", len(m.entries))
	if word < 0 {
		return nil
	}
	switch says := m.entries[word].word(); {
	case says == linkUser && id < 0:
		return &ContractError{Problem{"commands", linkNeedsUser}}
	case says == createUser && id >= 0 && m.entries[id].rule == int32(m.used-1):
		return &ContractError{Problem{"commands", createHasNoUser}}
	case says == createUser && id >= 0:
		m.replaced = append(m.replaced, replacedEntry{id, m.entries[id]})
		m.entries[id].void = true
	}
	return nil
}

// exceedsWork reports whether merging costs more than any real answer would.
func (m *Merge) exceedsWork() bool { return m.compared > maxWork }

var errTooMuchWork = &ContractError{Problem{Message: "too much to compare: want fewer attributes and operations"}}

var errTooManyActions = &ContractError{Problem{"actions", "want at most " + strconv.Itoa(maxActions) + " actions for one event"}}

// checkSize refuses the draft that makes the answer too long.
func (m *Merge) checkSize() error {
	if m.size < maxAnswer-1024 {
		return nil
	}
	_, err := m.Render()
	return err
}

// Has reports whether the token has the claim, as patched so far.
func (m *Merge) Has(k TokenKind, claim string) bool {
	return m.sim.resolveRoot(k, m.event) && m.sim.has(m.sim.roots[k]-1, claim)
}

// Changes is the number of changes that patches have made so far: the most that one Has compares.
func (m *Merge) Changes() int { return len(m.sim.changes) }

// Work is the cost of all Adds since Begin, in units of a few nanoseconds. The caller can charge it
// to a budget.
func (m *Merge) Work() int { return m.compared + m.sim.work + m.copied>>4 }

// Empty reports whether nothing has been said.
func (m *Merge) Empty() bool { return m.err.Kind() == jsondoc.Missing && len(m.entries) == 0 }

// Denied reports whether an error or a DENY has been said.
func (m *Merge) Denied() bool {
	if m.err.Kind() != jsondoc.Missing {
		return true
	}
	for i := range m.entries {
		if e := &m.entries[i]; m.hook == Registration && e.isRefusal() {
			return true
		}
	}
	return false
}

// Conflicts lists the values of earlier rules that later rules have replaced, until the next Begin.
func (m *Merge) Conflicts() []Conflict { return m.conflicts }
