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

// burst is how many fetches unknown keys may ask for at once; then one for each Options.Rest. An issuer that replaces its
// keys a moment after somebody has asked in vain is not kept waiting for.
const burst = 3

// refresher has the keys of one source, and fetches them again and again. The keys that it has stay until it has others: an
// issuer that is down, or answers nonsense, has its tokens accepted as before.
type refresher struct {
	r      *Keyring
	source source
	stop   context.CancelFunc
	ready  chan struct{} // closed when the first keys are here
	wake   chan struct{} // has room for one: a fetch that was asked for and has not begun
	stats  refresherStats

	keys    atomic.Pointer[keys] // nil before the first
	fetched atomic.Int64         // when they were last seen at the issuer, in Unix time

	mu            sync.Mutex // guards what follows
	pending       bool       // what the issuer has now is not known: a fetch was asked for, or the last one failed
	failing       error      // why the last one failed; nil when it did not
	requestsSpent int64      // until when the fetches that were asked for are used up, in Unix time: Options.Rest for each
}

// start makes the keeper of a source. The caller holds mu.
func (r *Keyring) start(at source) *refresher {
	k := &refresher{r: r, source: at, stop: func() {}, ready: make(chan struct{}), wake: make(chan struct{}, 1)}
	if at.set != "" {
		if set, err := parseKeys([]byte(at.set)); err == nil { // Problems has told
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
func (k *refresher) store(set *keys, when time.Time) {
	if !set.hasSameKeys(k.keys.Load()) {
		k.keys.Store(set)
	}
	k.fetched.Store(when.Unix())
}

// run fetches until the context ends.
func (k *refresher) run(ctx context.Context) {
	o, retry := &k.r.o, k.r.o.Retry
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		case <-k.wake:
		}
		if err := k.refresh(ctx); err != nil && ctx.Err() == nil {
			next.Reset(retry)
			retry = min(2*retry, maxRetry, o.Refresh)
			continue
		}
		retry = o.Retry
		next.Reset(o.Refresh + rand.N(o.Refresh/10+1)) // or all that were started together would ask together
	}
}

// refresh fetches once.
func (k *refresher) refresh(ctx context.Context) error {
	text, set, err := k.r.fetch(ctx, k.source)
	k.stats.fetches.Add(1)
	if err != nil {
		k.markFailed(ctx, err)
		return err
	}
	now, had := k.r.o.Now(), k.keys.Load()
	k.store(set, now)
	k.markFresh()
	if had == nil {
		close(k.ready) // who asks for another one from now on has it fetched
	}
	if had != k.keys.Load() {
		k.r.o.Log.Info("an issuer's keys are here", "issuer", k.source.issuer, "keys", len(set.list), "replaced", had != nil)
	}
	if err := k.r.saveKeys(k.source, text, now); err != nil {
		k.r.o.Log.Error("an issuer's keys could not be kept for a restart", "issuer", k.source.issuer, "error", err)
	}
	return nil
}

// markFresh notes that the keys are what the issuer has, but for what was asked for meanwhile.
func (k *refresher) markFresh() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending, k.failing = len(k.wake) > 0, nil
}

func (k *refresher) markFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	k.stats.failures.Add(1)
	k.mu.Lock()
	told := k.failing != nil
	k.pending, k.failing = true, err
	k.mu.Unlock()
	if !told {
		k.r.o.Log.Error("an issuer's keys cannot be fetched; those that are here stay", "issuer", k.source.issuer, "error", err)
	}
}

// requestFetch has the keys fetched, unless they were so again and again a moment ago. It reports whether other keys may be here soon.
func (k *refresher) requestFetch(now int64) bool {
	if k.source.set != "" {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	rest := int64(k.r.o.Rest / time.Second)
	if k.pending || max(k.requestsSpent, now) > now+(burst-1)*rest {
		return k.pending
	}
	k.requestsSpent, k.pending = max(k.requestsSpent, now)+rest, true
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return true
}
