package dispatch

import (
	"context"
	"sync"
)

// turns bounds how many events' rules run at one time. Hooks take turns: one whose rules are slow, and which has many events waiting,
// holds up another's by the one that is running.
type turns struct {
	mu      sync.Mutex // guards what follows
	free    int
	waiting map[string][]chan struct{} // by hook, the first first
	order   []string                   // of the hooks that wait
}

func newTurns(n int) *turns { return &turns{free: n, waiting: make(map[string][]chan struct{})} }

// enter waits for a hook's turn, and reports false when the context ended before it came.
func (t *turns) enter(ctx context.Context, hook string) bool {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return true
	}
	mine := make(chan struct{}, 1)
	if len(t.waiting[hook]) == 0 {
		t.order = append(t.order, hook)
	}
	t.waiting[hook] = append(t.waiting[hook], mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-ctx.Done(): // the end of the Dispatch: a turn that comes yet is nobody's
		return false
	}
}

// leave gives the turn to the hook that waits the longest for one.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order) == 0 {
		t.free++
		return
	}
	hook := t.order[0]
	t.order = t.order[1:]
	all := t.waiting[hook]
	all[0] <- struct{}{}
	if len(all) == 1 {
		delete(t.waiting, hook)
		return
	}
	t.waiting[hook] = all[1:]
	t.order = append(t.order, hook)
}
