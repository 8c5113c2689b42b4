package expr

import (
	"errors"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/password"
)

// passwordFunctions verify passwords.
var passwordFunctions = map[string]*function{
	"password": {usage: "password(plain, hash, dummy?) boolean", doc: "whether the hash is the password's; its form says which: bcrypt, argon2, scrypt, PBKDF2, crypt(3), an LDAP scheme, WordPress, Django, ASP.NET Identity, Jasypt, or the hash object of Okta's import as JSON; a missing hash gives false and takes as long as the dummy, a constant hash; bcrypt accepts at most 72 bytes",
		example: `password('correct horse', '{SSHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p')`, value: `true`, cost: "by the parameters of the hash; bcrypt of cost 12: 20 million",
		args: []types{text, text, text}, optional: 1, result: boolean, nullArgs: 2, hiddenArgs: 7, impure: true, constArgs: 4, bytesArgs: 1, price: func([]size, int64) int64 { return password.BcryptFuel(12) }, check: warnNoDummy, bind: bindPassword},
}

// defaultDummy is bcrypt of cost 10, which most password stores have.
const defaultDummy = "$2b$10$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u"

// bindPassword binds the dummy and the Workers of the hook.
func bindPassword(e *Env, args []runtime.Value) (callFunc, error) {
	w := e.o.Workers
	if w == nil {
		return nil, errors.New("password is available in the rules of hooks only")
	}
	text := defaultDummy
	if len(args) == 3 {
		text = args[2].Text()
	}
	dummy, err := password.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the dummy: %w", err)
	}
	return func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
		if args[1].IsNull() {
			r.Scratch.Missed = true
			verifyPassword(r, w, dummy, args[0].Text())
			return runtime.BoolOf(false)
		}
		s := args[1].Text()
		charge(r, 1+int64(min(len(s), password.MaxLength))>>3)
		h, err := password.Parse(s)
		if err != nil { // after the time of the dummy: a caller could tell such logins otherwise
			verifyPassword(r, w, dummy, args[0].Text())
			fail(pos, "password: %s", err)
		}
		return runtime.BoolOf(verifyPassword(r, w, h, args[0].Text()))
	}, nil
}

// minFuelTime is the least time of a unit of fuel: a hash that cannot end in time by that is not
// started.
const minFuelTime = 3 * time.Nanosecond

// verifyPassword reports whether plain is the hash's password. The Meter is charged for the whole
// hash before anything is computed; the limit that the hash exceeds is the reason of the failure.
func verifyPassword(r *runtime.Run, w *password.Workers, h password.Hash, plain string) bool {
	charge(r, int64(len(plain))>>4)
	cost := h.Cost()
	if cost.Memory > password.MaxMemory {
		panic(&fault{fmt.Errorf("%w: a hash that takes more than %d MiB", runtime.ErrMemory, password.MaxMemory>>20)})
	}
	fuel := runtime.Sum(cost.Fuel, runtime.Product(cost.PerByte, int64(len(plain))))
	charge(r, min(fuel, r.Meter.Left()+1)) // charge no more than is left
	reserve(r, cost.Memory)
	defer r.Meter.Release(cost.Memory)
	left := time.Until(r.Meter.Deadline())
	if time.Duration(fuel) > left/minFuelTime {
		expire(r)
	}
	ok, done := w.Verify(h, plain, left)
	if !done {
		expire(r)
	}
	return ok
}

// expire ends the run: it is out of time.
func expire(r *runtime.Run) {
	r.Meter.Expire()
	panic(exhausted{})
}
