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
)

func TestBrokenThenMended(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	put(t, path, policy("first"))
	w := start(t, dir)
	was := w.Status()
	if was.Stale || was.From != watch.FromFolder || was.Revision == "" || was.FolderHash == "" || was.LoadedAt.IsZero() {
		t.Fatalf("status of a good folder: %+v", was)
	}
	put(t, path, "tenterhook: 1\nhooks: [{name: Bad Name, type: tokken}]\n")
	w.until("stale", func() bool { return w.Status().Stale })
	s := w.Status()
	if s.Revision != was.Revision || s.FolderHash == was.FolderHash || !strings.Contains(s.LastError, "policy.yaml:2") || s.FailedAt.IsZero() {
		t.Errorf("status of a broken folder: %+v", s)
	}
	time.Sleep(3 * time.Second) // several polls and retries
	if n := strings.Count(w.log.String(), "level=ERROR"); n != 1 {
		t.Errorf("one mistake was logged %d times:\n%s", n, w.log)
	}
	put(t, path, policy("mended"))
	w.becomes("mended")
	if s := w.Status(); s.Stale || s.LastError != "" || !s.FailedAt.IsZero() || s.Revision == was.Revision {
		t.Errorf("status of a mended folder: %+v", s)
	}
	if got := w.live(); len(got) != 2 {
		t.Errorf("went live: %q", got)
	}
}

// TestTakenBack: a mistake that is undone leaves what was live, and nothing stale.
func TestTakenBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	put(t, path, policy("first"))
	w := start(t, dir)
	was := w.Status()
	put(t, path, "tenterhook: 1\nhooks: 7\n")
	w.until("stale", func() bool { return w.Status().Stale })
	put(t, path, policy("first"))
	w.until("fresh", func() bool { return !w.Status().Stale })
	if w.Status().Revision != was.Revision {
		t.Errorf("revision %s, was %s", w.Status().Revision, was.Revision)
	}
}

func TestRestart(t *testing.T) {
	dir, data := filepath.Join(t.TempDir(), "policy"), t.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	t.Run("NothingKept", func(t *testing.T) {
		put(t, path, "tenterhook: 1\nhooks: 7\n")
		_, err := open(t, dir, data)
		var problems rules.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("got %v, want the folder's problems", err)
		}
	})
	t.Run("Missing", func(t *testing.T) {
		if _, err := open(t, filepath.Join(dir, "nowhere"), data); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("got %v, want that there is no such folder", err)
		}
	})
	var good watch.Status
	t.Run("Good", func(t *testing.T) {
		put(t, path, policy("good"))
		w, err := open(t, dir, data)
		must(t, err)
		good = w.Status()
	})
	t.Run("Broken", func(t *testing.T) {
		put(t, path, "tenterhook: 1\nhooks: 7\n")
		w, err := open(t, dir, data)
		must(t, err)
		s := w.Status()
		if !s.Stale || s.From != watch.FromLastGood || s.Revision != good.Revision || !strings.Contains(s.LastError, "policy.yaml:2") {
			t.Errorf("status: %+v", s)
		}
		if log := w.log.String(); !strings.Contains(log, "last good copy") || !strings.Contains(log, "policy.yaml:2") {
			t.Errorf("the log does not say it:\n%s", log)
		}
		put(t, path, policy("mended"))
		w.becomes("mended")
		if got := w.Status().From; got != watch.FromFolder {
			t.Errorf("from %s", got)
		}
	})
	t.Run("Gone", func(t *testing.T) {
		must(t, os.Rename(dir, dir+".gone"))
		w, err := open(t, dir, data)
		must(t, err)
		if s := w.Status(); s.From != watch.FromLastGood || !s.Stale {
			t.Errorf("status: %+v", s)
		}
		must(t, os.Rename(dir+".gone", dir))
		w.until("fresh", func() bool { return !w.Status().Stale })
	})
	t.Run("AnotherFolder", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "other")
		put(t, filepath.Join(other, "policy.yaml"), "tenterhook: 1\nhooks: 7\n")
		if _, err := open(t, other, data); err == nil {
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
		put(t, path, "tenterhook: 1\nhooks: 7\n")
		w, err := open(t, dir, data)
		var problems rules.Problems
		if !errors.As(err, &problems) || !strings.Contains(w.log.String(), "last good copy cannot be used") {
			t.Errorf("got %v, log:\n%s", err, w.log)
		}
	})
}

// TestShrunken: a table that may not shrink may not do so while the program is down either.
func TestShrunken(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	put(t, filepath.Join(dir, "policy.yaml"), policy("a")+"tables:\n  partners: {file: partners.txt, as: set, max_shrink: 10%}\n")
	var rows strings.Builder
	for i := range 100 {
		fmt.Fprintf(&rows, "partner-%d\n", i)
	}
	t.Run("Before", func(t *testing.T) {
		put(t, filepath.Join(dir, "partners.txt"), rows.String())
		w, err := open(t, dir, data)
		must(t, err)
		w.becomes("a")
	})
	put(t, filepath.Join(dir, "partners.txt"), "partner-1\n")
	w, err := open(t, dir, data)
	must(t, err)
	if s := w.Status(); s.From != watch.FromLastGood || !strings.Contains(s.LastError, "partners") {
		t.Errorf("status: %+v", s)
	}
	put(t, filepath.Join(dir, "partners.txt"), rows.String()[:len(rows.String())-len("partner-99\n")])
	w.becomes("a")
}

func TestRefusedByAccept(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "policy.yaml"), policy("open"))
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

// TestSecretFile: a secret in a file outside the folder is part of what is watched, from before it is there.
func TestSecretFile(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "okta")
	put(t, filepath.Join(dir, "policy.yaml"), policy("open"))
	w := start(t, dir)
	put(t, filepath.Join(dir, "policy.yaml"), strings.Replace(policy("shut"), "auth: none",
		"auth: [{header: Authorization, secret: '${file."+secret+"}'}]", 1))
	w.until("stale", func() bool { return w.Status().Stale })
	put(t, secret, "the first secret of all\n")
	w.becomes("shut")
	was := len(w.live())
	put(t, secret, "another secret, as long\n")
	w.until("loaded again", func() bool { return len(w.live()) > was })
	if log := w.log.String(); strings.Contains(log, "the first secret") || strings.Contains(log, "another secret") {
		t.Error("the log has a secret")
	}
}

// TestCheck: a check that is asked for tries a refused folder again as it is.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "policy.yaml"), policy("first"))
	w := start(t, dir)
	for range 100 {
		w.Check() // never waits
	}
	put(t, filepath.Join(dir, "policy.yaml"), policy("after"))
	w.Check()
	w.becomes("after")
}
