package cli_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// testDrainDelay: after a signal /readyz fails at once, and calls are answered until the delay is
// over.
func testDrainDelay(t *testing.T, bin string) {
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": policyVersion(1)}), "--drain-delay", "1h")
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.waitUntil("unready", func() bool {
		response, err := p.client.Get(p.admin + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode == http.StatusServiceUnavailable
	})
	p.client.CloseIdleConnections() // the next call uses a new connection
	p.mustPost("/hooks/a", sampleCall(hook.Token, "late"))
	p.stop(1) // a second signal ends the delay
}

// testStuckLog: an unread log blocks its writer; two signals end the program anyway.
func testStuckLog(t *testing.T, bin string) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := new(output)
	cmd := exec.Command(bin, "serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", newFolder(t, map[string]string{"policy.yaml": policyVersion(1)}))
	cmd.Stdout, cmd.Stderr, cmd.Env = out, w, []string{"HOME=" + t.TempDir()}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, out: out, errs: new(output), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill() // ended already when all went well
		<-p.done
	})
	p.waitUntil("ready", func() bool { return p.hasEnded() || strings.HasSuffix(out.String(), "ready\n") })
	p.readAddresses()
	full := make(chan struct{})
	go func() {
		defer close(full)
		w.Write(make([]byte, 1<<20)) // more than the capacity of a pipe
	}()
	defer func() { r.Close(); <-full }()
	time.Sleep(100 * time.Millisecond) // the pipe is full by then, or in time for the next line
	cmd.Process.Signal(syscall.SIGTERM)
	p.waitClosed() // or the two signals could merge into one
	cmd.Process.Signal(syscall.SIGTERM)
	p.waitUntil("ended", p.hasEnded)
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

// testFewDescriptors: with a low limit on open files, idle connections to either listener do not
// block calls.
func testFewDescriptors(t *testing.T, bin string) {
	limited := bin + "-limited"
	if err := os.WriteFile(limited, []byte("#!/bin/sh\nulimit -n 128 && exec "+bin+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := startServer(t, limited, newFolder(t, map[string]string{"policy.yaml": policyVersion(1)}))
	p.waitUntil("telling that there are few", func() bool {
		log := p.errs.String() // startServer waits for another pipe
		return strings.Contains(log, "limit on open files") && strings.Contains(log, "connections=32")
	})
	for _, at := range []string{p.admin, p.hooks} {
		for range 150 {
			c, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
	}
	for range 10 {
		p.client.CloseIdleConnections()
		p.mustPost("/hooks/a", sampleCall(hook.Token, "one"))
	}
	if p.metric("displaced_total") == 0 {
		t.Error("no connection was displaced")
	}
	p.stop(0)
}
