package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	penPause = 20 * time.Millisecond // between a line and its writing, so that lines are written together
	penMost  = 1 << 20               // bytes that wait to be written; a line beyond them is dropped
)

// pen writes the log so that nobody waits for who reads it: lines are put into a buffer and written a moment later. When
// they are not taken in time, lines are dropped and counted, for a pipe that nobody reads must not stop a call.
type pen struct {
	w    io.Writer
	json bool

	mu      sync.Mutex // guards what follows; nothing is written while it is held
	lines   []byte
	spare   []byte
	dropped int
	set     bool // the timer is

	writing sync.Mutex // held while lines are written, in their order
}

// Write takes whole lines. It never fails and never waits.
func (p *pen) Write(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines)+len(lines) > penMost {
		p.dropped++
		return len(lines), nil
	}
	p.lines = append(p.lines, lines...)
	if !p.set {
		p.set = true
		time.AfterFunc(penPause, p.flush)
	}
	return len(lines), nil
}

// flush writes what waits.
func (p *pen) flush() {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	lines, dropped := p.lines, p.dropped
	p.lines, p.spare, p.dropped, p.set = p.spare[:0], nil, 0, false
	p.mu.Unlock()
	if dropped > 0 {
		lines = p.lost(lines, dropped)
	}
	if len(lines) > 0 {
		p.w.Write(lines) // there is nowhere to say that it failed
	}
	p.mu.Lock()
	p.spare = lines
	p.mu.Unlock()
}

func (p *pen) lost(lines []byte, n int) []byte {
	now := time.Now().Format("2006-01-02T15:04:05.000Z07:00") // as package slog writes it
	if p.json {
		return fmt.Appendf(lines, `{"time":"%s","level":"WARN","msg":"log lines were left out","lines":%d}`+"\n", now, n)
	}
	return fmt.Appendf(lines, "time=%s level=WARN msg=\"log lines were left out\" lines=%d\n", now, n)
}

// lift writes what waits, and gives up after a while: then it is false.
func (p *pen) lift() bool {
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
