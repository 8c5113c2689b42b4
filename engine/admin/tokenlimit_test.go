package admin_test

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWrongTokens: wrong tokens are reported, counted and logged, and guesses are slowed down
// without locking out the valid token.
func TestWrongTokens(t *testing.T) {
	f := newFixture(t)
	wrong, right := "Bearer wrong", "Bearer "+tokens.Read
	if status, text, _ := f.request("GET", "/v1/status", wrong); status != 401 || !strings.Contains(text, "wrong token") {
		t.Errorf("wrong token: %d %q", status, text)
	}
	if status, text, _ := f.request("GET", "/v1/status", ""); status != 401 || !strings.Contains(text, "needs a token") {
		t.Errorf("no token: %d %q", status, text)
	}
	for range 9 {
		f.request("GET", "/v1/status", wrong)
	}
	began := time.Now()
	if status, _, _ := f.request("GET", "/v1/status", right); status != 200 || time.Since(began) > 900*time.Millisecond {
		t.Errorf("the valid token: %d after %v", status, time.Since(began))
	}
	began = time.Now()
	if status, _, _ := f.request("GET", "/v1/status", wrong); status != 401 || time.Since(began) < 900*time.Millisecond {
		t.Errorf("guess 11: %d after %v, want a delay", status, time.Since(began))
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := make(map[int]int)
	for range 20 {
		all.Go(func() {
			status, _, h := f.request("GET", "/v1/status", wrong)
			mu.Lock()
			defer mu.Unlock()
			if statuses[status]++; status == 429 && h.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		})
	}
	all.Wait()
	if statuses[401]+statuses[429] != 20 || statuses[429] == 0 {
		t.Errorf("20 concurrent guesses: %v, want some 429", statuses)
	}
	if _, text, _ := f.request("GET", "/metrics", ""); !strings.Contains(text, `tenterhook_admin_unauthorized_total{reason="missing"} 1`) ||
		strings.Contains(text, `tenterhook_admin_unauthorized_total{reason="wrong"} 0`) {
		t.Errorf("metrics: %s", text)
	}
	if n := strings.Count(f.log.String(), "has a wrong token"); n != 1 {
		t.Errorf("%d lines in the log, want 1 a minute:\n%s", n, f.log)
	}
}
