// Package ledger keeps what must survive a crash: eventIds, recorded events, planned actions and what became of them.
//
// It is one bbolt file with rows that are appended and never changed, written by one goroutine that puts everything that
// waits into one transaction. An Accept that returns nil is on the disk. A transaction that fails stops the ledger: every
// later call gets ErrBroken until it is opened again, and opening reads every row before the first call is let in.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tenterhook/tenterhook/engine/ledger/pages"
)

// Why a ledger is not opened. Each comes wrapped in text that says what to do next.
var (
	ErrLocked     = errors.New("another process has the ledger open")
	ErrDamaged    = pages.ErrDamaged
	ErrMissing    = errors.New("the ledger's file is missing or empty")
	ErrSwapped    = errors.New("the ledger's file is another ledger's")
	ErrRolledBack = errors.New("the ledger's file is older than what it has acknowledged")
)

// Options says where the ledger lies and how much it may hold. The zero value of everything but Path has a default.
type Options struct {
	Path      string           // of the bbolt file; beside it lies Path + ".id", which says whose it is
	Now       func() time.Time // time.Now
	Queue     int              // calls that may wait for a commit: 8192; and no more than QueueSize bytes of them
	QueueSize int              // 64 MB
	MaxSize   int64            // of the file, in bytes: 8 GB; beyond it deliveries are refused, marks still go in
	Step      int64            // how much of the file is kept ready ahead of what is written, in bytes: 64 MB
	DeadAge   time.Duration    // dead letters older than this are dropped: 30 days
	DeadBytes int64            // the oldest dead letters beyond this are dropped: a quarter of MaxSize

	open   func(string, int, os.FileMode) (*os.File, error) // tests: how bbolt gets its file
	noSync bool                                             // tests: the control that must be caught losing
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Queue <= 0 {
		o.Queue = 8192
	}
	if o.QueueSize <= 0 {
		o.QueueSize = 64 << 20
	}
	if o.MaxSize <= 0 {
		o.MaxSize = 8 << 30
	}
	if o.Step <= 0 {
		o.Step = 64 << 20
	}
	if o.DeadAge <= 0 {
		o.DeadAge = 30 * 24 * time.Hour
	}
	if o.DeadBytes <= 0 {
		o.DeadBytes = o.MaxSize / 4
	}
	return o
}

// Ledger is an open ledger. Its methods may be called from any goroutine; Close ends it and waits for its committer.
type Ledger struct {
	opt   Options
	now   func() time.Time
	dbMu  sync.RWMutex // guards db: the committer opens the file anew after a full disk
	db    *bolt.DB
	id    *identity
	seed  maphash.Seed
	space preallocator
	epoch uint32

	lowSpace error // why Open found too little room

	queue   chan *request
	waiting atomic.Int64  // bytes in the queue
	stop    chan struct{} // closed by Close
	done    chan struct{} // closed when the committer has ended
	failed  chan struct{} // closed when a commit did not succeed
	failure error         // why; written before failed is closed
	closing sync.Once

	notes noteQueue

	// Owned by the committer.
	sequence       uint64 // commits that this file has seen
	nextDead       uint64
	hour           uint32 // which hour of the ledger's own counting it is
	hourFrom       time.Time
	maintainedHour uint32 // the hour in which expired slots were looked for

	indexMu  sync.RWMutex // guards the slots' indexes against readers outside of the committer
	scanning sync.Mutex   // held by the one that looks through the rows

	mu      sync.Mutex // guards slots, backlog and letters
	slots   []*slot    // oldest first; the last one takes the rows
	backlog backlog
	letters map[uint64]position // dead letters that were redriven, while the slot of the redrive is there

	count counters
}

// Open opens the ledger at o.Path, or makes it when there is none. It reads every row first; a file that is not exactly what
// was acknowledged is refused with one of the errors above. The caller closes it.
func Open(o Options) (*Ledger, error) {
	o = o.withDefaults()
	l := &Ledger{
		opt: o, now: o.Now, seed: maphash.MakeSeed(), letters: make(map[uint64]position),
		queue: make(chan *request, o.Queue), stop: make(chan struct{}), done: make(chan struct{}), failed: make(chan struct{}),
	}
	l.notes.wake = make(chan struct{}, 1)
	l.backlog.init()
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", o.Path, errors.Join(err, l.release()))
	}
	go l.commitLoop()
	return l, nil
}

