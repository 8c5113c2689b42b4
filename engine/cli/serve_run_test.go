package cli

import (
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestNotify plays the service manager.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skip("no such sockets here:", err)
	}
	defer l.Close()
	env := map[string]string{"NOTIFY_SOCKET": path}
	p := &Program{Stdout: io.Discard, Stderr: io.Discard, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	s := &server{p: p, log: slog.New(slog.DiscardHandler)}
	s.notifySystemd("READY=1")
	l.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 100)
	if n, err := l.Read(buf); err != nil || string(buf[:n]) != "READY=1" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
	env["NOTIFY_SOCKET"] = path + "-gone"
	s.notifySystemd("READY=1") // an error is only logged
	delete(env, "NOTIFY_SOCKET")
	s.notifySystemd("READY=1")
}
