package outlet_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

func Example() {
	o, err := outlet.Open(map[string]destination.Spec{"siem": {Kind: destination.Stdout}}, outlet.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	step := outlet.Step{Destination: "siem", Key: "7f3a-2", Attempt: 1, Body: []byte(`{"user": "eve"}`)}
	switch r := o.Deliver(context.Background(), step); r.Verdict {
	case outlet.Done:
		fmt.Println("delivered")
	case outlet.Retry:
		wait := max(r.After, o.Backoff(step.Destination, step.Attempt))
		fmt.Println("again after", wait.Round(time.Second), "because", r.Err)
	case outlet.Never:
		fmt.Println("a dead letter:", r.Err)
	}
	if err := o.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"idempotencyKey":"7f3a-2","user":"eve"}
	// delivered
}
