// Score refuses sign-ups that look made up. It is a module of Tenterhook:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o modules/score.wasm ./modules/src/score
package main

import (
	"errors"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

func init() { rule.RegisterWith(score) }

func main() {}

// Weights is the rule's with.
type Weights struct {
	Refuse    int64 // the score from which on a sign-up is refused
	Unknown   int64 // for a mail domain that the table domains does not have
	Digits    int64 // for each digit of the local part from the third on
	SameNames int64 // for a first name that is the last name
}

// Validate wants a threshold: with none, everybody would be refused.
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
