package expr

import (
	"errors"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
)

// passwordFunctions are what there is for passwords.
var passwordFunctions = map[string]*function{
	"password": {usage: "password(plain, hash, dummy?) boolean", doc: "the hash is the password's, by bcrypt, argon2, scrypt, PBKDF2 or LDAP's SSHA as its prefix says; a missing hash is no password's, and takes as long as the dummy, a hash that is written out, would take",
		example: `password('correct horse', '{SSHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p')`, value: `true`, cost: "what the hash was made to take; bcrypt of cost 12: 20 million",
		args: []types{text, text, text}, optional: 1, gives: boolean, nulls: 2, blind: 7, fresh: true, fixed: 4, look: undummied, fix: password},
}

// usual is the dummy of who names none: bcrypt of cost 10, which most stores have.
const usual = "$2b$10$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u"

// password makes the function with its dummy, and the Workers of the hooks.
func password(e *Env, args []runtime.Value) (caller, error) {
	if e.o.Workers == nil {
		return nil, errors.New("password is for the rules of hooks")
	}
	text := usual
	if len(args) == 3 {
		text = args[2].Text()
	}
	dummy, err := readHash(text)
	if err != nil {
		return nil, fmt.Errorf("the dummy: %w", err)
	}
	w := e.o.Workers
	return func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
		if args[1].IsNull() {
			r.Scratch.Missed = true
			dummy.verify(r, w, args[0].Text())
			return runtime.BoolOf(false)
		}
		h, err := readHashOf(r, args[1].Text())
		if err != nil {
			fail(pos, "password: %s", err)
		}
		return runtime.BoolOf(h.verify(r, w, args[0].Text()))
	}, nil
}

// maxHash is how long a hash may be written.
const maxHash = 2 << 10

func readHashOf(r *runtime.Run, s string) (stored, error) {
	charge(r, 1+int64(min(len(s), maxHash))>>3)
	return readHash(s)
}

// fuelTime is what a unit of fuel takes at least: a hash that cannot end in time by that is not begun.
const fuelTime = 3 * time.Nanosecond

// verify reports whether the hash is that of a password. All that it takes is asked for before anything is done; what the
// Meter has not is its own reason for the run to fail.
func (h stored) verify(r *runtime.Run, w *Workers, plain string) bool {
	charge(r, int64(len(plain))>>4)
	if h.memory > mostHashing {
		panic(&fault{fmt.Errorf("%w: a hash that takes more than %d MiB", runtime.ErrMemory, mostHashing>>20)})
	}
	charge(r, min(h.price, r.Meter.Left()+1)) // what is not there is not spent
	hold(r, h.memory)
	defer r.Meter.Release(h.memory)
	left := time.Until(r.Meter.Deadline())
	if time.Duration(h.price) > left/fuelTime {
		expired(r)
	}
	own := []byte(plain) // what plain shares may be written over when the call has gone
	ok, done := w.do(left, h.lanes, h.memory, func() bool {
		defer clear(own)
		return h.check(own)
	})
	if !done {
		expired(r)
	}
	return ok
}

// expired ends the run for want of time.
func expired(r *runtime.Run) {
	r.Meter.Expire()
	panic(stop{})
}
