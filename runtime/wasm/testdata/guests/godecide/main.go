// Godecide asks for the members it needs.
package main

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

func init() { rule.Register(decide) }

func main() {}

func decide(e rule.Event, d *rule.Draft) error {
	email, _ := e.Text("/data/userProfile/email")
	if email == "" || strings.HasSuffix(email, "@blocked.example") {
		d.Deny("Use another address.", "")
		return nil
	}
	first, _ := e.Text("/data/userProfile/firstName")
	last, _ := e.Text("/data/userProfile/lastName")
	department, _ := e.Text("/data/userProfile/department")
	d.Profile("displayName", first+" "+last)
	d.Profile("department", strings.ToUpper(department))
	return nil
}
