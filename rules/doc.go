// Package rules is for turning a policy folder into a Set, and for deciding calls with it.
//
// Files by subject:
//
//	set.go                    Set, Hook and rule: the compiled policy
//	load*.go                  files to a Set: decoding, hooks, conditions, destinations, orgs
//	schema.go                 the JSON Schema of policy files, from the same tables of fields
//	form.go, form_*.go        outputs of rules (claims, deny, send, …) and their templates
//	module*.go                WebAssembly modules: loading, reuse over reloads, trial calls
//	secret_*.go               secrets of calls: uses of reveal, and leaks through modules
//	check_attribute.go        warnings about near misses of Okta's profile attributes
//	check_link.go             LINK_USER without the user to link
//	check_progressive.go      warnings about denials of all progressive profile updates
//	decide.go, decide_*.go    one decision: selection, merging, actions, trace, masks
//
// Reading order: set.go, load.go, load_hook.go, form.go, form_basic.go, then decide.go with
// decide_selection.go and decide_actions.go.
//
// Packages below: document (YAML with positions, problems), folder (files of a policy), tables,
// credential and destination. Package suite, above, runs the tests of a policy.
package rules
