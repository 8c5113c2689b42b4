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

// module is what the exports run: an export is a function without a receiver, so that this has to be a variable.
var module struct {
	rule      Func
	configure func(with []byte) error
}

// Register makes f the module's rule. It is called from the init of package main: a module has no other beginning. Of
// two rules the later counts.
func Register(f Func) {
	register(f, func([]byte) error { return errors.New("this module takes no with") })
}

// RegisterWith makes f the module's rule, and W what the rule's `with` in the policy is decoded into, by
// encoding/json. A member that W does not have is refused, and so is what W's method Validate() error refuses, if it
// has one; the policy is then not loaded. Without `with` the rule runs on W's zero value, validated too.
func RegisterWith[W any](f func(e Event, with W, d *Draft) error) {
	var with W
	var given bool
	register(func(e Event, d *Draft) error {
		if !given {
			if err := validate(&with); err != nil {
				return err
			}
			given = true
		}
		return f(e, with, d)
	}, func(text []byte) error {
		given = true
		return decode(text, &with)
	})
}

func register(f Func, configure func([]byte) error) {
	module.rule, module.configure = f, configure
}

// decide runs the registered rule and gives its draft, empty for no opinion.
func (r *run) decide() ([]byte, error) {
	if module.rule == nil {
		return nil, errors.New("no rule is registered: call rule.Register in init")
	}
	r.wrong = nil
	d := Draft{event: Event{r}}
	if err := module.rule(d.event, &d); err != nil {
		return nil, err
	}
	if r.wrong != nil {
		return nil, r.wrong
	}
	return d.append(nil), nil
}

// validate asks with whether it is of use, if it can tell.
func validate(with any) error {
	if v, ok := with.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}
