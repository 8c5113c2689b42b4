package engine

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// replayCache knows the calls of one hook under one Set that are being decided, and for a while
// their answers. Answers stay in memory only, because they contain claims.
type replayCache struct {
	seed   maphash.Seed
	shards [shards]cacheShard
}

const (
	shards        = 8
	maxID         = 256     // longer eventIds bypass the cache; Okta's are shorter
	maxEntries    = 1 << 16 // of one hook
	entryOverhead = 256     // size of an entry beside its id and answer, as a generous estimate
)

// key identifies a repeated call: hashes of its eventId and its body, with a random seed.
type key struct{ id, body uint64 }

// cacheShard is a part of a replayCache. Its lock is never held while a rule runs.
type cacheShard struct {
	ttl      time.Duration
	maxBytes int64 // limit of weight

	mu      sync.Mutex // guards the fields below
	entries map[key]*replayEntry
	oldest  *replayEntry // of the finished entries, in the order they finished
	newest  *replayEntry
	weight  int64
	done    int
	expiry  *time.Timer // calls expire; nil while no entry is finished
	closed  bool
}

// replayEntry is one call, in progress or decided.
type replayEntry struct {
	key     key
	id      string
	reply   Reply         // valid if done, or when wait is closed
	wait    chan struct{} // made by the first identical call that has to wait
	expires time.Time     // of a done entry
	next    *replayEntry
	done    bool
}

func (c *replayCache) init(ttl time.Duration, bytes int64) {
	c.seed = maphash.MakeSeed()
	for i := range c.shards {
		s := &c.shards[i]
		s.ttl, s.maxBytes, s.entries = ttl, bytes/shards, make(map[key]*replayEntry)
	}
}

func (c *replayCache) key(id string, body []byte) key {
	return key{maphash.String(c.seed, id), maphash.Bytes(c.seed, body)}
}

func (c *replayCache) shard(k key) *cacheShard { return &c.shards[k.body%shards] }

// find returns the entry of an identical call that is in progress or whose answer is still valid.
// The caller holds mu.
func (s *cacheShard) find(k key, id string, now time.Time) *replayEntry {
	e := s.entries[k]
	if e == nil || e.id != id || (e.done && !now.Before(e.expires)) {
		return nil
	}
	return e
}

// start adds the entry of a call in progress. The caller holds mu, and must call finish with the
// entry.
func (s *cacheShard) start(k key, id string) *replayEntry {
	e := &replayEntry{key: k, id: strings.Clone(id)}
	s.entries[k] = e
	return e
}

// finish passes a reply to the waiting calls and stores it if the rules decided it. Failures and
// shed calls are not stored: Okta's retry may do better.
func (s *cacheShard) finish(e *replayEntry, r Reply, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.reply, e.done = r, true
	if e.wait != nil {
		close(e.wait)
	}
	if r.Outcome >= Failed || s.closed || e.weight() > s.maxBytes {
		s.remove(e)
		return
	}
	e.expires = now.Add(s.ttl)
	if s.newest == nil {
		s.oldest = e
	} else {
		s.newest.next = e
	}
	s.newest = e
	s.weight += e.weight()
	s.done++
	for s.weight > s.maxBytes || s.done > maxEntries/shards || !now.Before(s.oldest.expires) {
		s.evictOldest()
	}
	if s.expiry == nil {
		s.expiry = time.AfterFunc(s.ttl, s.expire)
	}
}

func (e *replayEntry) weight() int64 { return int64(len(e.id)+len(e.reply.Body)) + entryOverhead }

// remove deletes an entry, unless a later one has replaced it after a hash collision.
func (s *cacheShard) remove(e *replayEntry) {
	if s.entries[e.key] == e {
		delete(s.entries, e.key)
	}
}

func (s *cacheShard) evictOldest() {
	e := s.oldest
	s.oldest = e.next
	if s.oldest == nil {
		s.newest = nil
	}
	s.weight -= e.weight()
	s.done--
	s.remove(e)
}

// expire deletes expired entries, also when no calls arrive.
func (s *cacheShard) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	now := time.Now()
	for s.oldest != nil && !now.Before(s.oldest.expires) {
		s.evictOldest()
	}
	if s.oldest == nil {
		s.expiry = nil
		if len(s.entries) == 0 {
			s.entries = make(map[key]*replayEntry) // a map never shrinks
		}
		return
	}
	s.expiry.Reset(s.oldest.expires.Sub(now))
}

// clear deletes all answers and stores no more. Calls in progress still reply to their waiting
// calls.
func (c *replayCache) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.closed = true
		if s.expiry != nil {
			s.expiry.Stop()
		}
		for s.oldest != nil {
			s.evictOldest()
		}
		s.mu.Unlock()
	}
}
