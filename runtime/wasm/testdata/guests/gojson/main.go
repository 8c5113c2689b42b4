// Gojson decodes the whole event.
package main

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

func init() {
	rule.Register(decide)
	rule.WarmDecoder[call]()
}

func main() {}

type call struct {
	Data struct {
		UserProfile struct{ Email, FirstName, LastName, Department string }
	}
}

func decide(e rule.Event, d *rule.Draft) error {
	var c call
	if err := e.Value("").Decode(&c); err != nil {
		return err
	}
	p := c.Data.UserProfile
	if p.Email == "" || strings.HasSuffix(p.Email, "@blocked.example") {
		d.Deny("Use another address.", "")
		return nil
	}
	d.Profile("displayName", p.FirstName+" "+p.LastName)
	d.Profile("department", strings.ToUpper(p.Department))
	return nil
}
