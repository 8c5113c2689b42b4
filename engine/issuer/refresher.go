package issuer

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// maxRetry is how long it takes at most until a fetch that failed is tried again.
const maxRetry = time.Minute

// burst is the number of immediate fetches for unknown keys; after it, one for each Options.Rest.
// It covers an issuer that replaces its keys just after a fetch for an unknown key.
const burst = 3

// refresher keeps the keys of one source fresh. Keys stay until there are newer ones: tokens of an
// issuer that is down or answers nonsense are accepted as before.
type refresher struct {
	r      *Keyring
	source source
	stop   context.CancelFunc
	ready  chan struct{} // closed when keys is set
	wake   chan struct{} // buffers one request for a fetch
	stats  refresherStats

	keys    atomic.Pointer[keys] // nil before the first
	fetched atomic.Int64         // Unix time of the last successful fetch

	mu            sync.Mutex // guards the fields below
	pending       bool       // the keys may be stale: a fetch was requested, or the last one failed
	failing       error      // error of the last fetch; nil after a success
	requestsSpent int64      // rate limit: each requested fetch moves this Unix time on by Options.Rest
}

// start starts the refresher of a source. The caller holds mu.
func (r *Keyring) start(at source) *refresher {
	k := &refresher{r: r, source: at, stop: func() {}, ready: make(chan struct{}), wake: make(chan struct{}, 1)}
	k.stats.init(&r.counters, at)
	if at.set != "" {
		if set, err := parseKeys([]byte(at.set)); err == nil { // Problems has reported it
			k.store(set, r.o.Now())
			close(k.ready)
		}
		return k
	}
	if set, when, err := r.loadKeys(at); err == nil {
		k.store(set, when)
		close(k.ready)
	}
	k.pending = true
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	r.wait.Go(func() { k.run(ctx) })
	return k
}

// store takes keys that were seen at a time.
func (f *refresher) store(set *keys, when time.Time) {
	if !set.hasSameKeys(f.keys.Load()) {
		f.keys.Store(set)
	}
	f.fetched.Store(when.Unix())
}

// run fetches until the context ends.
func (f *refresher) run(ctx context.Context) {
	o, retry := &f.r.o, f.r.o.Retry
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		case <-f.wake:
		}
		if err := f.refresh(ctx); err != nil && ctx.Err() == nil {
			next.Reset(retry)
			retry = min(2*retry, maxRetry, o.Refresh)
			continue
		}
		retry = o.Retry
		next.Reset(o.Refresh + rand.N(o.Refresh/10+1)) // jitter, because refreshers start together
	}
}

// refresh fetches once.
func (f *refresher) refresh(ctx context.Context) error {
	text, set, err := f.r.fetch(ctx, f.source)
	f.stats.fetches.Inc()
	if err != nil {
		f.markFailed(ctx, err)
		return err
	}
	now, had := f.r.o.Now(), f.keys.Load()
	f.store(set, now)
	f.markFresh()
	if had == nil {
		close(f.ready) // from now on, a request for an unknown key starts a fetch
	}
	if had != f.keys.Load() {
		f.r.o.Log.Info("fetched new keys of an issuer", "issuer", f.source.issuer, "keys", len(set.list), "replaced", had != nil)
	}
	if err := f.r.saveKeys(f.source, text, now); err != nil {
		f.r.o.Log.Error("the keys of an issuer could not be saved for a restart", "issuer", f.source.issuer, "error", err)
	}
	return nil
}

// markFresh records that the keys are current, unless another fetch was requested meanwhile.
func (f *refresher) markFresh() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending, f.failing = len(f.wake) > 0, nil
}

func (f *refresher) markFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	f.stats.failures.Inc()
	f.mu.Lock()
	logged := f.failing != nil
	f.pending, f.failing = true, err
	f.mu.Unlock()
	if !logged {
		f.r.o.Log.Error("the keys of an issuer cannot be fetched; the present ones stay in use", "issuer", f.source.issuer, "error", err)
	}
}

// requestFetch requests a fetch, unless the recent requests have used up the limit. It reports
// whether new keys may arrive soon.
func (f *refresher) requestFetch(now int64) bool {
	if f.source.set != "" {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	rest := int64(f.r.o.Rest / time.Second)
	if f.pending || max(f.requestsSpent, now) > now+(burst-1)*rest {
		return f.pending
	}
	f.requestsSpent, f.pending = max(f.requestsSpent, now)+rest, true
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return true
}
