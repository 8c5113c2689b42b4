package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
)

// hookStats counts what happens at one hook. It outlives Sets: it goes when the hook does. A call adds to it with atomics
// only; nothing is looked up by a label.
type hookStats struct {
	outcomes           [outcomeCount]atomic.Uint64
	repeats            atomic.Uint64
	twins              atomic.Uint64
	conflicts          atomic.Uint64
	running            atomic.Int64
	unauthorized       atomic.Uint64 // who called without the secret
	unauthorizedLogged atomic.Int64  // the minute in which the log told of them, in Unix time
	foreign            atomic.Uint64 // calls that named another org
	foreignLogged      atomic.Int64  // the minute in which the log told of them

	buckets [len(bounds) + 1]atomic.Uint64 // calls by duration; the last is beyond all bounds
	elapsed atomic.Int64                   // nanoseconds, of all calls

	mu       sync.Mutex // guards the maps, which a call touches only when a rule failed
	rules    map[string]*ruleStats
	failures map[failure]uint64
	secrets  map[string]*secretStats
}

// ruleStats counts the matches of one rule, and what its module takes.
type ruleStats struct {
	rule    string
	matches atomic.Uint64
	module  moduleStats
}

// failure is what rule failed for which reason.
type failure struct{ rule, reason string }

// bounds are the upper bounds of the latency histogram.
var bounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 3 * time.Second,
}

func (t *hookStats) record(r Reply, took time.Duration) {
	t.outcomes[r.Outcome].Add(1)
	if r.Repeat {
		t.repeats.Add(1)
	}
	if r.Twin {
		t.twins.Add(1)
	}
	i := 0
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	t.buckets[i].Add(1)
	t.elapsed.Add(int64(took))
}

// adoptRules gives the counters of a hook's rules, by place. Rules that are gone lose theirs, and their failures.
func (t *hookStats) adoptRules(names []string) []*ruleStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	matches, list := make(map[string]*ruleStats, len(names)), make([]*ruleStats, len(names))
	for i, name := range names {
		c := matches[name]
		if c == nil {
			c = t.rules[name]
		}
		if c == nil {
			c = &ruleStats{rule: name}
		}
		matches[name], list[i] = c, c
	}
	t.rules = matches
	for f := range t.failures {
		if matches[f.rule] == nil {
			delete(t.failures, f)
		}
	}
	return list
}

func (t *hookStats) recordFailure(rule string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failures == nil {
		t.failures = make(map[failure]uint64)
	}
	t.failures[failure{rule, runtime.Reason(err)}]++
}
