package engine

import (
	"errors"
	"sync"

	"github.com/tenterhook/tenterhook/rules"
)

// closeSet closes a Set in its own goroutine, so that no call waits for it. Engine.Close does wait.
// The caller holds e.mu or has just released the Set's last lease.
func (e *Engine) closeSet(s *rules.Set) {
	e.closings.begin()
	go func() {
		defer e.closings.end()
		err := s.Close()
		if err == nil {
			return
		}
		e.mu.Lock()
		e.closeErr = errors.Join(e.closeErr, err)
		e.mu.Unlock()
		e.o.Log.Error("close rules", "revision", s.Revision(), "error", err)
	}()
}

// closings counts the Sets that are being closed. A WaitGroup would not do: a call past its
// deadline may release its Set during Engine.Close or afterwards.
type closings struct {
	mu   sync.Mutex // guards the fields below
	n    int
	idle chan struct{} // closed when n reaches 0; nil if no goroutine waits
}

func (c *closings) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *closings) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

func (c *closings) wait() {
	c.mu.Lock()
	if c.n > 0 && c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	c.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
