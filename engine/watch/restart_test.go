package watch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
)

func TestInvalidThenRepaired(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	writeFile(t, path, policy("first"))
	w := startFixture(t, dir)
	was := w.Status()
	if was.Stale || was.From != watch.FromFolder || was.Revision == "" || was.FolderHash == "" || was.LoadedAt.IsZero() {
		t.Fatalf("status of a good folder: %+v", was)
	}
	writeFile(t, path, "tenterhook: 1\nhooks: [{name: Bad Name, type: tokken}]\n")
	w.waitFor("stale", func() bool { return w.Status().Stale })
	s := w.Status()
	if s.Revision != was.Revision || s.FolderHash == was.FolderHash || !strings.Contains(s.LastError, "policy.yaml:2") || s.FailedAt.IsZero() {
		t.Errorf("status of a broken folder: %+v", s)
	}
	time.Sleep(3 * time.Second) // several polls and retries
	if n := strings.Count(w.log.String(), "level=ERROR"); n != 1 {
		t.Errorf("one mistake was logged %d times:\n%s", n, w.log)
	}
	writeFile(t, path, policy("repaired"))
	w.waitLive("repaired")
	if s := w.Status(); s.Stale || s.LastError != "" || !s.FailedAt.IsZero() || s.Revision == was.Revision {
		t.Errorf("status of a repaired folder: %+v", s)
	}
	if got := w.liveSets(); len(got) != 2 {
		t.Errorf("went live: %q", got)
	}
}

// TestChangeReverted: a reverted mistake leaves the live Set, which is not stale.
func TestChangeReverted(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	writeFile(t, path, policy("first"))
	w := startFixture(t, dir)
	was := w.Status()
	writeFile(t, path, "tenterhook: 1\nhooks: 7\n")
	w.waitFor("stale", func() bool { return w.Status().Stale })
	writeFile(t, path, policy("first"))
	w.waitFor("fresh", func() bool { return !w.Status().Stale })
	if w.Status().Revision != was.Revision {
		t.Errorf("revision %s, was %s", w.Status().Revision, was.Revision)
	}
}

func TestRestart(t *testing.T) {
	dir, data := filepath.Join(t.TempDir(), "policy"), t.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	t.Run("NothingKept", func(t *testing.T) {
		writeFile(t, path, "tenterhook: 1\nhooks: 7\n")
		_, err := newFixture(t, dir, data)
		var problems document.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("got %v, want the folder's problems", err)
		}
	})
	t.Run("Missing", func(t *testing.T) {
		if _, err := newFixture(t, filepath.Join(dir, "nowhere"), data); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("got %v, want that there is no such folder", err)
		}
	})
	var good watch.Status
	t.Run("Good", func(t *testing.T) {
		writeFile(t, path, policy("good"))
		w, err := newFixture(t, dir, data)
		must(t, err)
		good = w.Status()
	})
	t.Run("Broken", func(t *testing.T) {
		writeFile(t, path, "tenterhook: 1\nhooks: 7\n")
		w, err := newFixture(t, dir, data)
		must(t, err)
		s := w.Status()
		if !s.Stale || s.From != watch.FromLastGood || s.Revision != good.Revision || !strings.Contains(s.LastError, "policy.yaml:2") {
			t.Errorf("status: %+v", s)
		}
		if log := w.log.String(); !strings.Contains(log, "last good copy") || !strings.Contains(log, "policy.yaml:2") {
			t.Errorf("the log does not say it:\n%s", log)
		}
		writeFile(t, path, policy("repaired"))
		w.waitLive("repaired")
		if got := w.Status().From; got != watch.FromFolder {
			t.Errorf("from %s", got)
		}
	})
	t.Run("Gone", func(t *testing.T) {
		must(t, os.Rename(dir, dir+".gone"))
		w, err := newFixture(t, dir, data)
		must(t, err)
		if s := w.Status(); s.From != watch.FromLastGood || !s.Stale {
			t.Errorf("status: %+v", s)
		}
		must(t, os.Rename(dir+".gone", dir))
		w.waitFor("fresh", func() bool { return !w.Status().Stale })
	})
	t.Run("AnotherFolder", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "other")
		writeFile(t, filepath.Join(other, "policy.yaml"), "tenterhook: 1\nhooks: 7\n")
		if _, err := newFixture(t, other, data); err == nil {
			t.Error("a folder was started with another folder's rules")
		}
	})
	t.Run("DamagedCopy", func(t *testing.T) {
		copies, err := filepath.Glob(filepath.Join(data, "last-good", "*"))
		if err != nil || len(copies) != 1 {
			t.Fatalf("copies: %v, %v", copies, err)
		}
		info, err := os.Stat(copies[0])
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
		must(t, os.Truncate(copies[0], info.Size()/2))
		writeFile(t, path, "tenterhook: 1\nhooks: 7\n")
		w, err := newFixture(t, dir, data)
		var problems document.Problems
		if !errors.As(err, &problems) || !strings.Contains(w.log.String(), "last good copy cannot be used") {
			t.Errorf("got %v, log:\n%s", err, w.log)
		}
	})
}

// TestTableShrinks: a table that may not shrink may not do so while the program is down either.
func TestTableShrinks(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("a")+"tables:\n  partners: {file: partners.txt, as: set, max_shrink: 10%}\n")
	var rows strings.Builder
	for i := range 100 {
		fmt.Fprintf(&rows, "partner-%d\n", i)
	}
	t.Run("Before", func(t *testing.T) {
		writeFile(t, filepath.Join(dir, "partners.txt"), rows.String())
		w, err := newFixture(t, dir, data)
		must(t, err)
		w.waitLive("a")
	})
	writeFile(t, filepath.Join(dir, "partners.txt"), "partner-1\n")
	w, err := newFixture(t, dir, data)
	must(t, err)
	if s := w.Status(); s.From != watch.FromLastGood || !strings.Contains(s.LastError, "partners") {
		t.Errorf("status: %+v", s)
	}
	writeFile(t, filepath.Join(dir, "partners.txt"), rows.String()[:len(rows.String())-len("partner-99\n")])
	w.waitLive("a")
}

func TestRejectedByAccept(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("open"))
	want := errors.New("not here")
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	_, err := watch.Open(context.Background(), watch.Options{
		Dir: dir, Engine: newEngine(t, log), Log: log,
		Accept: func(*rules.Set) error { return want },
	})
	if !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

// TestSecretFile: secret files outside the folder are watched, also before they exist.
func TestSecretFile(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "okta")
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("open"))
	w := startFixture(t, dir)
	writeFile(t, filepath.Join(dir, "policy.yaml"), strings.Replace(policy("shut"), "auth: none",
		"auth: [{header: Authorization, secret: '${file."+secret+"}'}]", 1))
	w.waitFor("stale", func() bool { return w.Status().Stale })
	writeFile(t, secret, "the first secret of all\n")
	w.waitLive("shut")
	was := len(w.liveSets())
	writeFile(t, secret, "another secret, as long\n")
	w.waitFor("loaded again", func() bool { return len(w.liveSets()) > was })
	if log := w.log.String(); strings.Contains(log, "the first secret") || strings.Contains(log, "another secret") {
		t.Error("the log has a secret")
	}
}

// TestCheck: a requested check retries a rejected folder in the same state.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("first"))
	w := startFixture(t, dir)
	for range 100 {
		w.Check() // never waits
	}
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("after"))
	w.Check()
	w.waitLive("after")
}
