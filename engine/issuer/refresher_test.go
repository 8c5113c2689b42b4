package issuer_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
)

// TestRotation: a new key of the issuer is fetched once and then known. A missing key is not
// fetched again and again.
func TestRotation(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	clock := atomic.Int64{}
	clock.Store(now.Unix())
	o := slow
	o.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
	r := newKeyring(t, o)
	s := mustLoad(t, nil, as.oauth())
	r.Use(s)
	waitFor(t, "a rest", func() bool { return check(r, acceptedToken(s, 0), as.token("none")) == issuer.UnknownKey })
	clock.Add(31)
	as.set(keySet(jwk("one", rsaKey(), nil), jwk("two", rsaKey(), nil)), nil)
	if v := check(r, acceptedToken(s, 0), as.token("two")); v != issuer.AwaitedKey {
		t.Errorf("got %v for a key that is new", v)
	}
	waitFor(t, "the new key", func() bool { return check(r, acceptedToken(s, 0), as.token("two")) == issuer.Accepted })
	before := as.asked.Load()
	for range 1000 {
		if v := check(r, acceptedToken(s, 0), as.token("three")); v == issuer.Accepted {
			t.Fatal("accepted")
		}
	}
	if n := as.asked.Load() - before; n > 1 {
		t.Errorf("asked %d times", n)
	}
	waitFor(t, "known not to be there", func() bool { return check(r, acceptedToken(s, 0), as.token("three")) == issuer.UnknownKey })
}

// TestReplacedAfterAFetch: the issuer replaces its keys after a fetch for an unknown key. A second
// fetch gets them although no time has passed; unknown keys allow three fetches.
func TestReplacedAfterAFetch(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	r := newKeyring(t, slow)
	s := mustLoad(t, nil, as.oauth())
	r.Use(s)
	before := as.asked.Load()
	if v := check(r, acceptedToken(s, 0), as.token("two")); v != issuer.AwaitedKey || v.String() != "awaited_key" {
		t.Errorf("got %v for a key that may be there", v)
	}
	waitFor(t, "a fetch in vain", func() bool { return as.asked.Load() == before+1 })
	as.set(keySet(jwk("two", rsaKey(), nil)), nil)
	waitFor(t, "the new key", func() bool { return check(r, acceptedToken(s, 0), as.token("two")) == issuer.Accepted })
	waitFor(t, "known not to be there", func() bool { return check(r, acceptedToken(s, 0), as.token("one")) == issuer.UnknownKey })
	if n := as.asked.Load() - before; n != 3 {
		t.Errorf("asked %d times", n)
	}
}

// TestWithdrawn: a withdrawn key verifies no token any more, not even one that was accepted before.
func TestWithdrawn(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil), jwk("two", otherKey(), nil)))
	r := newKeyring(t, quick)
	s := mustLoad(t, nil, as.oauth())
	r.Use(s)
	token := as.token("one")
	if v := check(r, acceptedToken(s, 0), token); v != issuer.Accepted {
		t.Fatal(v)
	}
	as.set(keySet(jwk("two", otherKey(), nil)), nil)
	waitFor(t, "refused", func() bool { return check(r, acceptedToken(s, 0), token) == issuer.UnknownKey })
}

// TestReplacedUnderItsName: the same kid, another key.
func TestReplacedUnderItsName(t *testing.T) {
	as := newServer(t, keySet(jwk("one", otherKey(), nil)))
	r := newKeyring(t, slow)
	s := mustLoad(t, nil, as.oauth())
	r.Use(s)
	as.set(keySet(jwk("one", rsaKey(), nil)), nil)
	if v := check(r, acceptedToken(s, 0), as.token("one")); v != issuer.Signature {
		t.Errorf("got %v", v)
	}
	waitFor(t, "accepted", func() bool { return check(r, acceptedToken(s, 0), as.token("one")) == issuer.Accepted })
}

func TestKeysOfOneName(t *testing.T) {
	as := newServer(t, keySet(jwk("one", otherKey(), nil), jwk("one", rsaKey(), nil)))
	r := newKeyring(t, slow)
	s := mustLoad(t, nil, as.oauth())
	r.Use(s)
	if v := check(r, acceptedToken(s, 0), as.token("one")); v != issuer.Accepted {
		t.Errorf("got %v", v)
	}
}

