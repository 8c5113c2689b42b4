package sample_test

import (
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// A call as Okta would send it just now.
func ExampleFresh() {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	call := sample.Fresh(sample.Of(hook.PasswordImport), "c2FtcGxlLWV2ZW50LTAwMQ", now)
	fmt.Printf("%s\n", call[:80])
	// Output:
	// {"eventId":"c2FtcGxlLWV2ZW50LTAwMQ","eventTime":"2026-05-04T03:02:01.000Z","even
}
