// Package hook is for Okta's hooks: their types, calls, drafts and answers, and the contract of an
// answer. It depends on the standard library and sdk/jsondoc only.
//
// Types and calls:
//
//	type.go       Type and its names
//	facts.go      facts of each Type: commands, secrets, hosts, failure answers
//	call.go       Call, Event and Draft
//	delivery.go   events of an event hook's delivery
//	eventtype.go  Okta's catalogue of event types, and patterns
//	claims.go     tokens of a token hook
//	reserved.go   reserved claims and their release
//	failure.go    failure answers
//
// The contract:
//
//	contract.go   Problem, CheckDraft, CheckAnswer, commands
//	check.go      checker: reads a draft or an answer
//	shapes.go     values of commands
//	error.go      the error object
//	patch.go      token patches
//	saml.go       assertion patches
//	action.go     actions
//	suggest.go    suggestions and other parts of messages
//	redact.go     problems without names from the payload
//
// The merge:
//
//	merge.go      Merge: joins drafts
//	simulate.go   applies patches to the call's claims
//	render.go     renders the answer
//
// Read call.go, facts.go, contract.go, merge.go first.
package hook