// TestSavedKeys: keys outlive the program, for a while.
func TestSavedKeys(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	dir := filepath.Join(t.TempDir(), "issuers")
	o := slow
	o.Dir = dir
	s := mustLoad(t, nil, as.oauth())
	first := newKeyring(t, o)
	first.Use(s)
	var files []os.DirEntry
	waitFor(t, "saved keys", func() bool {
		files, _ = os.ReadDir(dir)
		return len(files) == 1 && strings.HasSuffix(files[0].Name(), ".keys")
	})
	first.Close()
	as.Close()
	path := filepath.Join(dir, files[0].Name())
	tests := []struct {
		name   string
		change func(t *testing.T)
		want   issuer.Verdict
	}{
		{"AsItWas", func(*testing.T) {}, issuer.Accepted},
		{"Old", func(t *testing.T) { old := now.Add(-8 * 24 * time.Hour); ok(os.Chtimes(path, old, old)) }, issuer.NoKeys},
		{"OfAnotherSource", func(t *testing.T) { rewrite(t, path, as.URL, "http://127.0.0.1:9") }, issuer.NoKeys},
		{"Broken", func(t *testing.T) { rewrite(t, path, `"kty":"RSA"`, `"kty":"RS`) }, issuer.NoKeys},
		{"Empty", func(t *testing.T) { ok(os.WriteFile(path, nil, 0o600)) }, issuer.NoKeys},
	}
	whole := must(os.ReadFile(path))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ok(os.WriteFile(path, whole, 0o600))
			ok(os.Chtimes(path, now, now))
			tt.change(t)
			o := o
			o.Wait = time.Millisecond
			r := newKeyring(t, o)
			r.Use(s)
			if got := check(r, acceptedToken(s, 0), as.token("one")); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func ok(err error) {
	if err != nil {
		panic(err)
	}
}

func rewrite(t *testing.T, path, old, new string) {
	t.Helper()
	text := strings.Replace(string(must(os.ReadFile(path))), old, new, 1)
	ok(os.WriteFile(path, []byte(text), 0o600))
	ok(os.Chtimes(path, now, now))
}

// TestSets: a Set's issuers are present before it is live, beside those of the previous Set, which
// are dropped later.
func TestSets(t *testing.T) {
	a, b := newServer(t, keySet(jwk("one", rsaKey(), nil))), newServer(t, keySet(jwk("one", rsaKey(), nil)))
	r := newKeyring(t, quick)
	one, two, three := mustLoad(t, nil, a.oauth()), mustLoad(t, nil, b.oauth(), a.oauth()), mustLoad(t, nil, b.oauth())
	r.Use(one)
	r.Use(two)
	for _, c := range []struct {
		o  *credential.OAuth
		as *server
	}{{acceptedToken(one, 0), a}, {acceptedToken(two, 0), b}, {acceptedToken(two, 1), a}} {
		if v := check(r, c.o, c.as.token("one")); v != issuer.Accepted {
			t.Errorf("got %v", v)
		}
	}
	r.Use(three)
	if v := check(r, acceptedToken(one, 0), a.token("one")); v != issuer.NoKeys {
		t.Errorf("got %v for a Set that is gone", v)
	}
	r.Use(three)
	n := a.asked.Load()
	time.Sleep(100 * time.Millisecond)
	if m := a.asked.Load() - n; m > 1 { // one may have been under way
		t.Errorf("%d fetches of keys that no Set names", m)
	}
}

func TestMetrics(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	registry := prometheus.NewRegistry()
	var log lines
	o := slow
	o.Registry, o.Log = registry, slog.New(slog.NewTextHandler(&log, nil))
	r := newKeyring(t, o)
	s := mustLoad(t, map[string]string{"keys.json": keySet(jwk("one", rsaKey(), nil))}, as.oauth(), "{"+common+"}")
	r.Use(s)
	token := as.token("one")
	r.Note(acceptedToken(s, 0), check(r, acceptedToken(s, 0), token), "h0")
	for range 3 {
		r.Note(acceptedToken(s, 0), check(r, acceptedToken(s, 0), as.token("none")+"x"), "h0")
	}
	want := fmt.Sprintf(`
# HELP tenterhook_issuer_keys Usable keys of an issuer.
# TYPE tenterhook_issuer_keys gauge
tenterhook_issuer_keys{issuer="%[1]s/as"} 1
tenterhook_issuer_keys{issuer="https://acme.okta.com/oauth2/default"} 1
# HELP tenterhook_issuer_keys_age_seconds Time since the last successful fetch of an issuer's keys.
# TYPE tenterhook_issuer_keys_age_seconds gauge
tenterhook_issuer_keys_age_seconds{issuer="%[1]s/as"} 0
# HELP tenterhook_issuer_fetches_total Fetches of an issuer's keys, including failed ones.
# TYPE tenterhook_issuer_fetches_total counter
tenterhook_issuer_fetches_total{issuer="%[1]s/as"} 1
# HELP tenterhook_issuer_fetch_failures_total Failed fetches of an issuer's keys.
# TYPE tenterhook_issuer_fetch_failures_total counter
tenterhook_issuer_fetch_failures_total{issuer="%[1]s/as"} 0
`, as.URL)
	err := testutil.GatherAndCompare(registry, strings.NewReader(want), "tenterhook_issuer_keys", "tenterhook_issuer_keys_age_seconds",
		"tenterhook_issuer_fetches_total", "tenterhook_issuer_fetch_failures_total")
	if err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "a token was rejected"); n < 1 || n > 2 { // a minute may have ended
		t.Errorf("%d lines about refused tokens:\n%s", n, log.String())
	}
	status := r.Status()
	if len(status) != 2 || status[0].Issuer != as.URL+"/as" || status[0].Keys != 1 || !status[0].Seen.Equal(now) || status[0].Error != "" ||
		status[1].Issuer != at || status[1].Keys != 1 || !status[1].Seen.IsZero() {
		t.Errorf("status: %+v", status)
	}
	if text := log.String(); strings.Contains(text, token[30:60]) || !strings.Contains(text, "reason=malformed") {
		t.Errorf("logged %s", text)
	}
}

