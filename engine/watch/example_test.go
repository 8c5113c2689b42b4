package watch_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
)

// A program that embeds the engine keeps it on a policy folder; its owner waits for Run.
func Example() {
	dir, err := os.MkdirTemp("", "policy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	text := "tenterhook: 1\nhooks: [{name: signup, type: registration, auth: none, rules: [{name: stamp, profile: {division: sales}}]}]\n"
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	log := slog.New(slog.DiscardHandler)
	e, err := engine.New(engine.Options{Log: log})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w, err := watch.Open(ctx, watch.Options{Dir: dir, Engine: e, Rules: rules.Options{Env: os.LookupEnv}, Log: log})
	if err != nil {
		fmt.Println(err)
		return
	}
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	fmt.Println(w.Status().From, e.Ready())
	cancel()
	running.Wait()
	// Output: folder true
}
