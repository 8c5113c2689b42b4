// Package rule is the SDK for modules in Go: a module is one function from event to draft.
// It needs only the standard library and the ordinary toolchain:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' \
//		-o policy/modules/score.wasm ./score
//
// where score is a package main that registers its function in init and has an empty main:
//
//	func init() { rule.Register(score) }
//
//	func main() {}
//
//	func score(e rule.Event, d *rule.Draft) error {
//		email, ok := e.Text("/data/userProfile/email")
//		if !ok || e.In("blocked", email) {
//			d.Deny("Sign up with another address.", "data.userProfile.email")
//		}
//		return nil
//	}
//
// A rule of the policy runs the module:
//
//	wasm: modules/score.wasm
//	with: {threshold: 0.8}     # settings for a function registered by RegisterWith
//
// The module exports the convention's functions (decide, alloc, configure, tenterhook_abi_v1). The
// function reads the event from the host, which has decoded it: the sandbox parses no JSON unless
// the rule decodes a Value. Every call finds the module in the state after init and the decoding of
// `with`, so changes to variables do not last: compute in init, or in W's Validate, what all calls
// need, and call WarmDecoder for the types that the rule decodes. On other platforms than wasip1
// nothing is exported, and a Sample runs the same function in a test.
package rule

import "errors"

// Func decides on an event and fills the draft. An error fails the rule; its text goes to the
// server's log.
type Func func(e Event, d *Draft) error

// configureRule makes the registered function from the rule's `with`, nil if there is none. It is
// nil before Register. It is a package variable because a module's exports have no receiver.
var configureRule func(with []byte) (Func, error)

// Register makes f the module's rule. Call it in init of package main, since a module does not run
// main. The last registration counts.
func Register(f Func) {
	configureRule = func(with []byte) (Func, error) {
		if with != nil {
			return nil, errors.New("this module takes no with")
		}
		return f, nil
	}
}

// RegisterWith makes f the module's rule and decodes the rule's `with` into W by encoding/json. The
// policy is rejected if `with` has members that W lacks, or if W has a method Validate() error that
// fails. Without `with` W is its zero value, which is validated too.
func RegisterWith[W any](f func(e Event, with W, d *Draft) error) {
	configureRule = func(text []byte) (Func, error) {
		var with W
		if text != nil {
			if err := decodeStrict(text, &with); err != nil {
				return nil, err
			}
		}
		if v, ok := any(&with).(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				return nil, err
			}
		}
		return func(e Event, d *Draft) error { return f(e, with, d) }, nil
	}
}

// configure prepares the rule for events. A rule without `with` passes null.
func (r *run) configure(with []byte) (err error) {
	if configureRule == nil {
		return errors.New("no rule is registered: call rule.Register in init")
	}
	if string(with) == "null" {
		with = nil
	}
	if r.rule, err = configureRule(with); err != nil {
		return err
	}
	r.warmUp()
	return nil
}

// decide runs the rule and returns its draft, empty for no opinion.
func (r *run) decide() ([]byte, error) {
	r.firstError = nil
	d := Draft{event: Event{r}}
	if err := r.rule(d.event, &d); err != nil {
		return nil, err
	}
	if r.firstError != nil {
		return nil, r.firstError
	}
	return d.append(nil), nil
}
