package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// testReloadUnderLoad reloads the policy during calls. No call is lost, and no answer mixes two
// Sets: each of the policy's two files has a version, and every answer contains both.
func testReloadUnderLoad(t *testing.T, bin string) {
	const calls, reloads = 20_000, 50
	home := t.TempDir()
	dir := filepath.Join(home, "current")
	version := func(n int) { // the folder is a link to a release, so that a change is atomic
		release := filepath.Join(home, fmt.Sprintf("v%d", n))
		if err := os.Mkdir(release, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(release, "vars.yaml"), fmt.Sprintf("tenterhook: 1\nvars: {v: %d}\n", n))
		writeFile(t, filepath.Join(release, "hooks.yaml"), fmt.Sprintf("tenterhook: 1\nhooks: [{name: a, type: token, auth: none, "+
			"rules: [{name: r, debug: {v: \"${vars.v}\", h: %d, id: \"${eventId}\"}}]}]\n", n))
		replaceLink(t, release, dir)
	}
	version(0)
	p := startServer(t, bin, dir)
	l := &loadGenerator{p: p, total: int64(calls)}
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(l.run)
	}
	live := 0.0
	for n := 1; n <= reloads; n++ {
		swaps := p.metric("set_swaps_total")
		version(n)
		p.waitUntil("reloaded", func() bool { return p.metric("set_swaps_total") > swaps })
		live = p.metric("set_swaps_total")
	}
	l.reloaded.Store(true)
	workers.Wait()
	late := p.metric("calls_total", `outcome="late"`)
	p.stop(0)
	if n := float64(l.late.Load()); n != late {
		t.Errorf("%v failure answers, and %v calls were late", n, late)
	}
	if lost := l.lost.Load(); lost != 0 || l.sent.Load() < l.total {
		t.Errorf("%d of %d calls lost; the first: %v", lost, l.sent.Load(), l.first.Load())
	}
	t.Logf("%d calls, %d lost, over %v Sets", l.sent.Load(), l.lost.Load(), live)
}

// replaceLink changes the target of a link atomically.
func replaceLink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".new", link); err != nil {
		t.Fatal(err)
	}
}

// loadGenerator sends calls with different eventIds until there were enough calls and reloads.
type loadGenerator struct {
	p          *process
	total      int64
	sent, lost atomic.Int64
	late       atomic.Int64 // got the failure answer, because the machine was too slow
	reloaded   atomic.Bool
	first      atomic.Value // error of the first lost call
}

func (l *loadGenerator) run() {
	for {
		n := l.sent.Add(1)
		if n > l.total && l.reloaded.Load() {
			l.sent.Add(-1)
			return
		}
		if err := l.sendOne(fmt.Sprintf("e%d", n)); err != nil {
			l.lost.Add(1)
			l.first.CompareAndSwap(nil, err.Error())
		}
	}
}

func (l *loadGenerator) sendOne(id string) error {
	status, answer, err := l.p.post("/hooks/a", sampleCall(hook.Token, id))
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("%d %w", status, err)
	}
	if answer == "{}" {
		l.late.Add(1)
		return nil
	}
	var got struct {
		DebugContext struct {
			V, H int
			ID   string
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		return err
	}
	if got.DebugContext.ID != id || got.DebugContext.V != got.DebugContext.H {
		return fmt.Errorf("answered %s", answer)
	}
	return nil
}

// sendHalf sends the first half of a call on a new connection, and returns the second half.
func sendHalf(t *testing.T, p *process) (c net.Conn, in *bufio.Reader, rest []byte) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.hooks, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	body := sampleCall(hook.Token, "slow")
	head := fmt.Sprintf("POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	in = bufio.NewReader(c)
	if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	in.ReadString('\n')
	if _, err := c.Write(body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	return c, in, body[len(body)/2:]
}

// testDrain: a call in progress at SIGTERM is answered, and the program exits with 0.
func testDrain(t *testing.T, bin string) {
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": policyVersion(1)}))
	c, in, rest := sendHalf(t, p)
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.waitUntil("ending", func() bool { return strings.Contains(p.errs.String(), "shutting down") })
	p.waitClosed()
	if _, err := c.Write(rest); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("the call in progress was not answered: %v\n%s", err, p.errs)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
	p.waitUntil("ended", p.hasEnded)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.errs)
	}
}

// testSecondSignal: a second SIGTERM does not wait for calls in progress.
func testSecondSignal(t *testing.T, bin string) {
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": policyVersion(1)}), "--drain", "1h")
	sendHalf(t, p)
	start := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.waitUntil("ending", func() bool { return strings.Contains(p.errs.String(), "shutting down") })
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.waitUntil("ended", p.hasEnded)
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d after %v\n%s", code, time.Since(start), p.errs)
	}
}
