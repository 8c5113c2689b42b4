package dispatch_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// TestPoisonSteps: a destination fails at the first events in line only. These must not delay the
// others until each of them has been the probe.
func TestPoisonSteps(t *testing.T) {
	const poison, good = 40, 200
	var mu sync.Mutex
	bad := make(map[string]bool)
	before := 0 // how many of them came before the first good one
	fine := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(string(body), "poison") {
			bad[r.Header.Get("Idempotency-Key")] = true
			w.WriteHeader(500)
			return
		}
		if fine++; fine == 1 {
			before = len(bad)
		}
	}))
	t.Cleanup(server.Close)
	f := newFixture(t, sendEachTo("a"), dispatch.Options{})
	f.acceptEvents("poison", poison)
	f.acceptEvents("x", good)
	f.Use([]destination.Spec{{Name: "a", Kind: destination.HTTP, URL: server.URL, AllowPrivate: loopback, Timeout: 2 * time.Minute, Concurrency: 1,
		Retry: destination.Retry{First: time.Minute, Max: time.Hour}, Breaker: destination.Breaker{Failures: 3, Rest: 20 * time.Millisecond}}})
	f.waitFor("the good ones are there", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return fine == good
	})
	if before >= poison {
		t.Errorf("all %d came first", before)
	}
}
