package watch_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
)

// stampPolicy is a policy that sets a word.
func stampPolicy(word string) string {
	return "tenterhook: 1\nhooks: [{name: signup, type: registration, auth: none, rules: [{name: stamp, profile: {word: " + word + "}}]}]\n"
}

// wordTests are tests that want a word.
func wordTests(word string) string {
	return "tests:\n  - {name: the word, hook: signup, input: {sample: registration}, expect: {commands: [{type: com.okta.user.profile.update, value: {word: " + word + "}}]}}\n"
}

// openTested opens a Watcher that requires tests.
func openTested(t *testing.T, dir, data string) (*watch.Watcher, error) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ctx, cancel := context.WithCancel(context.Background())
	w, err := watch.Open(ctx, watch.Options{
		Dir: dir, Data: data, Engine: newEngine(t, log), Log: log, Tests: true,
		Settle: 20 * time.Millisecond, Poll: 50 * time.Millisecond, Retry: time.Second,
	})
	if err != nil {
		cancel()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w, nil
}

// TestFolderTests: a folder goes live when its tests pass, and not before.
func TestFolderTests(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	policy, tests := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "policy_test.yaml")
	writeFile(t, policy, stampPolicy("one"))
	rejected := func(name, want string) {
		t.Helper()
		_, err := openTested(t, dir, data)
		if _, ok := errors.AsType[*watch.TestsFailed](err); !ok || err.Error() != want {
			t.Fatalf("%s: got %v, want %s", name, err, want)
		}
	}
	rejected("no tests", "the policy folder has no tests, and --require-tests rejects it: add tests in files named *_test.yaml")
	writeFile(t, tests, wordTests("two"))
	rejected("tests that fail", "1 of the policy folder's 1 tests fail: policy_test.yaml:2: the word (commands)")
	writeFile(t, tests, "tests: 7\n")
	if _, err := openTested(t, dir, data); err == nil || !strings.Contains(err.Error(), "policy_test.yaml:1:8: want tests as a list") {
		t.Fatalf("tests that are none: %v", err)
	}

	writeFile(t, tests, wordTests("one"))
	w, err := openTested(t, dir, data)
	must(t, err)
	first := w.Status()
	writeFile(t, policy, stampPolicy("three"))
	waitFor(t, "stale", func() bool { return w.Status().Stale })
	if s := w.Status(); s.Revision != first.Revision || s.LastError != "1 of the policy folder's 1 tests fail: policy_test.yaml:2: the word (commands)" {
		t.Errorf("status with tests that fail: %+v", s)
	}
	copied := func() string { // of the last good copy, which is kept once the Set is live
		kept, err := filepath.Glob(filepath.Join(data, "last-good", "*.zip"))
		must(t, err)
		text, err := os.ReadFile(kept[0])
		must(t, err)
		return string(text)
	}
	before := copied()
	writeFile(t, tests, wordTests("three"))
	waitFor(t, "live", func() bool { s := w.Status(); return !s.Stale && s.Revision != first.Revision && copied() != before })

	last := w.Status().Revision
	writeFile(t, policy, stampPolicy("four"))
	again, err := openTested(t, dir, data)
	must(t, err)
	if s := again.Status(); s.From != watch.FromLastGood || !s.Stale || s.Revision != last || !strings.Contains(s.LastError, "tests fail") {
		t.Errorf("status after a restart: %+v", s)
	}
}

// TestLastGoodFailsTests: a last good copy from a time without required tests must pass them too.
func TestLastGoodFailsTests(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), stampPolicy("one"))
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	_, err := watch.Open(context.Background(), watch.Options{Dir: dir, Data: data, Engine: newEngine(t, log), Log: log, Rules: rules.Options{}})
	must(t, err)
	if _, err := openTested(t, dir, data); err == nil {
		t.Error("a copy without tests went live")
	}
	must(t, os.Remove(filepath.Join(dir, "policy.yaml")))
	if _, err := openTested(t, dir, data); err == nil {
		t.Error("a copy without tests went live in place of a folder without a policy")
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never became %s", what)
		}
	}
}
