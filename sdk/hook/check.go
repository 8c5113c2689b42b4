package hook

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// maxProblems limits the problems of one check.
const maxProblems = 100

// mode is the kind of text under check.
type mode uint8

const (
	mergedDraft mode = iota // about to be merged: an error cancels the commands beside it
	staticDraft             // written down in a policy: commands beside an error are a mistake
	wholeAnswer             // complete answer, as sent to Okta
)

// step is one change of the answer: an operation of a patch, an attribute of a profile, or a whole
// value.
type step struct {
	command *command
	name    string // the operation's path, the attribute's name
	op      operation
	node    jsondoc.Node // rendered into the answer
	value   jsondoc.Node // the operation's value, where that differs
	place   place
}

// place locates a part of the text by its indices: in commands, and in the command's value or -1.
type place struct{ command, op int32 }

// checker reads a draft or an answer. It collects the problems and, for Merge, the steps.
type checker struct {
	hook       Type
	mode       mode
	limit      int // of problems
	problems   []Problem
	at         place
	inCommands bool   // at is set
	listPath   string // an array that is being read, below at
	item       int    // and the element of it

	steps   []step
	err     jsondoc.Node
	debug   jsondoc.Node
	actions jsondoc.Node

	destinations []string // allowed destinations of actions, if closed
	closed       bool
	released     []string // reserved claims that Okta has released for the org
}

// reset makes c ready for another draft of the same hook type.
func (c *checker) reset() {
	c.problems, c.steps = c.problems[:0], c.steps[:0]
	c.err, c.debug, c.actions = jsondoc.Node{}, jsondoc.Node{}, jsondoc.Node{}
	c.inCommands, c.listPath = false, ""
}

// fail reports a problem at suffix below the command or operation that is being read.
func (c *checker) fail(suffix, format string, args ...any) {
	if !c.full() {
		c.problems = append(c.problems, Problem{c.path(suffix), fmt.Sprintf(format, args...)})
	}
}

// full reports whether the problem limit is reached. The checker then stops reading, and computes
// no more hints: a hint can cost more than the text it is about.
func (c *checker) full() bool { return len(c.problems) >= c.limit }

// unknown reports a member that does not belong below path.
func (c *checker) unknown(path, name, what string, known []string) {
	if c.full() {
		return
	}
	where := path + dot(name)
	if !c.inCommands && path == "" {
		where = strings.TrimPrefix(where, ".")
	}
	c.fail(where, "unknown member%s%s", what, hint(name, known))
}

func (c *checker) path(suffix string) string {
	if !c.inCommands {
		return suffix
	}
	if c.listPath != "" {
		suffix = c.listPath + "[" + strconv.Itoa(c.item) + "]" + suffix
	}
	return c.at.path(suffix)
}

func (p place) path(suffix string) string {
	text := "commands[" + strconv.Itoa(int(p.command)) + "]"
	if p.op >= 0 {
		text += ".value[" + strconv.Itoa(int(p.op)) + "]"
	}
	return text + suffix
}

// dot is a member's part of a path.
func dot(name string) string {
	for i := range len(name) {
		if c := name[i] | 32; (c < 'a' || c > 'z') && (name[i] < '0' || name[i] > '9') && name[i] != '_' {
			return "[" + quote(name) + "]"
		}
	}
	if name == "" || len(name) > 80 {
		return "[" + quote(name) + "]"
	}
	return "." + name
}

// draft reads the root of a draft or an answer.
func (c *checker) draft(n jsondoc.Node) {
	if n.Kind() != jsondoc.Object {
		if c.mode == wholeAnswer || n.Kind() != jsondoc.Null {
			c.fail("", "want an object with commands, error or debugContext, got %s", describe(n))
		}
		return
	}
	commands := c.member(n, "commands", jsondoc.Array, "an array of commands")
	c.debug = c.member(n, "debugContext", jsondoc.Object, "an object")
	c.err = n.Get("error")
	known := countPresent(n.Get("commands")) + countPresent(n.Get("debugContext")) + countPresent(c.err)
	if c.mode != wholeAnswer {
		known += countPresent(n.Get("actions"))
		c.actions = c.member(n, "actions", jsondoc.Array, "an array of actions")
	}
	if known != n.Len() {
		c.unknownTop(n)
	}
	if c.err.Kind() == jsondoc.Null { // null occurs in published answers and has no effect
		c.err = jsondoc.Node{}
	}
	if c.err.Kind() != jsondoc.Missing {
		c.errorObject(c.err)
	}
	c.commands(commands)
	c.checkTogether(commands)
	c.checkActions()
}

// member is n's member of that kind. In a draft null is as good as missing.
func (c *checker) member(n jsondoc.Node, name string, k jsondoc.Kind, want string) jsondoc.Node {
	m := n.Get(name)
	switch m.Kind() {
	case k, jsondoc.Missing:
		return m
	case jsondoc.Null:
		if c.mode != wholeAnswer {
			return jsondoc.Node{}
		}
	}
	c.fail(name, "want %s, got %s", want, describe(m))
	return jsondoc.Node{}
}

