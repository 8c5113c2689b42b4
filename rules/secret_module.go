package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// revealKeys maps members of a draft to the key under reveal that allows secrets in them.
var revealKeys = map[string]string{"error": "error", "debugContext": "debug", "actions": "send"}

// draftWords lists the fixed words of drafts (hooks.md sections 7 and 8). A password may equal one
// of them.
var draftWords = []string{"commands", "error", "debugContext", "actions", "errorSummary", "type", "value", "credential", "VERIFIED", "UNVERIFIED",
	"status", "SUCCESSFUL", "FAILED", "PENDING", "provider", "transactionId", "transactionMetadata"}

// checkDraftSecrets rejects a module's draft that holds an unmodified secret of the call, however
// it is escaped. It also rejects actions, because an encoded secret cannot be found. A rule allows
// both under reveal.
func (k *chain) checkDraftSecrets(r *rule) error {
	if len(r.secrets) == 0 {
		return nil
	}
	var doc jsondoc.Doc
	if doc.Parse(k.draft.JSON, jsondoc.Limits{Bytes: len(k.draft.JSON) + 1}) != nil {
		return nil // the merge rejects it
	}
	s := secretFinder{words: append(hook.Commands(k.hook.Type), draftWords...)}
	for _, path := range r.secrets {
		s.addSecret(memberAt(k.event, path))
	}
	for name, part := range doc.Root().Members() {
		form := revealKeys[name]
		s.anyWords = form == "debug" || form == "send"
		switch {
		case slices.Contains(r.reveals, form):
		case form == "send" && part.Len() > 0:
			return fmt.Errorf("%w: a module that sees a password or one-time code must not ask for actions, unless the rule says reveal: send", hook.ErrContract)
		case !slices.Contains(draftWords, name) && s.hasSecret(name), s.containsSecret(part):
			return fmt.Errorf("%w: a password or one-time code of the call is in what the module wants", hook.ErrContract)
		}
	}
	return nil
}

// memberAt returns the member of n at a dotted path.
func memberAt(n jsondoc.Node, path string) jsondoc.Node {
	for name := range strings.SplitSeq(path, ".") {
		n = n.Get(name)
	}
	return n
}

// secretFinder searches a draft for secrets.
type secretFinder struct {
	secrets  []string
	words    []string // fixed words of drafts, not counted as secrets
	anyWords bool     // fixed words do not occur in this part, so count them
}

// addSecret adds a member of the call. Values below minSecretLength occur in too many texts.
func (s *secretFinder) addSecret(n jsondoc.Node) {
	text := n.Text()
	if n.Kind() == jsondoc.Number {
		text = string(n.Raw())
	}
	if len(text) >= minSecretLength {
		s.secrets = append(s.secrets, text)
	}
}

func (s *secretFinder) hasSecret(text string) bool {
	if !s.anyWords && slices.Contains(s.words, text) {
		return false
	}
	return slices.ContainsFunc(s.secrets, func(secret string) bool { return strings.Contains(text, secret) })
}

// containsSecret reports whether a text, a number or a name in n contains a secret.
func (s *secretFinder) containsSecret(n jsondoc.Node) bool {
	switch n.Kind() {
	case jsondoc.String:
		return s.hasSecret(n.Text())
	case jsondoc.Number:
		return s.hasSecret(string(n.Raw()))
	case jsondoc.Array:
		for one := range n.Elements() {
			if s.containsSecret(one) {
				return true
			}
		}
	case jsondoc.Object:
		for name, one := range n.Members() {
			if s.hasSecret(name) || s.containsSecret(one) {
				return true
			}
		}
	}
	return false
}

// warnSecretAccess sets the secrets that a rule's module can read, and warns about them.
func (c *compiler) warnSecretAccess(h *Hook, spec *ruleSpec, r *rule) {
	if r.secrets = h.Type.Secrets(); len(r.secrets) == 0 {
		return
	}
	r.reveals, c.usedReveals = spec.reveals, spec.reveals
	c.Add(spec.module.at.Warning("this module sees the password or one-time code of every call, and can hide it in anything it says: run only what you would trust with it"))
}