// TestConcurrentUse checks tokens while keys and Sets change. A token is rejected only if its key
// was absent.
func TestConcurrentUse(t *testing.T) {
	as := newServer(t, "")
	sets := []string{keySet(jwk("one", rsaKey(), nil)), keySet(jwk("one", rsaKey(), nil), jwk("two", rsaKey(), nil))}
	as.set(sets[0], nil)
	r := newKeyring(t, issuer.Options{Refresh: time.Millisecond, Retry: time.Millisecond, Wait: time.Minute, Dir: t.TempDir()})
	one, two := mustLoad(t, nil, as.oauth()), mustLoad(t, nil, as.oauth())
	r.Use(one)
	r.Use(two)
	tokens := []string{as.token("one"), as.token("two"), sign(otherKey(), nil, claims(object{"iss": as.URL + "/as"})), as.token("one") + "x"}
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				which := n % len(tokens)
				switch v := check(r, acceptedToken([]*rules.Set{one, two}[n%2], 0), tokens[which]); {
				case which == 0 && v != issuer.Accepted, which == 1 && v != issuer.Accepted && v != issuer.UnknownKey && v != issuer.AwaitedKey, which > 1 && v == issuer.Accepted:
					t.Errorf("token %d: %v", which, v)
					return
				}
			}
		})
	}
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for i := range rounds {
		as.set(sets[i%2], nil)
		if i%10 == 0 {
			r.Use([]*rules.Set{one, two}[i/10%2])
		}
		time.Sleep(2 * time.Millisecond)
	}
	close(stop)
	wait.Wait()
}

// TestMetricsEnd: the series of an issuer end when the last two Sets do not name it.
func TestMetricsEnd(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	registry := prometheus.NewRegistry()
	o := slow
	o.Registry = registry
	r := newKeyring(t, o)
	count := func() (n int) {
		for _, name := range []string{"tenterhook_tokens_total", "tenterhook_issuer_fetches_total", "tenterhook_issuer_fetch_failures_total"} {
			series, err := testutil.GatherAndCount(registry, name)
			if err != nil {
				t.Fatal(err)
			}
			n += series
		}
		return n
	}
	r.Use(mustLoad(t, nil, as.oauth()))
	if count() == 0 {
		t.Error("an issuer of the live Set has no series")
	}
	other := mustLoad(t, map[string]string{"keys.json": keySet(jwk("one", rsaKey(), nil))}, "{"+common+"}")
	r.Use(other)
	both := count()
	r.Use(other)
	if rest := count(); rest == 0 || rest >= both {
		t.Errorf("%d series after the issuer was removed, %d before", rest, both)
	}
}
