package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/engine/audit"
)

func open(t *testing.T, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func write(t *testing.T, l *audit.Log, subjects ...string) {
	t.Helper()
	for _, s := range subjects {
		if err := l.Write(audit.Act{Act: "module.put", By: "publish token", Subject: s, Outcome: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
}

func subjects(t *testing.T, path string) (all []string, err error) {
	t.Helper()
	n, err := audit.Read(path, func(l audit.Line) error {
		all = append(all, l.Subject)
		return nil
	})
	if n != int64(len(all)) {
		t.Errorf("%d lines counted, %d seen", n, len(all))
	}
	return all, err
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	write(t, open(t, path), "a", "b")
	write(t, open(t, path), "c") // as after a restart
	got, err := subjects(t, path)
	if err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%v, %v", got, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	if err := l.Write(audit.Act{Act: "x", Subject: strings.Repeat("<", 1<<20), Detail: strings.Repeat("\x00", 1<<20), Outcome: "failed"}); err != nil {
		t.Fatal(err)
	}
	write(t, l, "after")
	if got, err := subjects(t, path); err != nil || len(got) != 2 {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

func TestConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				write(t, l, fmt.Sprint(i, "/", j))
			}
		})
	}
	wg.Wait()
	if got, err := subjects(t, path); err != nil || len(got) != 80 {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

// TestCrash: whatever a crash leaves of the last line, the log goes on and what was written before is found.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	write(t, open(t, path), "a", "b", "c")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	third := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for size := third; size < len(whole); size++ {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		want := []string{"a", "b", "d"}
		if size == len(whole)-1 { // only the newline is missing
			want = []string{"a", "b", "c", "d"}
		}
		write(t, open(t, path), "d")
		if got, err := subjects(t, path); err != nil || !slices.Equal(got, want) {
			t.Fatalf("cut off after %d of %d bytes: %v, %v", size, len(whole), got, err)
		}
	}
}

// TestErrBroken: a line that is changed, taken out, doubled or moved is found.
func TestErrBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	write(t, open(t, path), "a", "b", "c")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(text))
	tests := []struct {
		name  string
		lines [][]byte
	}{
		{"Changed", [][]byte{lines[0], bytes.Replace(lines[1], []byte(`"b"`), []byte(`"x"`), 1), lines[2]}},
		{"TakenOut", [][]byte{lines[0], lines[2]}},
		{"FirstTakenOut", [][]byte{lines[1], lines[2]}},
		{"Doubled", [][]byte{lines[0], lines[1], lines[1], lines[2]}},
		{"Moved", [][]byte{lines[0], lines[2], lines[1]}},
		{"Garbled", [][]byte{lines[0], []byte("{}}\n"), lines[2]}},
		{"NoHash", [][]byte{[]byte(`{"number":1,"act":"x","outcome":"ok"}` + "\n")}},
		{"Endless", [][]byte{lines[0], bytes.Repeat([]byte("x"), 1<<20)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, slices.Concat(tt.lines...), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := subjects(t, path); !errors.Is(err, audit.ErrBroken) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestErrFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	write(t, open(t, path), "a")
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(path); !errors.Is(err, audit.ErrFile) {
		t.Errorf("a file that everybody may write is opened: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "audit.jsonl")
	l, err := audit.Open(path)
	if err != nil {
		f.Fatal(err)
	}
	l.Write(audit.Act{Act: "x", Outcome: "ok"})
	l.Close()
	text, _ := os.ReadFile(path)
	f.Add(text)
	f.Add([]byte("{}\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		before, _ := audit.Read(path, func(audit.Line) error { return nil })
		l, err := audit.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := l.Write(audit.Act{Act: "after", Outcome: "ok"}); err != nil {
			t.Fatal(err)
		}
		if after, err := audit.Read(path, func(audit.Line) error { return nil }); err == nil && after <= before {
			t.Errorf("%d lines, then %d", before, after)
		}
	})
}
