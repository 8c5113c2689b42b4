package ledger_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// A delivery is recorded, its event's rules run once, and its actions are delivered.
func Example() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	l, err := ledger.Open(ledger.Options{Path: filepath.Join(dir, "ledger.db"), Step: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	ctx := context.Background()

	d := ledger.Delivery{Hook: "audit", ID: ledger.Key("audit", "7b3f"), Events: []ledger.Event{
		{ID: ledger.EventKey("audit", "c2a1"), Payload: []byte(`{"eventType":"user.session.start"}`)},
	}}
	for range 2 {
		receipt, err := l.Accept(ctx, d) // nil: it is on the disk, and may be answered 200
		fmt.Println(receipt.Duplicate, receipt.New, err)
	}

	tasks, _ := l.Claim(ctx, 10)
	_ = l.Plan(ctx, tasks[0], "revision", []ledger.Action{{Destination: "slack", Key: "c2a1/notify/0", Spec: []byte(`{"text":"hello"}`)}})

	steps, _ := l.Take(ctx, "slack", 10)
	fmt.Printf("%s %s\n", steps[0].Key, steps[0].Spec)
	fmt.Println(l.Done(ctx, steps[0].ID))
	// Output:
	// false [true] <nil>
	// true [false] <nil>
	// c2a1/notify/0 {"text":"hello"}
	// <nil>
}
