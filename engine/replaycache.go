package engine

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// A memory knows which calls of one hook, under one Set, are being decided, and for a while what they were answered.
// Answers stay in memory only: they hold claims.
type replayCache struct {
	seed   maphash.Seed
	shards [shards]cacheShard
}

const (
	shards        = 8
	maxID         = 256     // a longer eventId is nobody's; its call is decided without looking for twins
	maxEntries    = 1 << 16 // of one hook
	entryOverhead = 256     // what a memo weighs beside its id and its answer, generously
)

// key is what the same call again has again: its eventId and its body, hashed under a seed nobody knows.
type key struct{ id, body uint64 }

// cacheShard is a part of a memory. Its lock is never held while a rule runs.
type cacheShard struct {
	ttl      time.Duration
	maxBytes int64 // at most this much is remembered

	mu      sync.Mutex // guards all below
	entries map[key]*replayEntry
	oldest  *replayEntry // of those that are done, in the order they were done
	newest  *replayEntry
	weight  int64
	done    int
	expiry  *time.Timer // set while something is remembered
	closed  bool
}

// replayEntry is one call that is being decided, or was.
type replayEntry struct {
	key     key
	id      string
	reply   Reply         // valid when done, or when wait is closed
	wait    chan struct{} // made by the first twin that has to wait
	expires time.Time     // when a done memo is forgotten
	next    *replayEntry
	done    bool
}

func (m *replayCache) init(keep time.Duration, bytes int64) {
	m.seed = maphash.MakeSeed()
	for i := range m.shards {
		s := &m.shards[i]
		s.ttl, s.maxBytes, s.entries = keep, bytes/shards, make(map[key]*replayEntry)
	}
}

func (m *replayCache) key(id string, body []byte) key {
	return key{maphash.String(m.seed, id), maphash.Bytes(m.seed, body)}
}

func (m *replayCache) shard(k key) *cacheShard { return &m.shards[k.body%shards] }

// find looks for a twin of a call: one that is under way or whose answer is still good. The caller holds mu.
func (s *cacheShard) find(k key, id string, now time.Time) *replayEntry {
	m := s.entries[k]
	if m == nil || m.id != id || (m.done && !now.Before(m.expires)) {
		return nil
	}
	return m
}

// start notes that a call is being decided. The caller holds mu, and calls end for the memo.
func (s *cacheShard) start(k key, id string) *replayEntry {
	m := &replayEntry{key: k, id: strings.Clone(id)}
	s.entries[k] = m
	return m
}

// finish hands a reply to those who wait for it and remembers it, when it is one the rules meant: what a failure or a full
// house answered is not worth repeating, since Okta's second try may fare better.
func (s *cacheShard) finish(m *replayEntry, r Reply, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.reply, m.done = r, true
	if m.wait != nil {
		close(m.wait)
	}
	if r.Outcome >= Failed || s.closed || m.weight() > s.maxBytes {
		s.remove(m)
		return
	}
	m.expires = now.Add(s.ttl)
	if s.newest == nil {
		s.oldest = m
	} else {
		s.newest.next = m
	}
	s.newest = m
	s.weight += m.weight()
	s.done++
	for s.weight > s.maxBytes || s.done > maxEntries/shards || !now.Before(s.oldest.expires) {
		s.evictOldest()
	}
	if s.expiry == nil {
		s.expiry = time.AfterFunc(s.ttl, s.expire)
	}
}

func (m *replayEntry) weight() int64 { return int64(len(m.id)+len(m.reply.Body)) + entryOverhead }

// remove forgets a memo, unless another has taken its place: two calls may hash alike, and the later one is kept.
func (s *cacheShard) remove(m *replayEntry) {
	if s.entries[m.key] == m {
		delete(s.entries, m.key)
	}
}

func (s *cacheShard) evictOldest() {
	m := s.oldest
	s.oldest = m.next
	if s.oldest == nil {
		s.newest = nil
	}
	s.weight -= m.weight()
	s.done--
	s.remove(m)
}

// expire forgets what is too old also when no call comes any more.
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
			s.entries = make(map[key]*replayEntry) // a map does not shrink by itself
		}
		return
	}
	s.expiry.Reset(s.oldest.expires.Sub(now))
}

// clear drops everything that is remembered. Calls under way still find their waiters.
func (m *replayCache) clear() {
	for i := range m.shards {
		s := &m.shards[i]
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