func (l *Ledger) open() error {
	id, err := lockIdentity(l.opt.Path)
	if err != nil {
		return err
	}
	l.id = id
	fresh, err := l.id.isNew(l.opt.Path)
	if err != nil {
		return err
	}
	if fresh {
		err = l.create()
	} else {
		err = l.load()
	}
	if err != nil {
		return err
	}
	if err := l.beginEpoch(); err != nil {
		return err
	}
	return l.id.write(stateOpen, l.sequence)
}

// release gives back what a ledger holds outside of its memory.
func (l *Ledger) release() error {
	var errs []error
	if l.space.file != nil {
		errs = append(errs, l.space.file.Close())
	}
	if l.db != nil {
		errs = append(errs, l.db.Close())
	}
	if l.id != nil {
		errs = append(errs, l.id.close())
	}
	return errors.Join(errs...)
}

// Close commits what is queued, and closes the file. Calls that come later get ErrClosed.
func (l *Ledger) Close() error {
	err := ErrClosed
	l.closing.Do(func() {
		close(l.stop)
		<-l.done
		err = nil
		if l.failureError() == nil {
			err = l.id.write(stateClosed, l.sequence)
		}
		err = errors.Join(err, l.release())
	})
	return err
}

// LowSpace returns what Open found wrong with the room for an existing ledger, ErrSpace as a rule, or nil: it works, and refuses
// deliveries until there is more.
func (l *Ledger) LowSpace() error { return l.lowSpace }

// Broken returns why the ledger has stopped, or nil.
func (l *Ledger) Broken() error { return l.failureError() }

func (l *Ledger) failureError() error {
	select {
	case <-l.failed:
		return l.failure
	default:
		return nil
	}
}

// fail stops the ledger for good. Only the first reason counts.
func (l *Ledger) fail(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failureError() == nil {
		l.failure = fmt.Errorf("%w: %w", ErrBroken, cause)
		close(l.failed)
	}
}

// submit hands an operation to the committer and waits until it is durable. With wait it waits for a place in the queue;
// without, a full queue is ErrFull at once.
func (l *Ledger) submit(ctx context.Context, op operation, wait bool) error {
	if err := l.failureError(); err != nil {
		return err
	}
	r := &request{op: op, done: make(chan struct{})}
	if err := l.enqueue(ctx, r, wait); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err() // it may still be committed; the caller's key tells it the next time
	case <-l.done:
	}
	select { // the committer may have answered before it ended
	case <-r.done:
		return r.err
	default:
		return ErrClosed
	}
}

func (l *Ledger) enqueue(ctx context.Context, r *request, wait bool) error {
	select {
	case <-l.stop:
		return ErrClosed
	default:
	}
	size, _ := r.op.size()
	if !wait && l.waiting.Load() > int64(l.opt.QueueSize-size) {
		l.count.full.Add(1)
		return ErrFull
	}
	l.waiting.Add(int64(size))
	select {
	case l.queue <- r:
		return nil
	default:
	}
	err := ErrFull
	if wait {
		select {
		case l.queue <- r:
			return nil
		case <-ctx.Done():
			err = ctx.Err()
		case <-l.done:
			err = ErrClosed
		}
	} else {
		l.count.full.Add(1)
	}
	l.waiting.Add(-int64(size))
	return err
}

// counters are what the ledger counts of itself; Stats copies them.
type counters struct {
	commits, accepted, duplicates, noted, dropped, full, refused atomic.Uint64
	expired, buried, trimmed                                     atomic.Uint64
	batches                                                      [len(Stats{}.Batches)]atomic.Uint64
	commitTime                                                   atomic.Int64
	fileSize, fileUsed, dead, deadBytes                          atomic.Int64
}
