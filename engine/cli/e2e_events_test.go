package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// siem is an HTTP destination. It counts the deliveries of each event by idempotency key.
type siem struct {
	*httptest.Server
	down       atomic.Bool
	mu         sync.Mutex
	deliveries map[string]map[string]int // by uuid and key
}

func newSIEM(t *testing.T) *siem {
	s := &siem{deliveries: make(map[string]map[string]int)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(s.Close)
	return s
}

func (s *siem) receive(w http.ResponseWriter, r *http.Request) {
	var event struct{ UUID string }
	if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &event) != nil {
		return // the caller was killed
	}
	if s.down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deliveries[event.UUID] == nil {
		s.deliveries[event.UUID] = make(map[string]int)
	}
	s.deliveries[event.UUID][r.Header.Get("Idempotency-Key")]++
}

func (s *siem) eventCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.deliveries)
}

// eventFolder returns a policy folder whose event hook sends everything to each URL.
func eventFolder(t *testing.T, urls ...string) string {
	var text strings.Builder
	text.WriteString("tenterhook: 1\ndestinations:\n")
	var to []string
	for i, url := range urls {
		fmt.Fprintf(&text, "  d%d: {url: %q, allow_private: [127.0.0.0/8], timeout: 1m, "+
			"retry: {first: 50ms, max: 200ms, attempts: 1000}, breaker: {failures: 3, rest: 100ms}}\n", i, url)
		to = append(to, fmt.Sprintf("{to: d%d}", i))
	}
	fmt.Fprintf(&text, "hooks:\n  - {name: events, type: event, auth: none, rules: [{name: tell, send: [%s]}]}\n", strings.Join(to, ", "))
	return newFolder(t, map[string]string{"policy.yaml": text.String()})
}

// batch returns a delivery of events.
func batch(id string, events ...string) []byte {
	const head = `{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","eventId":%q,"data":{"events":[%s]}}`
	for i, e := range events {
		if !strings.HasPrefix(e, "{") && e != "null" {
			events[i] = fmt.Sprintf(`{"uuid":%q,"eventType":"user.session.start","published":"2026-01-01T00:00:00.000Z"}`, e)
		}
	}
	return fmt.Appendf(nil, head, id, strings.Join(events, ","))
}

func (p *process) isIdle() bool {
	return p.metric("ledger_events_unplanned") == 0 && p.metric("steps_open") == 0
}

// waitIdle waits as long as the backlog shrinks: after a thousand rounds that takes minutes.
func (p *process) waitIdle() {
	p.t.Helper()
	least := math.Inf(1)
	for end := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		open := p.metric("ledger_events_unplanned") + p.metric("steps_open")
		switch {
		case open == 0:
			return
		case open < least:
			least, end = open, time.Now().Add(time.Minute)
		case time.Now().After(end):
			p.t.Fatalf("%v events and steps are left, and the backlog has not shrunk for a minute\n%s\n%s", open, p.out, p.errs)
		}
	}
}

// testEvents has a destination that is down for a while and one that is up, repeated deliveries,
// and an invalid event among valid ones.
func testEvents(t *testing.T, bin string) {
	a, b := newSIEM(t), newSIEM(t)
	a.down.Store(true)
	p := startServer(t, bin, eventFolder(t, a.URL, b.URL), "--data="+t.TempDir())
	for i := range 100 {
		text := batch(fmt.Sprint("d", i), fmt.Sprint("u", 2*i), "null", fmt.Sprint("u", 2*i+1))
		for range 2 {
			if answer := p.mustPost("/hooks/events", text); answer != "" {
				t.Fatalf("answered %q", answer)
			}
		}
	}
	p.waitUntil("delivered where it can be", func() bool { return b.eventCount() == 200 })
	a.down.Store(false)
	p.waitUntil("delivered", func() bool { return a.eventCount() == 200 && p.isIdle() })
	for _, s := range []*siem{a, b} {
		for uuid, keys := range s.deliveries {
			for key, n := range keys {
				if len(keys) != 1 || n != 1 || len(key) != 32 {
					t.Fatalf("%s came as %v", uuid, keys)
				}
			}
		}
	}
	if n := p.metric("ledger_dead_letters"); n != 1 { // all nulls have the same id
		t.Errorf("%v dead letters", n)
	}
	response, err := p.client.Get(p.hooks + "/hooks/events")
	if err != nil || response.StatusCode != http.StatusBadRequest {
		t.Errorf("a GET without a challenge: %v %v", response, err)
	}
	response.Body.Close()
	p.stop(0)
}

