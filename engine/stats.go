package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
)

// hookStats counts the events of one hook. It outlives Sets and ends with the hook. A call uses
// atomics only and looks up no label.
type hookStats struct {
	outcomes           [outcomeCount]atomic.Uint64
	repeats            atomic.Uint64
	twins              atomic.Uint64
	conflicts          atomic.Uint64
	running            atomic.Int64
	unauthorized       atomic.Uint64 // requests without the hook's credentials
	unauthorizedLogged atomic.Int64  // minute of the last log line about them, in Unix time
	foreign            atomic.Uint64 // calls that named a host of another org
	foreignLogged      atomic.Int64  // minute of the last log line about them

	buckets [len(bounds) + 1]atomic.Uint64 // calls by duration; the last bucket is unbounded
	elapsed atomic.Int64                   // nanoseconds, of all calls

	mu       sync.Mutex // guards the maps; a call locks it only after a rule failed
	rules    map[string]*ruleStats
	failures map[failure]uint64
	secrets  map[string]*secretStats
}

// ruleStats counts the matches of one rule and the consumption of its module.
type ruleStats struct {
	rule    string
	matches atomic.Uint64
	module  moduleStats
}

// failure identifies the counter of a rule's failures by reason.
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

// adoptRules returns the counters of a hook's rules, by place. It drops the counters and failures
// of removed rules.
func (s *hookStats) adoptRules(names []string) []*ruleStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	matches, list := make(map[string]*ruleStats, len(names)), make([]*ruleStats, len(names))
	for i, name := range names {
		c := matches[name]
		if c == nil {
			c = s.rules[name]
		}
		if c == nil {
			c = &ruleStats{rule: name}
		}
		matches[name], list[i] = c, c
	}
	s.rules = matches
	for f := range s.failures {
		if matches[f.rule] == nil {
			delete(s.failures, f)
		}
	}
	return list
}

func (s *hookStats) recordFailure(rule string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures == nil {
		s.failures = make(map[failure]uint64)
	}
	s.failures[failure{rule, runtime.Reason(err)}]++
}
