// Gofirst caches the e-mail address of the first event.
package main

import (
	"sync"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

func init() { rule.Register(decide) }

func main() {}

var (
	once  sync.Once
	first string
)

func decide(e rule.Event, d *rule.Draft) error {
	once.Do(func() { first, _ = e.Text("/data/userProfile/email") })
	d.Debug("first", first)
	return nil
}
