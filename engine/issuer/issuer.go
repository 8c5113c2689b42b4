// Package issuer is for checking that an access token was issued by its issuer, and for this hook.
// It is the only package that uses go-jose.
//
// Okta's OAuth 2.0 hooks send a token signed by an authorization server (hooks.md section 2). Its
// keys are fetched in the background, from the moment a Set names the issuer; a call never waits
// for them. A verified token is cached with the keys that verified it, so that later calls with the
// same token cost one comparison.
package issuer

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/document"
)

// Options configures a Keyring.
type Options struct {
	Log      *slog.Logger          // nil: slog.Default()
	Registry prometheus.Registerer // where the metrics are registered; nil: nowhere
	Dir      string                // directory of the saved keys; empty: keys are not saved
	Version  string                // of the program, for User-Agent

	Refresh time.Duration    // interval of fetches; default 10 min
	Retry   time.Duration    // delay after a failed fetch, doubled up to Refresh; default 1 s
	Rest    time.Duration    // interval of fetches for unknown keys, after a burst of three; default 30 s
	Wait    time.Duration    // limit of the wait for the first keys of an issuer; default 3 s
	Now     func() time.Time // current time for checking tokens; nil: time.Now
}

// Keyring has the keys of every issuer named by the live Set or by the next one. It is safe for
// concurrent use.
type Keyring struct {
	o        Options
	client   *http.Client
	counters counters
	wait     sync.WaitGroup // for the refreshers' goroutines

	live atomic.Pointer[refresherOf]

	mu         sync.Mutex                     // guards the fields below, and orders Use and Close
	recent     []map[*credential.OAuth]string // accepted tokens of the last two Sets
	refreshers map[source]*refresher
	closed     bool
}

// refresherOf finds the refresher for a hook's accepted tokens.
type refresherOf map[*credential.OAuth]*refresher

// source identifies where keys come from. Sets with the same source share its refresher.
type source struct{ issuer, url, set string }

// New returns a Keyring without keys. The caller closes it.
func New(o Options) (*Keyring, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Refresh, o.Retry = cmp.Or(o.Refresh, 10*time.Minute), cmp.Or(o.Retry, time.Second)
	o.Rest, o.Wait = cmp.Or(o.Rest, 30*time.Second), cmp.Or(o.Wait, 3*time.Second)
	r := &Keyring{o: o, client: newClient(), counters: newCounters(), refreshers: make(map[source]*refresher)}
	r.live.Store(&refresherOf{})
	if o.Registry == nil {
		return r, nil
	}
	for _, c := range []prometheus.Collector{r.counters.tokens, r.counters.fetches, r.counters.failures, collector{r}} {
		if err := o.Registry.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Use prepares a Set's issuers before the Set goes live. It waits for the first keys of new
// issuers, at most Options.Wait. The previous Set's issuers stay, for calls in progress.
func (r *Keyring) Use(s *rules.Set) {
	fresh := r.adopt(s)
	deadline := time.NewTimer(r.o.Wait)
	defer deadline.Stop()
	for _, k := range fresh {
		select {
		case <-k.ready:
		case <-deadline.C:
			deadline.Reset(0) // do not wait for the others either
		}
		if k.keys.Load() == nil {
			r.o.Log.Warn("the keys of an issuer are not fetched yet: calls with its tokens get status 503", "issuer", k.source.issuer)
		}
	}
}

// adopt starts the refreshers that a Set needs, stops the unused ones and returns the started ones.
func (r *Keyring) adopt(s *rules.Set) (fresh []*refresher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.recent = append(slices.Clone(r.recent[max(0, len(r.recent)-1):]), acceptedTokens(s))
	found, needed := make(refresherOf), make(map[source]*refresher)
	for _, all := range r.recent {
		for o := range all {
			at := source{o.Issuer, o.KeysURL, o.KeySet}
			k := cmp.Or(needed[at], r.refreshers[at])
			if k == nil {
				k = r.start(at)
				fresh = append(fresh, k)
			}
			found[o], needed[at] = k, k
		}
	}
	r.stopUnused(needed)
	r.live.Store(&found)
	return fresh
}

// stopUnused stops the refreshers that are not needed. The caller holds mu.
func (r *Keyring) stopUnused(needed map[source]*refresher) {
	issuers := make(map[string]bool)
	for at := range needed {
		issuers[at.issuer] = true
	}
	for at, k := range r.refreshers {
		if needed[at] == nil {
			k.stop()
		}
		if !issuers[at.issuer] {
			r.counters.delete(at.issuer)
		}
	}
	r.refreshers = needed
}

// acceptedTokens returns the tokens that a Set's hooks accept, each with its hook's name.
func acceptedTokens(s *rules.Set) map[*credential.OAuth]string {
	all := make(map[*credential.OAuth]string)
	for _, h := range s.Hooks() {
		for _, c := range h.Auth {
			for _, l := range c.Lines {
				if l.OAuth != nil {
					all[l.OAuth] = h.Name
				}
			}
		}
	}
	return all
}

// Problems returns the problems of keys in the policy itself; nil if all can be used. A Set with
// problems must not go live.
func Problems(s *rules.Set) (problems document.Problems) {
	for o, hook := range acceptedTokens(s) {
		if o.KeySet == "" {
			continue
		}
		if _, err := parseKeys([]byte(o.KeySet)); err != nil {
			problems = append(problems, document.Problem{Message: "hook " + hook + ": keys of " + o.Issuer + ": " + err.Error()})
		}
	}
	slices.SortFunc(problems, func(a, b document.Problem) int { return cmp.Compare(a.Message, b.Message) })
	return problems
}

// Close stops fetching and waits for it. Tokens are still checked by the present keys.
func (r *Keyring) Close() {
	r.mu.Lock()
	r.closed = true
	for _, k := range r.refreshers {
		k.stop()
	}
	r.mu.Unlock()
	r.wait.Wait()
	r.client.CloseIdleConnections()
}

// sortedRefreshers lists the keepers, by issuer.
func (r *Keyring) sortedRefreshers() []*refresher {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.refreshers), func(a, b *refresher) int { return cmp.Compare(a.source.issuer, b.source.issuer) })
}
