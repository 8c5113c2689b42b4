package hook

import (
	"errors"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// ErrContract is the cause of a draft or answer that Okta would refuse, ignore or drop. Add and
// Render return it as a *ContractError.
var ErrContract = errors.New("outside the contract")

// maxAnswer is the size limit of an answer in bytes, exclusive (hooks.md section 1).
const maxAnswer = 256 * 1024

const tooLongMessage = "the answer is too long: Okta takes less than 256 KB"

// Problem is one violation of the contract in a draft or an answer. Path locates it, like
// commands[0].value[1].path; it is empty for the whole text. Message states the expectation, with a
// suggestion if there is one. Neither contains a value: only names (members, command types,
// operations, claims), cut short.
type Problem struct {
	Path, Message string
}

func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// ContractError is why a draft was refused: the first of its problems.
type ContractError struct {
	Problem
}

func (e *ContractError) Error() string { return e.String() }

func (e *ContractError) Unwrap() error { return ErrContract }

// shape is the form of a command's value.
type shape uint8

const (
	wordShape    shape = iota + 1 // an object with one member, which is one of a few words
	profileShape                  // an object of attributes
	idShape                       // an object with a user's id
	patchShape                    // an array of operations
	messageShape                  // an array with one delivery report
)

// command is one type of command that a hook type accepts.
type command struct {
	name  string
	shape shape
	key   string    // wordShape: the member
	words []string  // wordShape: the values it can have
	wins  string    // wordShape: the word that stands against every other, and beside an error
	token TokenKind // patchShape: the token it changes; 0 for an assertion
}

const (
	profileUpdate     = "com.okta.user.profile.update"
	progressiveUpdate = "com.okta.user.progressive.profile.update"
	createUser        = "CREATE_USER"
	linkUser          = "LINK_USER"
)

// knownMistakes maps command types that were published wrong, or are often written wrong, to the
// real ones. Suggest would not find these (hooks.md sections 4, 6 and 11).
var knownMistakes = map[string]string{
	"com.action.update":                  "com.okta.action.update",
	"com.okta.action":                    "com.okta.action.update",
	"com.okta.tokens.id_token.patch":     "com.okta.identity.patch",
	"com.okta.tokens.access_token.patch": "com.okta.access.patch",
	"com.okta.token.patch":               "com.okta.access.patch",
	"com.okta.id.patch":                  "com.okta.identity.patch",
	"com.okta.saml.patch":                "com.okta.assertion.patch",
	"com.okta.telephony.provider":        "com.okta.telephony.action",
	"com.okta.telephony":                 "com.okta.telephony.action",
}

// Commands lists the command types that a hook type accepts.
func Commands(t Type) []string {
	var names []string
	for _, c := range t.facts().commands {
		names = append(names, c.name)
	}
	return names
}

func findCommand(t Type, name string) *command {
	list := t.facts().commands
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

// unknownCommand describes the problem of a command type that hook type t does not accept.
func unknownCommand(t Type, name string) string {
	known := Commands(t)
	text := "unknown command " + quote(name)
	if len(known) == 0 {
		return text + ": an answer to " + t.WithArticle() + " hook carries no commands"
	}
	if fix, ok := knownMistakes[name]; ok && findCommand(t, fix) != nil {
		return text + ", did you mean " + fix + "?"
	}
	for _, other := range Types() {
		if findCommand(other, name) != nil {
			return text + " for " + t.WithArticle() + " hook: it belongs to " + other.String() + " hooks; want " + OneOf(known)
		}
	}
	return text + hint(name, known)
}

// CheckDraft checks a draft without a call: each problem makes the merge reject the draft, or Okta
// ignore a part of it, in every call. It returns all problems, in the order of the text. released
// are reserved claims that Okta has released for the org.
func CheckDraft(t Type, d *Draft, released ...string) []Problem {
	if len(d.JSON) == 0 {
		return nil
	}
	var doc jsondoc.Doc
	if err := doc.Parse(d.JSON, jsondoc.Limits{Bytes: maxAnswer - 1}); err != nil {
		return []Problem{{Message: unreadableMessage(err)}}
	}
	c := checker{hook: t, mode: staticDraft, limit: maxProblems, released: released}
	c.draft(doc.Root())
	return c.problems
}

// CheckAnswer checks a complete answer, as sent with status 200. Without the call it cannot check
// whether a claim exists. released is as in CheckDraft.
func CheckAnswer(t Type, answer jsondoc.Node, released ...string) []Problem {
	c := checker{hook: t, mode: wholeAnswer, limit: maxProblems, released: released}
	if len(answer.Raw()) >= maxAnswer {
		c.fail("", tooLongMessage)
	}
	c.draft(answer)
	return c.problems
}

func unreadableMessage(err error) string { return "want one JSON object: " + err.Error() }
