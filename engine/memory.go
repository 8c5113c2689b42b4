package engine

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// A memory knows which calls of one hook, under one Set, are being decided, and for a while what they were answered.
// Answers stay in memory only: they hold claims.
type memory struct {
	seed   maphash.Seed
	shards [shards]shard
}

const (
	shards     = 8
	maxID      = 256     // a longer eventId is nobody's; its call is decided without looking for twins
	maxMemos   = 1 << 16 // of one hook
	memoWeight = 256     // what a memo weighs beside its id and its answer, generously
)

// key is what the same call again has again: its eventId and its body, hashed under a seed nobody knows.
type key struct{ id, body uint64 }

// shard is a part of a memory. Its lock is never held while a rule runs.
type shard struct {
	keep  time.Duration
	bytes int64 // at most this much is remembered

	mu     sync.Mutex // guards all below
	memos  map[key]*memo
	oldest *memo // of those that are done, in the order they were done
	newest *memo
	weight int64
	done   int
	sweep  *time.Timer // set while something is remembered
	closed bool
}

// memo is one call that is being decided, or was.
type memo struct {
	key   key
	id    string
	reply Reply         // valid when done, or when wait is closed
	wait  chan struct{} // made by the first twin that has to wait
	until time.Time     // when a done memo is forgotten
	next  *memo
	done  bool
}

func (m *memory) init(keep time.Duration, bytes int64) {
	m.seed = maphash.MakeSeed()
	for i := range m.shards {
		s := &m.shards[i]
		s.keep, s.bytes, s.memos = keep, bytes/shards, make(map[key]*memo)
	}
}

func (m *memory) key(id string, body []byte) key {
	return key{maphash.String(m.seed, id), maphash.Bytes(m.seed, body)}
}

func (m *memory) shard(k key) *shard { return &m.shards[k.body%shards] }

// find looks for a twin of a call: one that is under way or whose answer is still good. The caller holds mu.
func (s *shard) find(k key, id string, now time.Time) *memo {
	m := s.memos[k]
	if m == nil || m.id != id || (m.done && !now.Before(m.until)) {
		return nil
	}
	return m
}

// begin notes that a call is being decided. The caller holds mu, and calls end for the memo.
func (s *shard) begin(k key, id string) *memo {
	m := &memo{key: k, id: strings.Clone(id)}
	s.memos[k] = m
	return m
}

// end hands a reply to those who wait for it and remembers it, when it is one the rules meant: what a failure or a full
// house answered is not worth repeating, since Okta's second try may fare better.
func (s *shard) end(m *memo, r Reply, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.reply, m.done = r, true
	if m.wait != nil {
		close(m.wait)
	}
	if r.Outcome >= Failed || s.closed || m.weight() > s.bytes {
		s.drop(m)
		return
	}
	m.until = now.Add(s.keep)
	if s.newest == nil {
		s.oldest = m
	} else {
		s.newest.next = m
	}
	s.newest = m
	s.weight += m.weight()
	s.done++
	for s.weight > s.bytes || s.done > maxMemos/shards || !now.Before(s.oldest.until) {
		s.pop()
	}
	if s.sweep == nil {
		s.sweep = time.AfterFunc(s.keep, s.expire)
	}
}

func (m *memo) weight() int64 { return int64(len(m.id)+len(m.reply.Body)) + memoWeight }

// drop forgets a memo, unless another has taken its place: two calls may hash alike, and the later one is kept.
func (s *shard) drop(m *memo) {
	if s.memos[m.key] == m {
		delete(s.memos, m.key)
	}
}

func (s *shard) pop() {
	m := s.oldest
	s.oldest = m.next
	if s.oldest == nil {
		s.newest = nil
	}
	s.weight -= m.weight()
	s.done--
	s.drop(m)
}

// expire forgets what is too old also when no call comes any more.
func (s *shard) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	now := time.Now()
	for s.oldest != nil && !now.Before(s.oldest.until) {
		s.pop()
	}
	if s.oldest == nil {
		s.sweep = nil
		if len(s.memos) == 0 {
			s.memos = make(map[key]*memo) // a map does not shrink by itself
		}
		return
	}
	s.sweep.Reset(s.oldest.until.Sub(now))
}

// forget drops everything that is remembered. Calls under way still find their waiters.
func (m *memory) forget() {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		s.closed = true
		if s.sweep != nil {
			s.sweep.Stop()
		}
		for s.oldest != nil {
			s.pop()
		}
		s.mu.Unlock()
	}
}
