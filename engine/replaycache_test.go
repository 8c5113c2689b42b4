package engine

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// cacheSize returns the number of a cache's entries and their total weight.
func cacheSize(c *replayCache) (n int, weight int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n, weight = n+len(s.entries), weight+s.weight
		s.mu.Unlock()
	}
	return n, weight
}

func addReply(c *replayCache, id string, body int) {
	k := c.key(id, []byte(id))
	s := c.shard(k)
	s.mu.Lock()
	e := s.start(k, id)
	s.mu.Unlock()
	s.finish(e, Reply{Body: make([]byte, body)}, time.Now())
}

func TestReplayCacheIsBounded(t *testing.T) {
	tests := []struct {
		name  string
		bytes int64
		body  int
		most  int
	}{
		{name: "ByBytes", bytes: 1 << 20, body: 1000, most: 1 << 20 / 1256},
		{name: "ByNumber", bytes: 1 << 40, body: 0, most: maxEntries},
		{name: "TooLargeForAny", bytes: 1 << 20, body: 1 << 20, most: 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c replayCache
			c.init(time.Minute, tt.bytes)
			defer c.clear()
			for i := range 2 * maxEntries {
				addReply(&c, fmt.Sprint(i), tt.body)
				if tt.body > 0 && i > 4000 {
					break
				}
			}
			n, weight := cacheSize(&c)
			if n > tt.most || n < tt.most/2 || weight > tt.bytes {
				t.Errorf("%d remembered, weighing %d; want at most %d", n, weight, tt.most)
			}
		})
	}
}

func TestReplayCacheExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c replayCache
		c.init(2*time.Minute, 1<<20)
		for i := range 100 {
			addReply(&c, fmt.Sprint(i), 10)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute + time.Second/2)
		if n, _ := cacheSize(&c); n != 59 {
			t.Errorf("%d remembered, want the 59 of the last two minutes", n)
		}
		time.Sleep(2 * time.Minute)
		if n, weight := cacheSize(&c); n != 0 || weight != 0 {
			t.Errorf("%d remembered, weighing %d, after all have expired", n, weight)
		}
	})
}

func TestReplayCacheHashCollision(t *testing.T) {
	var s cacheShard
	s.entries = make(map[key]*replayEntry)
	s.start(key{1, 1}, "a")
	now := time.Now()
	if s.find(key{1, 1}, "a", now) == nil || s.find(key{1, 1}, "b", now) != nil {
		t.Error("two calls with a hash collision are treated as one")
	}
	earlier := s.entries[key{1, 1}]
	later := s.start(key{1, 1}, "b")
	s.finish(earlier, Reply{Outcome: Failed}, now)
	if s.entries[key{1, 1}] != later {
		t.Error("the earlier call removed the later one")
	}
}

func TestReplayCacheCopiesIDs(t *testing.T) {
	var c replayCache
	c.init(time.Minute, 1<<20)
	defer c.clear()
	id := strings.Repeat("x", 22)
	k := c.key(id, nil)
	if c.key(id, nil) != k || c.key(id, []byte{0}) == k || c.key("y", nil) == k {
		t.Error("a key does not depend on id and body alone")
	}
}
