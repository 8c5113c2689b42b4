package outlet

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/rules/destination"
)

// sink stores lines. All calls come from one goroutine.
type sink interface {
	prepare() error           // checks that the sink is usable; an error changes nothing
	commit(text []byte) error // nil: all of it is durable. An error: none of it, as far as known
	close() error
}

// lineWriter delivers steps to a sink, one line each. One goroutine writes: lines that arrive
// during a commit go into the next one, so that many lines share one fsync.
type lineWriter struct {
	member  string
	timeout time.Duration
	sink    sink
	log     *slog.Logger
	queue   chan *line
	closed  chan error
}

// line is a step's line on its way to the sink. The first of writer and timed-out step to set
// claimed decides whether the line is written.
type line struct {
	text    []byte
	claimed atomic.Bool
	done    chan error
}

func newLineWriter(s destination.Spec, to sink, log *slog.Logger) *lineWriter {
	l := &lineWriter{member: s.Key, timeout: s.Timeout, sink: to, log: log,
		queue: make(chan *line, s.Concurrency), closed: make(chan error, 1)}
	go l.run()
	return l
}

func (l *lineWriter) attempt(ctx context.Context, s Step) Result {
	text, err := encodeLine(l.member, s.Key, s.Body)
	if err != nil {
		return Result{Verdict: Never, Err: err}
	}
	n := &line{text: text, done: make(chan error, 1)}
	late := Result{health: down, Err: fmt.Errorf("%w: %v", ErrTimeout, l.timeout)}
	select {
	case l.queue <- n:
	case <-ctx.Done():
		return late
	}
	select {
	case err = <-n.done:
	case <-ctx.Done():
		n.claimed.Store(true)
		return late
	}
	if err != nil {
		return Result{health: down, Err: fmt.Errorf("%w: %w", ErrWrite, err)}
	}
	return Result{Verdict: Done, health: up}
}

// close is called after the last attempt.
func (l *lineWriter) close() error {
	close(l.queue)
	return <-l.closed
}

func (l *lineWriter) run() {
	if err := l.sink.prepare(); err != nil {
		l.log.Warn("the destination is not writable now", "error", err)
	}
	const keep = 1 << 20 // bytes of buffer that are reused
	var text []byte
	var batch []*line
	for first := range l.queue {
		batch = append(batch[:0], first)
		for more := true; more && len(batch) < cap(l.queue); {
			select {
			case n, ok := <-l.queue:
				if more = ok; ok {
					batch = append(batch, n)
				}
			default:
				more = false
			}
		}
		text = l.commit(text[:0], batch)
		if cap(text) > keep {
			text = nil
		}
		clear(batch)
	}
	l.closed <- l.sink.close()
}

// commit writes a batch and wakes its waiting steps.
func (l *lineWriter) commit(text []byte, batch []*line) []byte {
	waiting := batch[:0]
	for _, n := range batch {
		if n.claimed.CompareAndSwap(false, true) {
			text = append(text, n.text...)
			waiting = append(waiting, n)
		}
	}
	if len(waiting) == 0 {
		return text
	}
	err := l.sink.commit(text)
	for _, n := range waiting {
		n.done <- err
	}
	return text
}

// stream is the sink of standard output.
type stream struct {
	w io.Writer
}

func (s stream) prepare() error { return nil }

func (s stream) commit(text []byte) error {
	_, err := s.w.Write(text)
	return err
}

func (s stream) close() error { return nil }
