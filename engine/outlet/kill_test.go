//go:build linux

package outlet_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// writerOf names the environment variable that makes the test binary a writer to be killed.
const writerOf = "TENTERHOOK_TEST_WRITER_OF"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerOf); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints the key of each line that is Done.
func writeUntilKilled(path string) {
	o, err := outlet.Open(map[string]destination.Spec{"there": {Kind: destination.File, File: path, Rotate: destination.Rotate{Size: 16 << 10, Keep: 1000}}}, outlet.Options{})
	if err != nil {
		panic(err)
	}
	body := []byte(`{"pad":"` + strings.Repeat("x", 3000) + `"}`)
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if o.Deliver(context.Background(), outlet.Step{Destination: "there", Key: key, Body: body}).Verdict == outlet.Done {
					fmt.Println(key)
				}
			}
		}()
	}
	select {}
}

// TestKill kills a writer repeatedly on one file: each line that was Done is there, complete and
// once, and incomplete lines are removed.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	acked := make(map[string]int)
	for round := range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerOf+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		count := 0
		for lines := bufio.NewScanner(out); lines.Scan(); count++ {
			acked[lines.Text()] = 0
			if count == 20+7*round {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
	}
	wantResult(t, deliver(t, openOne(t, destination.Spec{Kind: destination.File, File: path}), newStep("{}")), outlet.Done, nil) // repairs the end
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		for _, k := range readKeys(t, f) {
			if _, promised := acked[k]; promised {
				acked[k]++
			}
		}
	}
	for k, n := range acked {
		if n != 1 {
			t.Errorf("%s was Done and is there %d times", k, n)
		}
	}
	t.Logf("%d lines Done over 6 kills, %d files", len(acked), len(files))
}

// TestDiskFull fills a small file system: the step leaves no partial line, and succeeds when
// retried after space is freed.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("cannot mount a small file system:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path, ballast := filepath.Join(dir, "x.jsonl"), filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	o := openOne(t, destination.Spec{Kind: destination.File, File: path, Breaker: destination.Breaker{Failures: 1000}})
	var done []string
	send := func(i int) outlet.Result {
		s := newStep(`{"pad":"` + strings.Repeat("x", 3000) + `"}`)
		s.Key = fmt.Sprint(i)
		r := deliver(t, o, s)
		if r.Verdict == outlet.Done {
			done = append(done, s.Key)
		}
		return r
	}
	full := 0
	for i := range 20 {
		if r := send(i); r.Verdict != outlet.Done {
			wantResult(t, r, outlet.Retry, outlet.ErrWrite)
			wantResult(t, r, outlet.Retry, syscall.ENOSPC)
			full++
		}
	}
	if full == 0 || !slices.Equal(readKeys(t, path), done) {
		t.Fatalf("full %d times, done %v, there %v", full, done, readKeys(t, path))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	wantResult(t, send(99), outlet.Done, nil)
	if !slices.Equal(readKeys(t, path), done) {
		t.Errorf("done %v, there %v", done, readKeys(t, path))
	}
}

// TestSlowDisk: another process holds the file's lock, as a hung disk would delay a write. The step
// waits for its timeout and is not written later; the next one is written.
func TestSlowDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	o := openOne(t, destination.Spec{Kind: destination.File, File: path, Timeout: 2 * time.Second}) // for a disk that is slow and does not hang
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"written late", "never written"} {
		s := newStep("{}")
		s.Key = strings.ReplaceAll(key, " ", "-")
		wantResult(t, deliver(t, o, s), outlet.Retry, outlet.ErrTimeout)
	}
	if err := errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the next line", func() bool {
		s := newStep("{}")
		s.Key = "next"
		return deliver(t, o, s).Verdict == outlet.Done
	})
	if got := readKeys(t, path); !slices.Equal(got, []string{"step-1", "written-late", "next"}) {
		t.Errorf("got %v", got)
	}
}
