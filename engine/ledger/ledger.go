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

// Errors of Open. Each is wrapped in a text with the remedy.
var (
	ErrLocked     = errors.New("another process has the ledger open")
	ErrDamaged    = pages.ErrDamaged
	ErrMissing    = errors.New("the ledger's file is missing or empty")
	ErrSwapped    = errors.New("the ledger's file is another ledger's")
	ErrRolledBack = errors.New("the ledger's file is older than what it has acknowledged")
)

// Options configures a ledger. Every field but Path has a default.
type Options struct {
	Path      string           // of the bbolt file; Path + ".id" is its identity and lock
	Now       func() time.Time // time.Now
	Queue     int              // maximum of waiting calls: 8192
	QueueSize int              // maximum of their bytes: 64 MB
	MaxSize   int64            // of the file, in bytes: 8 GB; new work beyond it is refused
	Step      int64            // bytes preallocated ahead of the rows: 64 MB
	DeadAge   time.Duration    // of dead letters, at most: 30 days
	DeadBytes int64            // of dead letters, at most: a quarter of MaxSize

	open   func(string, int, os.FileMode) (*os.File, error) // tests: opens the file for bbolt
	noSync bool                                             // tests: a control that loses data
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

// Ledger is an open ledger. It is safe for concurrent use. Close ends it and waits for its
// committer.
type Ledger struct {
	opt   Options
	now   func() time.Time
	dbMu  sync.RWMutex // guards db: the committer opens the file anew after a full disk
	db    *bolt.DB
	id    *identity
	seed  maphash.Seed
	space preallocator
	epoch uint32

	lowSpace error // why Open found too little space

	queue   chan *request
	waiting atomic.Int64  // bytes in the queue
	stop    chan struct{} // closed by Close
	done    chan struct{} // closed when the committer has ended
	failed  chan struct{} // closed after a failed commit
	failure error         // the cause; written before failed is closed
	closing sync.Once

	notes noteQueue

	// Owned by the committer.
	sequence       uint64 // number of the last commit
	nextDead       uint64
	hour           uint32 // by the count of the ledger, not by a clock
	hourFrom       time.Time
	maintainedHour uint32 // of the last maintenance

	indexMu  sync.RWMutex // guards the slots' indexes, which the committer changes
	scanning sync.Mutex   // held by a scan

	mu      sync.Mutex // guards slots, backlog and letters
	slots   []*slot    // oldest first; the last one takes the rows
	backlog backlog
	letters map[uint64]position // of redriven dead letters

	count counters
}

// Open opens the ledger at o.Path, or creates it. It reads every row first, and returns one of the
// errors above for a file that is not exactly as it was acknowledged. The caller closes the ledger.
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

// release closes the files of a ledger.
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

// Close commits the queue and closes the file. Later calls get ErrClosed.
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

// LowSpace returns why Open found too little disk space for an existing ledger, usually ErrSpace,
// or nil. The ledger works, and refuses new work until there is space.
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

// fail stops the ledger until it is opened again. Only the first reason counts.
func (l *Ledger) fail(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failureError() == nil {
		l.failure = fmt.Errorf("%w: %w", ErrBroken, cause)
		close(l.failed)
	}
}

// submit sends an operation to the committer and waits until it is durable. If the queue is full,
// it waits with wait, and returns ErrFull without.
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
		return ctx.Err() // it may still be committed: the next attempt is then a duplicate
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

// counters are the ledger's statistics; Stats copies them.
type counters struct {
	commits, accepted, duplicates, noted, dropped, full, refused atomic.Uint64
	expired, buried, trimmed                                     atomic.Uint64
	batches                                                      [len(Stats{}.Batches)]atomic.Uint64
	commitTime                                                   atomic.Int64
	fileSize, fileUsed, dead, deadBytes                          atomic.Int64
}
