// Package issuer is for knowing that an access token was given by its issuer, for this hook and not for another. It is the
// only package that knows go-jose.
//
// Okta's OAuth 2.0 hooks bring a token that an authorization server has signed (hooks.md section 2). The keys to check it by
// are fetched in the background, from the moment a Set names the issuer; a call never waits for them. A token that was found
// good is remembered with the keys it was checked by, so that the many calls that bring the same one cost a comparison.
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
)

// Options are what a Ring is made with.
type Options struct {
	Log      *slog.Logger          // nil: slog.Default()
	Registry prometheus.Registerer // where the metrics are registered; nil: nowhere
	Dir      string                // where the last good keys are kept over a restart; empty: nowhere
	Version  string                // of the program, for User-Agent

	Refresh time.Duration    // how often keys are fetched anew; default 10 min
	Retry   time.Duration    // after a fetch that failed, doubled up to Refresh; default 1 s
	Rest    time.Duration    // between two fetches that unknown keys ask for, beyond a burst of three; default 30 s
	Wait    time.Duration    // for the first keys of an issuer, at most, before its Set is served; default 3 s
	Now     func() time.Time // what tokens are held against; nil: time.Now
}

// Keyring has the keys of every issuer that is named by the Set that is live, or is about to be. It is safe for concurrent use.
type Keyring struct {
	o      Options
	client *http.Client
	wait   sync.WaitGroup // the keepers' goroutines

	live atomic.Pointer[refresherOf]

	mu         sync.Mutex                // guards what follows, and orders Use and Close
	recent     []map[*rules.OAuth]string // what the last two Sets ask for
	refreshers map[source]*refresher
	closed     bool
}

// refresherOf finds the keeper of what a Set asks for.
type refresherOf map[*rules.OAuth]*refresher

// source is where keys come from. Sets that name the same one share its keeper.
type source struct{ issuer, url, set string }

// New makes a Ring without keys. The caller closes it.
func New(o Options) (*Keyring, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Refresh, o.Retry = cmp.Or(o.Refresh, 10*time.Minute), cmp.Or(o.Retry, time.Second)
	o.Rest, o.Wait = cmp.Or(o.Rest, 30*time.Second), cmp.Or(o.Wait, 3*time.Second)
	r := &Keyring{o: o, client: newClient(), refreshers: make(map[source]*refresher)}
	r.live.Store(&refresherOf{})
	if o.Registry == nil {
		return r, nil
	}
	return r, o.Registry.Register(collector{r})
}

// Use makes a Set's issuers ready. It is called before the Set goes live, and waits, Options.Wait at most, for the first keys
// of issuers that are new. The issuers of the Set before stay, for calls under way.
func (r *Keyring) Use(s *rules.Set) {
	fresh := r.adopt(s)
	deadline := time.NewTimer(r.o.Wait)
	defer deadline.Stop()
	for _, k := range fresh {
		select {
		case <-k.ready:
		case <-deadline.C:
			deadline.Reset(0) // for those that follow
		}
		if k.keys.Load() == nil {
			r.o.Log.Warn("an issuer's keys are not here yet: calls with its tokens are answered 503", "issuer", k.source.issuer)
		}
	}
}

// adopt starts the keepers that a Set needs and stops those that nobody does. It returns those that were started.
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
	for at, k := range r.refreshers {
		if needed[at] == nil {
			k.stop()
		}
	}
	r.refreshers = needed
	r.live.Store(&found)
	return fresh
}

// acceptedTokens is what the hooks of a Set accept, each with its hook's name.
func acceptedTokens(s *rules.Set) map[*rules.OAuth]string {
	all := make(map[*rules.OAuth]string)
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

// Problems is what is wrong with the keys that a policy itself brings: nil when they can be used. A Set that has any is not to
// be put live.
func Problems(s *rules.Set) (problems rules.Problems) {
	for o, hook := range acceptedTokens(s) {
		if o.KeySet == "" {
			continue
		}
		if _, err := parseKeys([]byte(o.KeySet)); err != nil {
			problems = append(problems, rules.Problem{Message: "hook " + hook + ": keys of " + o.Issuer + ": " + err.Error()})
		}
	}
	slices.SortFunc(problems, func(a, b rules.Problem) int { return cmp.Compare(a.Message, b.Message) })
	return problems
}

// Close ends the fetching, and waits for it. Tokens are checked as before, by the keys that are there.
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
