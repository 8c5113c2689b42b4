// Score denies sign-ups that look made up. It is a Tenterhook module:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' \
//		-o modules/score.wasm ./modules/src/score
package main

import (
	"errors"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

func init() { rule.RegisterWith(score) }

func main() {}

// Weights is the rule's `with`.
type Weights struct {
	Refuse    int64 // lowest score at which a sign-up is denied
	Unknown   int64 // for a mail domain that the table domains lacks
	Digits    int64 // for each digit of the local part after the second
	SameNames int64 // for a first name equal to the last name
}

// Validate rejects a missing threshold, which would deny every sign-up.
func (w Weights) Validate() error {
	if w.Refuse <= 0 {
		return errors.New("refuse: want a score above 0")
	}
	return nil
}

const refusal = "We could not accept this sign-up. Please write to support."

func score(e rule.Event, with Weights, d *rule.Draft) error {
	email, _ := e.Text("/data/userProfile/email")
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		d.Deny("Please give an e-mail address.", "data.userProfile.email")
		return nil
	}
	points := with.Unknown
	if known, ok := e.Lookup("domains", strings.ToLower(email[at+1:])).Int(); ok {
		points = known
	}
	points += with.Digits * max(digits(email[:at])-2, 0)
	first, _ := e.Text("/data/userProfile/firstName")
	last, _ := e.Text("/data/userProfile/lastName")
	if strings.EqualFold(first, last) {
		points += with.SameNames
	}
	d.Debug("score", points)
	if points >= with.Refuse {
		d.Deny(refusal, "data.userProfile.email")
	}
	return nil
}

func digits(s string) (n int64) {
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			n++
		}
	}
	return n
}
