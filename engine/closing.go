package engine

import (
	"errors"
	"sync"

	"github.com/tenterhook/tenterhook/rules"
)

// closeSet closes a Set in its own goroutine, so that no call pays for it. Close of the Engine waits for it. The Engine has
// mu, or a lease that was the last.
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

// closings are the Sets that are being closed. It is no WaitGroup, for a call that was cut off may leave its Set while Close waits, or
// afterwards.
type closings struct {
	mu   sync.Mutex // guards what follows
	n    int
	idle chan struct{} // closed when there are none left; nil: nobody waits
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
