package ledger

import (
	"math/bits"
	"time"
)

// Stats are the statistics of a ledger. Counters begin with Open.
type Stats struct {
	Queue    int `json:"queue"` // calls that wait for a commit
	QueueCap int `json:"queueCap"`

	Unplanned int       `json:"unplanned"`       // events whose rules have not run
	Steps     int       `json:"steps"`           // open actions
	Oldest    time.Time `json:"oldest,omitzero"` // time of the oldest open entry, or zero
	Dead      int64     `json:"dead"`            // dead letters
	DeadBytes int64     `json:"deadBytes"`

	Commits    uint64        `json:"commits"`
	Batches    [14]uint64    `json:"batches"`           // commits by calls: up to 1, 2, 4 … 4096, more
	CommitTime time.Duration `json:"commitNanoseconds"` // of the last one
	Accepted   uint64        `json:"accepted"`          // events
	Duplicates uint64        `json:"duplicates"`        // deliveries, and events of others
	Noted      uint64        `json:"noted"`             // ids of inline calls
	Dropped    uint64        `json:"dropped"`           // ids that were not recorded
	Full       uint64        `json:"full"`              // calls refused by a full queue
	Refused    uint64        `json:"refused"`           // calls refused for lack of space
	Buried     uint64        `json:"buried"`
	Trimmed    uint64        `json:"trimmed"` // dead letters dropped for age or size
	Expired    uint64        `json:"expired"` // slots

	IDs        int64 `json:"ids"`        // in memory
	IndexBytes int64 `json:"indexBytes"` // of their index
	FileSize   int64 `json:"fileSize"`
	FileUsed   int64 `json:"fileUsed"`
	Slots      int   `json:"slots"`
}

// Stats returns the statistics. It is cheap enough for every scrape.
func (l *Ledger) Stats() Stats {
	c := &l.count
	s := Stats{
		Queue: len(l.queue), QueueCap: cap(l.queue), Commits: c.commits.Load(), CommitTime: time.Duration(c.commitTime.Load()),
		Accepted: c.accepted.Load(), Duplicates: c.duplicates.Load(), Noted: c.noted.Load(), Dropped: c.dropped.Load(),
		Full: c.full.Load(), Refused: c.refused.Load(), Buried: c.buried.Load(), Trimmed: c.trimmed.Load(), Expired: c.expired.Load(),
		Dead: c.dead.Load(), DeadBytes: c.deadBytes.Load(), FileSize: c.fileSize.Load(), FileUsed: c.fileUsed.Load(),
	}
	for i := range s.Batches {
		s.Batches[i] = c.batches[i].Load()
	}
	l.indexMu.RLock()
	defer l.indexMu.RUnlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Unplanned, s.Steps, s.Slots = l.backlog.unplanned, l.backlog.steps, len(l.slots)
	for _, p := range l.slots {
		s.IDs += int64(p.index.count)
		s.IndexBytes += p.index.bytes()
		if s.Oldest.IsZero() && len(p.items) > 0 {
			s.Oldest = p.oldest()
		}
	}
	return s
}

// oldest returns when the first of a slot's open items was recorded.
func (s *slot) oldest() time.Time {
	first := int64(1<<63 - 1)
	for _, it := range s.items {
		first = min(first, it.received)
	}
	return time.Unix(0, first)
}

func (c *counters) batch(n int) {
	at := 0
	if n > 1 {
		at = bits.Len(uint(n - 1))
	}
	c.batches[min(at, len(c.batches)-1)].Add(1)
}
