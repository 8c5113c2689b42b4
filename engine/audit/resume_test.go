package audit

import (
	"os"
	"path/filepath"
	"testing"
)

// TestUncertainWrite has a write fail that cannot be undone: the next one continues from the file.
func TestUncertainWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Write(Act{Act: "a", Outcome: "ok"}); err != nil {
		t.Fatal(err)
	}
	_, second := Line{Number: 2, Before: l.last.Hash, Act: Act{Act: "b"}}.seal()
	for _, left := range []string{`{"number":`, string(second) + "\n"} { // half a line; a whole line although Write returned an error
		whole := l.file
		if l.file, err = os.Open(path); err != nil { // read-only
			t.Fatal(err)
		}
		if err := l.Write(Act{Act: "b", Outcome: "ok"}); err == nil || !l.uncertain {
			t.Fatalf("the write succeeded or was undone: %v", err)
		}
		l.file.Close()
		l.file = whole
		if _, err := whole.WriteString(left); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := l.Write(Act{Act: "c", Outcome: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
	n, err := Read(path, func(Line) error { return nil })
	if want := (Count{Lines: 3, Fragments: 1, LastFragment: 2}); err != nil || n != want {
		t.Errorf("%+v, %v", n, err)
	}
}
