package hook

import (
	"time"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Call is one authenticated POST from Okta. It is valid until the engine has answered it; code that
// runs later must copy the parts it needs.
type Call struct {
	Hook     string       // the configured hook's name
	ID       string       // eventId: opaque, may be empty (hooks.md section 3.4)
	Request  string       // X-Okta-Request-Id; may be empty (hooks.md section 1.1)
	Type     Type         // the hook's type, equal to the body's eventType
	Start    time.Time    // when the first byte arrived
	Deadline time.Time    // when Okta must have its answer
	Doc      *jsondoc.Doc // the body, read once
}

// Event is the input of one rule run: an inline call's root, or one element of an event hook's
// data.events.
type Event struct {
	Call *Call
	Node jsondoc.Node
}

// Draft is the output of one rule, as the text of one JSON object:
//
//	{"commands": [...], "error": ..., "debugContext": {...}, "actions": [...]}
//
// Every member is optional; an empty text asks for nothing. Modules and expression rules both
// produce this text, so one reader checks both. The text may alias the Doc or a module's memory
// until it is merged.
type Draft struct {
	JSON []byte
}