func (c *checker) unknownTop(n jsondoc.Node) {
	known := []string{"commands", "error", "debugContext"}
	if c.mode != wholeAnswer {
		known = append(known, "actions")
	}
	for name := range n.Members() {
		switch name {
		case "commands", "error", "debugContext":
			continue
		case "actions":
			if c.mode != wholeAnswer {
				continue
			}
		case "statusCode", "status":
			c.fail(name, "Okta takes no status from the body: refuse with an error or a command")
			continue
		case "type", "value":
			c.fail(name, "a command stands in commands: [{type, value}]")
			continue
		}
		c.unknown("", name, "", known)
	}
}

func (c *checker) commands(list jsondoc.Node) {
	c.inCommands = true
	i := int32(0)
	for n := range list.Elements() {
		if c.full() {
			break
		}
		c.at = place{i, -1}
		c.command(n)
		i++
	}
	c.inCommands = false
}

func (c *checker) command(n jsondoc.Node) {
	if n.Kind() != jsondoc.Object {
		c.fail("", "want an object with type and value, got %s", describe(n))
		return
	}
	typ, value := n.Get("type"), n.Get("value")
	if n.Len() != countPresent(typ)+countPresent(value) {
		c.unknownBeside(n)
	}
	if typ.Kind() != jsondoc.String {
		c.fail(".type", "want a command's type, got %s", describe(typ))
		return
	}
	cmd := findCommand(c.hook, typ.Text())
	if cmd == nil {
		c.fail(".type", "%s", unknownCommand(c.hook, typ.Text()))
		return
	}
	switch cmd.shape {
	case wordShape:
		c.word(cmd, value)
	case profileShape:
		c.profile(cmd, value)
	case idShape:
		c.id(cmd, value)
	case patchShape:
		c.patch(cmd, value)
	case messageShape:
		c.message(cmd, value)
	}
}

var commandMembers = []string{"type", "value"}

func (c *checker) unknownBeside(n jsondoc.Node) {
	for name := range n.Members() {
		switch {
		case name == "type" || name == "value":
		case c.hook == Telephony && isMessageMember(name):
			c.fail(dot(name), "belongs into value: [{%s}], not beside type", quote(name))
		default:
			c.unknown("", name, " of a command", commandMembers)
		}
	}
}

// checkTogether checks the rules that concern all commands of the text together.
func (c *checker) checkTogether(list jsondoc.Node) {
	if c.err.Kind() != jsondoc.Missing && c.mode != mergedDraft {
		for i := range c.steps {
			if s := &c.steps[i]; !s.isRefusal() {
				c.fail("error", "an error cancels every command: give the error or the commands%s", c.refusalHint())
				break
			}
		}
	}
	c.checkAgreement()
	switch c.hook {
	case Registration:
		if c.hasCommand(profileUpdate) && c.hasCommand(progressiveUpdate) {
			c.fail("commands", "a call is a registration or a profile update: want %s or %s", profileUpdate, progressiveUpdate)
		}
	case UserImport:
		c.checkLinking()
	case Telephony:
		if list.Len() > 1 {
			c.fail("commands", "want one command: there is one message")
		} else if c.mode == wholeAnswer && list.Len() == 0 && c.err.Kind() == jsondoc.Missing {
			c.fail("commands", "want com.okta.telephony.action: without it Okta sends the message itself")
		}
	}
	if c.hook == EventHook && (c.err.Kind() != jsondoc.Missing || c.debug.Kind() != jsondoc.Missing) {
		c.fail("", "the answer to an event hook is empty: Okta does not read it")
	}
}

// checkAgreement rejects two different words for one thing: Okta applies commands in order, so the
// later one would undo the earlier one.
func (c *checker) checkAgreement() {
	var word string
	for i := range c.steps {
		s := &c.steps[i]
		if s.command.shape != wordShape {
			continue
		}
		if word != "" && word != s.word() {
			c.fail("commands", "%s says both %s and %s", s.command.name, word, s.word())
			return
		}
		word = s.word()
	}
}

func (c *checker) checkLinking() {
	var word string
	for i := range c.steps {
		if s := &c.steps[i]; s.command.shape == wordShape {
			word = s.word()
		}
	}
	switch id := c.hasCommand("com.okta.user.update"); {
	case word == linkUser && !id && c.mode == wholeAnswer:
		c.fail("commands", linkNeedsUser)
	case word == createUser && id:
		c.fail("commands", createHasNoUser)
	}
}

const (
	linkNeedsUser   = "LINK_USER needs com.okta.user.update with the id of the user to link"
	createHasNoUser = "CREATE_USER makes a new user: com.okta.user.update goes with LINK_USER"
)

func (c *checker) hasCommand(name string) bool {
	for i := range c.steps {
		if c.steps[i].command.name == name {
			return true
		}
	}
	return false
}

func (c *checker) refusalHint() string {
	for _, command := range c.hook.facts().commands {
		if command.wins != "" {
			return " (" + command.wins + " may stand beside it)"
		}
	}
	return ""
}

// countPresent counts n when it is there.
func countPresent(n jsondoc.Node) int {
	if n.Kind() == jsondoc.Missing {
		return 0
	}
	return 1
}

// describe names the kind of a value in a message, never the value.
func describe(n jsondoc.Node) string {
	switch n.Kind() {
	case jsondoc.Missing:
		return "nothing"
	case jsondoc.Null:
		return "null"
	case jsondoc.False, jsondoc.True:
		return "a boolean"
	case jsondoc.Number:
		return "a number"
	case jsondoc.String:
		if n.Text() == "" {
			return "an empty string"
		}
		return "a string"
	case jsondoc.Array:
		return "an array"
	}
	return "an object"
}
