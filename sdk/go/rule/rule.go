// Package rule is for writing a module of Tenterhook in Go: one function from an event to a draft. It needs nothing
// but the standard library and its ordinary toolchain:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o policy/modules/score.wasm ./score
//
// where score is a package main that registers its function in init and has an empty main:
//
//	func init() { rule.Register(score) }
//
//	func main() {}
//
//	func score(e rule.Event, d *rule.Draft) error {
//		if email, ok := e.Text("/data/userProfile/email"); !ok || e.In("blocked", email) {
//			d.Deny("Sign up with another address.", "data.userProfile.email")
//		}
//		return nil
//	}
//
// and a policy has it run by a rule with
//
//	wasm: modules/score.wasm
//	with: {threshold: 0.8}     # handed over once, where the function was registered by RegisterWith
//
// The module exports what the convention wants (decide, alloc, configure, tenterhook_abi_v1), and the function reads
// the event where the host has it decoded already: no JSON is parsed inside the sandbox unless the rule asks for a
// Value and decodes it. Every call finds the module as it was when the rule was loaded, so that what the function
// leaves in a variable is gone. On other platforms than wasip1 nothing is exported, and a Sample runs the same
// function in a test.
package rule

import "errors"

// Func decides on an event: what it wants goes into the draft. An error fails the rule; its text goes to the server's
// log.
type Func func(e Event, d *Draft) error

// configureRule makes the registered function of the rule's with; nil is none. It is nil before Register. It has to be a
// variable, since what a module exports are functions without a receiver.
var configureRule func(with []byte) (Func, error)

// Register makes f the module's rule. It is called from the init of package main: a module has no other beginning. Of
// two rules the later counts.
func Register(f Func) {
	configureRule = func(with []byte) (Func, error) {
		if with != nil {
			return nil, errors.New("this module takes no with")
		}
		return f, nil
	}
}

// RegisterWith makes f the module's rule, and W what the rule's `with` in the policy is decoded into, by
// encoding/json. A member that W does not have is refused, and so is what W's method Validate() error refuses, if it
// has one; the policy is then not loaded. Without `with` W is its zero value, and that is validated too.
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

// configure makes the rule ready for events. A rule without with has null for one.
func (r *run) configure(with []byte) (err error) {
	if configureRule == nil {
		return errors.New("no rule is registered: call rule.Register in init")
	}
	if string(with) == "null" {
		with = nil
	}
	r.rule, err = configureRule(with)
	return err
}

// decide runs the rule and gives its draft, empty for no opinion.
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
