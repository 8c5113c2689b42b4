package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	flushDelay  = 20 * time.Millisecond // delay before writing, so that lines are written in batches
	maxBuffered = 1 << 20               // bytes; further lines are dropped
)

// asyncWriter is a non-blocking writer of the log. It buffers lines and writes them shortly after.
// If the reader stalls, it drops lines and counts them: an unread pipe must not stop a call.
type asyncWriter struct {
	w    io.Writer
	json bool

	mu        sync.Mutex // guards the fields below; not held while writing
	buffer    []byte
	spare     []byte
	dropped   int
	scheduled bool // the timer is running

	writing sync.Mutex // held while writing, to keep the order
}

// Write buffers whole lines. It neither fails nor blocks.
func (p *asyncWriter) Write(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.buffer)+len(lines) > maxBuffered {
		p.dropped++
		return len(lines), nil
	}
	p.buffer = append(p.buffer, lines...)
	if !p.scheduled {
		p.scheduled = true
		time.AfterFunc(flushDelay, p.flush)
	}
	return len(lines), nil
}

// flush writes the buffered lines.
func (p *asyncWriter) flush() {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	lines, dropped := p.buffer, p.dropped
	p.buffer, p.spare, p.dropped, p.scheduled = p.spare[:0], nil, 0, false
	p.mu.Unlock()
	if dropped > 0 {
		lines = p.appendDropped(lines, dropped)
	}
	if len(lines) > 0 {
		p.w.Write(lines) // the log cannot report its own errors
	}
	p.mu.Lock()
	p.spare = lines
	p.mu.Unlock()
}

func (p *asyncWriter) appendDropped(lines []byte, n int) []byte {
	now := time.Now().Format("2006-01-02T15:04:05.000Z07:00") // the format of package slog
	if p.json {
		return fmt.Appendf(lines, `{"time":"%s","level":"WARN","msg":"log lines were dropped","lines":%d}`+"\n", now, n)
	}
	return fmt.Appendf(lines, "time=%s level=WARN msg=\"log lines were dropped\" lines=%d\n", now, n)
}

// tryFlush writes the buffered lines. It returns false if that takes too long.
func (p *asyncWriter) tryFlush() bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.flush()
	}()
	select {
	case <-done:
		return true
	case <-time.After(time.Second):
		return false
	}
}
