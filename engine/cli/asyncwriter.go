package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	flushDelay  = 20 * time.Millisecond // between a line and its writing, so that lines are written together
	maxBuffered = 1 << 20               // bytes that wait to be written; a line beyond them is dropped
)

// asyncWriter writes the log so that nobody waits for who reads it: lines are put into a buffer and written a moment later. When
// they are not taken in time, lines are dropped and counted, for a pipe that nobody reads must not stop a call.
type asyncWriter struct {
	w    io.Writer
	json bool

	mu        sync.Mutex // guards what follows; nothing is written while it is held
	buffer    []byte
	spare     []byte
	dropped   int
	scheduled bool // the timer is

	writing sync.Mutex // held while lines are written, in their order
}

// Write takes whole lines. It never fails and never waits.
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

// flush writes what waits.
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
		p.w.Write(lines) // there is nowhere to say that it failed
	}
	p.mu.Lock()
	p.spare = lines
	p.mu.Unlock()
}

func (p *asyncWriter) appendDropped(lines []byte, n int) []byte {
	now := time.Now().Format("2006-01-02T15:04:05.000Z07:00") // as package slog writes it
	if p.json {
		return fmt.Appendf(lines, `{"time":"%s","level":"WARN","msg":"log lines were left out","lines":%d}`+"\n", now, n)
	}
	return fmt.Appendf(lines, "time=%s level=WARN msg=\"log lines were left out\" lines=%d\n", now, n)
}

// tryFlush writes what waits, and gives up after a while: then it is false.
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
