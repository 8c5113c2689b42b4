// Package hook is for the words every part of Tenterhook speaks: hook types, calls, drafts and answers, and
// the contract of Okta's hooks. It needs nothing but the standard library.
package hook

import (
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
	"time"
)

// Call is one authenticated POST from Okta. It lives until the engine has answered it; whatever outlives the call
// copies what it needs.
type Call struct {
	Hook     string       // the configured hook's name
	ID       string       // eventId: opaque, may be empty (hooks.md section 3.4)
	Request  string       // X-Okta-Request-Id: what Okta's own log calls the request; empty where none was sent (hooks.md section 1.1)
	Type     Type         // the hook's type, equal to the body's eventType
	Start    time.Time    // when the first byte arrived
	Deadline time.Time    // when Okta must have its answer
	Doc      *jsondoc.Doc // the body, read once
}

// Event is what one run of a rule decides on: an inline call's root, or one element of an event hook's data.events.
type Event struct {
	Call *Call
	Node jsondoc.Node
}

// Draft is what one rule wants, as the text of one JSON object:
//
//	{"commands": [...], "error": ..., "debugContext": {...}, "actions": [...]}
//
// Every member is optional; an empty text is no opinion. Modules return this text and expression rules write it, so
// that one reader checks both. The text may alias the Doc, or a module's memory, until it is merged.
type Draft struct {
	JSON []byte
}
