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

func openLog(t *testing.T, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func writeActs(t *testing.T, l *audit.Log, subjects ...string) {
	t.Helper()
	for _, s := range subjects {
		if err := l.Write(audit.Act{Act: "module.put", By: "publish token", Subject: s, Outcome: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
}

func readSubjects(t *testing.T, path string) (all []string, err error) {
	t.Helper()
	n, err := audit.Read(path, func(l audit.Line) error {
		all = append(all, l.Subject)
		return nil
	})
	if n.Lines != int64(len(all)) {
		t.Errorf("%d lines counted, %d seen", n.Lines, len(all))
	}
	return all, err
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	writeActs(t, openLog(t, path), "a", "b")
	writeActs(t, openLog(t, path), "c") // after a restart
	got, err := readSubjects(t, path)
	if err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%v, %v", got, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestLongTexts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := openLog(t, path)
	long := strings.Repeat("<", 1<<20)
	if err := l.Write(audit.Act{Act: long, By: long, From: long, Subject: long, Detail: strings.Repeat("\x00", 1<<20), Outcome: long}); err != nil {
		t.Fatal(err)
	}
	writeActs(t, l, "after")
	if got, err := readSubjects(t, path); err != nil || len(got) != 2 {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

func TestConcurrentWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := openLog(t, path)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				writeActs(t, l, fmt.Sprint(i, "/", j))
			}
		})
	}
	wg.Wait()
	if got, err := readSubjects(t, path); err != nil || len(got) != 80 {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

// TestCrash cuts the last line at every byte: the log continues, and earlier lines are found.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	writeActs(t, openLog(t, path), "a", "b", "c")
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
		writeActs(t, openLog(t, path), "d")
		if got, err := readSubjects(t, path); err != nil || !slices.Equal(got, want) {
			t.Fatalf("cut off after %d of %d bytes: %v, %v", size, len(whole), got, err)
		}
	}
}

// TestErrBroken: Read finds a line that was changed, removed, duplicated or moved.
func TestErrBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	writeActs(t, openLog(t, path), "a", "b", "c")
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
		{"Added", [][]byte{lines[0], []byte(`{"number":2,"mode":"x"}` + "\n"), lines[1], lines[2]}},
		{"Spaced", [][]byte{lines[0], append([]byte(" "), lines[1]...), lines[2]}},
		{"LineEnd", [][]byte{bytes.Replace(lines[0], []byte("\n"), []byte("\r\n"), 1), lines[1], lines[2]}},
		{"Member", [][]byte{lines[0], bytes.Replace(lines[1], []byte("{"), []byte(`{"note":"x",`), 1), lines[2]}},
		{"MemberInOtherCase", [][]byte{lines[0], bytes.Replace(lines[1], []byte("{"), []byte(`{"Act":"x",`), 1), lines[2]}},
		{"Garbled", [][]byte{lines[0], []byte("{}}\n"), lines[2]}},
		{"NoHash", [][]byte{[]byte(`{"number":1,"act":"x","outcome":"ok"}` + "\n")}},
		{"Endless", [][]byte{lines[0], bytes.Repeat([]byte("x"), 1<<20)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, slices.Concat(tt.lines...), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := readSubjects(t, path); !errors.Is(err, audit.ErrBroken) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// TestBroken: Open reports a changed end of a log of any length.
func TestBroken(t *testing.T) {
	for _, n := range []int{3, 2000} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		l := openLog(t, path)
		for range n {
			writeActs(t, l, "a")
		}
		if err := openLog(t, path).Broken(); err != nil {
			t.Errorf("%d lines: %v", n, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.LastIndex(text, []byte(`"a"`))
		text[at+1] = 'x'
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openLog(t, path).Broken(); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("%d lines, the last one changed: %v", n, err)
		}
		if err := os.WriteFile(path, bytes.Repeat([]byte("x\n"), 1<<19), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openLog(t, path).Broken(); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("no line at all: %v", err)
		}
	}
}

// TestFragments: Read counts fragments anywhere in the file.
func TestFragments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	writeActs(t, openLog(t, path), "a", "b")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(text))
	whole := slices.Concat([]byte("\nx\n"), lines[0], []byte("{\"number\":2,\n"), lines[1], []byte("{"))
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := audit.Read(path, func(audit.Line) error { return nil })
	if want := (audit.Count{Lines: 2, Fragments: 4, LastFragment: 6}); err != nil || n != want {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestPrintable(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"Plain", `a "b" \ é 日本`, `a "b" \ é 日本`},
		{"Escape", "\x1b[2J\x07", `\x1b[2J\a`},
		{"LineEnd", "a\r\nb\u2028", `a\r\nb\u2028`},
		{"C1", "\u009b31m", `\u009b31m`},
		{"Direction", "\u202egpj\u2066", `\u202egpj\u2066`},
		{"NoUTF8", "\xffa\xc3", `\xffa\xc3`},
		{"Cut", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaé", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"},
		{"CutEscape", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa\x1b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := audit.Printable(tt.text, 30); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestErrFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	writeActs(t, openLog(t, path), "a")
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(path); !errors.Is(err, audit.ErrFile) {
		t.Errorf("Open accepts a file that everybody can write: %v", err)
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
		if after, err := audit.Read(path, func(audit.Line) error { return nil }); err == nil && after.Lines <= before.Lines {
			t.Errorf("%+v, then %+v", before, after)
		}
	})
}

// FuzzAct: Read returns any act as sanitized, and the chain holds.
func FuzzAct(f *testing.F) {
	f.Add("PUT /v1/modules/\xff.wasm", "publish token", "127.0.0.1", "x=\xff", "ok", "é")
	f.Add(strings.Repeat("&", 14000), "\x00", "\u2028", strings.Repeat("é", 1000), `"`, strings.Repeat("日", 5000)+"x")
	f.Add("\u202e\ufffd", "<", "", "\x1b[2J", "\\u0000", "\U000e0001")
	f.Fuzz(func(t *testing.T, act, by, from, subject, outcome, detail string) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		l := openLog(t, path)
		for range 2 {
			if err := l.Write(audit.Act{Act: act, By: by, From: from, Subject: subject, Outcome: outcome, Detail: detail}); err != nil {
				t.Fatal(err)
			}
		}
		if err := openLog(t, path).Broken(); err != nil {
			t.Error(err)
		}
		n, err := audit.Read(path, func(l audit.Line) error {
			want := audit.Act{
				Act: audit.Printable(act, 1<<10), By: audit.Printable(by, 256), From: audit.Printable(from, 256),
				Subject: audit.Printable(subject, 1<<10), Outcome: audit.Printable(outcome, 64), Detail: audit.Printable(detail, 4<<10),
			}
			if l.Act != want {
				t.Errorf("got %q, want %q", l.Act, want)
			}
			return nil
		})
		if want := (audit.Count{Lines: 2}); err != nil || n != want {
			t.Errorf("%+v, %v", n, err)
		}
	})
}
