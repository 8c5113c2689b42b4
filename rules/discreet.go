package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// drafted are the members of a draft that a secret may get into where the rule says so, and what it says under reveal.
var drafted = map[string]string{"error": "error", "debugContext": "debug", "actions": "send"}

// fixed are the words that a draft has to have (hooks.md sections 7 and 8), with the types of commands. Somebody's password may be one.
var fixed = []string{"commands", "error", "debugContext", "actions", "errorSummary", "type", "value", "credential", "VERIFIED", "UNVERIFIED",
	"status", "SUCCESSFUL", "FAILED", "PENDING", "provider", "transactionId", "transactionMetadata"}

// checkDraftSecrets refuses what a module wants when a secret of the call is in it as it came, however it is escaped: nothing that Okta is to be
// told has one. It refuses actions too, because what was encoded cannot be seen. A rule that means it says so under reveal.
func (k *chain) checkDraftSecrets(r *rule) error {
	if len(r.secrets) == 0 {
		return nil
	}
	var doc jsondoc.Doc
	if doc.Parse(k.draft.JSON, jsondoc.Limits{Bytes: len(k.draft.JSON) + 1}) != nil {
		return nil // the merge refuses it
	}
	s := seeker{words: append(hook.Commands(k.hook.Type), fixed...)}
	for _, path := range r.secrets {
		s.seek(under(k.event, path))
	}
	for name, part := range doc.Root().Members() {
		form := drafted[name]
		s.free = form == "debug" || form == "send"
		switch {
		case slices.Contains(r.reveals, form):
		case form == "send" && part.Len() > 0:
			return fmt.Errorf("%w: a module that sees a password or one-time code must not ask for actions, unless the rule says reveal: send", hook.ErrContract)
		case !slices.Contains(fixed, name) && s.told(name), s.within(part):
			return fmt.Errorf("%w: a password or one-time code of the call is in what the module wants", hook.ErrContract)
		}
	}
	return nil
}

// under is the member of n at a path with dots.
func under(n jsondoc.Node, path string) jsondoc.Node {
	for name := range strings.SplitSeq(path, ".") {
		n = n.Get(name)
	}
	return n
}

// seeker looks for secrets in a draft.
type seeker struct {
	secrets []string
	words   []string // that stand in a draft whatever the secrets are
	free    bool     // there are none of these where it looks
}

// seek adds a member of the call. One that is shorter than shortest is in too many texts to be looked for.
func (s *seeker) seek(n jsondoc.Node) {
	text := n.Text()
	if n.Kind() == jsondoc.Number {
		text = string(n.Raw())
	}
	if len(text) >= minSecretLength {
		s.secrets = append(s.secrets, text)
	}
}

func (s *seeker) told(text string) bool {
	if !s.free && slices.Contains(s.words, text) {
		return false
	}
	return slices.ContainsFunc(s.secrets, func(secret string) bool { return strings.Contains(text, secret) })
}

// within reports whether a text, a number or a name in n has a secret in it.
func (s *seeker) within(n jsondoc.Node) bool {
	switch n.Kind() {
	case jsondoc.String:
		return s.told(n.Text())
	case jsondoc.Number:
		return s.told(string(n.Raw()))
	case jsondoc.Array:
		for one := range n.Elements() {
			if s.within(one) {
				return true
			}
		}
	case jsondoc.Object:
		for name, one := range n.Members() {
			if s.told(name) || s.within(one) {
				return true
			}
		}
	}
	return false
}

// confide lets a rule's module see the secrets of its hook's calls, and says so.
func (c *compiler) confide(h *Hook, spec *ruleSpec, r *rule) {
	if r.secrets = h.Type.Secrets(); len(r.secrets) == 0 {
		return
	}
	r.reveals, c.revealed = spec.reveals, spec.reveals
	c.Add(spec.module.at.Warning("this module sees the password or one-time code of every call, and can hide it in anything it says: run only what you would trust with it"))
}