// testReadOnly restarts the program over a data directory that has become read-only: inline hooks are served, event deliveries get
// 503, and the readiness endpoint says why.
func testReadOnly(t *testing.T, bin string) {
	data := t.TempDir()
	mount := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("mount", append(args, data)...).CombinedOutput(); err != nil {
			t.Skipf("mount: %s", out)
		}
	}
	mount("-t", "tmpfs", "-o", "size=256m,mode=700", "tmpfs")
	t.Cleanup(func() { _ = exec.Command("umount", "-l", data).Run() })
	dir := newFolder(t, map[string]string{"policy.yaml": `tenterhook: 1
hooks:
  - name: signup
    type: registration
    auth: none
    rules:
      - name: refuse
        when: data.userProfile.login == 'eve@example.com'
        deny: Sign-up is closed.
  - name: events
    type: event
    auth: none
    rules:
      - name: tell
        log: seen
`})
	startServer(t, bin, dir, "--data="+data).stop(0)
	mount("-o", "remount,ro")
	p := startServer(t, bin, dir, "--data="+data)
	call := `{"eventId":"1","eventType":"com.okta.user.pre-registration","eventTypeVersion":"1.0.0","cloudEventVersion":"0.1",` +
		`"data":{"context":{},"action":"ALLOW","userProfile":{"login":"eve@example.com"}}}`
	if answer := p.mustPost("/hooks/signup", []byte(call)); !strings.Contains(answer, "Sign-up is closed.") {
		t.Errorf("answer %q", answer)
	}
	if status, answer, err := p.post("/hooks/events", batch("d", "u")); status != http.StatusServiceUnavailable {
		t.Errorf("an event delivery: %d %q %v, want 503", status, answer, err)
	}
	if log := p.errs.String(); !strings.Contains(log, "the data directory is read-only") {
		t.Errorf("the log does not say why:\n%s", log)
	}
	response, err := p.client.Get(p.admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); !strings.Contains(string(text), "event deliveries get 503") {
		t.Errorf("ready: %q", text)
	}
	p.stop(0)
}

// testCrash kills the program at random moments while deliveries come in, and starts it again over
// the same data: whatever was answered 200 reaches its destination, and what reaches it twice does
// so under the same key. TENTERHOOK_CRASH_ROUNDS says how often.
func testCrash(t *testing.T, bin string) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("TENTERHOOK_CRASH_ROUNDS")); err == nil {
		rounds = n
	}
	s := newSIEM(t)
	dir, data := eventFolder(t, s.URL), t.TempDir()
	c := &caller{acked: make(map[string]bool)}
	for range rounds {
		p, before := startServer(t, bin, dir, "--data="+data), c.recordedCalls()
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() { c.call(p) })
		}
		p.waitUntil("delivered to", func() bool { return c.recordedCalls() > before })
		time.Sleep(time.Duration(30+rand.IntN(200)) * time.Millisecond)
		p.cmd.Process.Kill()
		<-p.done
		callers.Wait()
	}
	p := startServer(t, bin, dir, "--data="+data)
	c.again(p)
	p.waitIdle()
	p.stop(0)
	lost, repeated, keys := 0, 0, make(map[string]string)
	for uuid := range c.acked {
		if len(s.deliveries[uuid]) == 0 {
			lost++
		}
	}
	for uuid, under := range s.deliveries {
		if len(under) != 1 {
			t.Errorf("%s came under several keys: %v", uuid, under)
		}
		for key, n := range under {
			repeated += n - 1
			if other, ok := keys[key]; ok && other != uuid {
				t.Errorf("%s and %s came under the same key", uuid, other)
			}
			keys[key] = uuid
		}
	}
	t.Logf("%d rounds: %d events acknowledged, %d lost; %d came twice, under the same key", rounds, len(c.acked), lost, repeated)
	if lost > 0 || len(c.acked) == 0 {
		t.Errorf("%d of %d events were lost", lost, len(c.acked))
	}
	if most := 8 * rounds; repeated > most { // as many attempts are under way at one time
		t.Errorf("%d came twice, want at most the %d that were in flight", repeated, most)
	}
}

// caller delivers as Okta does, and remembers what it was told.
type caller struct {
	mu     sync.Mutex
	n      int
	acked  map[string]bool
	unsure []int // deliveries without an answer
}

// recordedCalls is how many events were acknowledged.
func (c *caller) recordedCalls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acked)
}

// call delivers until nobody answers.
func (c *caller) call(p *process) {
	for {
		c.mu.Lock()
		c.n++
		n := c.n
		c.mu.Unlock()
		if !c.deliver(p, n) {
			return
		}
	}
}

func (c *caller) deliver(p *process, n int) bool {
	first, second := fmt.Sprintf("u%d-0", n), fmt.Sprintf("u%d-1", n)
	status, _, err := p.post("/hooks/events", batch(fmt.Sprint("d", n), first, second))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || status != http.StatusOK {
		c.unsure = append(c.unsure, n)
		return false
	}
	c.acked[first], c.acked[second] = true, true
	return true
}

// again delivers what got no answer, as Okta's one retry does.
func (c *caller) again(p *process) {
	unsure := c.unsure
	c.unsure = nil
	for _, n := range unsure {
		c.deliver(p, n)
	}
}
