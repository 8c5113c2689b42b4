package watch_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/watch"
)

// BenchmarkLive measures the time from saving a file to the live Set. Most of it is waiting.
func BenchmarkLive(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	writeFile(b, path, policy("h"))
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	e, err := engine.New(engine.Options{Log: log})
	must(b, err)
	defer e.Close()
	ctx, cancel := context.WithCancel(context.Background())
	w, err := watch.Open(ctx, watch.Options{Dir: dir, Data: b.TempDir(), Engine: e, Log: log})
	must(b, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	defer func() {
		cancel()
		<-done
	}()
	time.Sleep(300 * time.Millisecond) // Run looks once when it begins
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		was := w.Status().LoadedAt
		n++
		writeFile(b, path, policy(fmt.Sprintf("h-%d", n)))
		for w.Status().LoadedAt.Equal(was) {
			time.Sleep(time.Millisecond)
		}
	}
}
