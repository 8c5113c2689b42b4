package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

// lockedBuffer is a buffer for concurrent use.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *lockedBuffer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func TestAsyncWriter(t *testing.T) {
	var out lockedBuffer
	p := &asyncWriter{w: &out}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 {
				fmt.Fprintf(p, "line %d/%d\n", i, j)
			}
		})
	}
	wg.Wait()
	p.tryFlush()
	lines := strings.Split(strings.TrimSuffix(out.text.String(), "\n"), "\n")
	if len(lines) != 800 {
		t.Fatalf("%d lines", len(lines))
	}
	next := map[string]int{}
	for _, l := range lines { // the lines of each writer are in order
		var i, j int
		if _, err := fmt.Sscanf(l, "line %d/%d", &i, &j); err != nil || next[fmt.Sprint(i)] != j {
			t.Fatalf("%q: %v", l, err)
		}
		next[fmt.Sprint(i)]++
	}
}

// TestAsyncWriterStalled: an unread log blocks no writer, and reports dropped lines later.
func TestAsyncWriterStalled(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		r, w := io.Pipe()
		p := &asyncWriter{w: w, json: asJSON}
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 4 * maxBuffered / len(line) {
			p.Write(line)
		}
		var seen bytes.Buffer
		read := make(chan struct{})
		go func() {
			defer close(read)
			io.Copy(&seen, r)
		}()
		p.tryFlush()
		p.tryFlush()
		w.Close()
		<-read
		if n := seen.Len(); n > 3*maxBuffered || !strings.Contains(seen.String(), "log lines were dropped") {
			t.Errorf("%d bytes; the end: %q", n, seen.String()[max(0, n-200):])
		}
	}
}
