package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/file"
)

var errBad = errors.New("bad")

// joinContents joins the contents of files; it fails if one of them says bad.
func joinContents(contents [][]byte) (string, error) {
	var b strings.Builder
	for _, c := range contents {
		if string(c) == "bad" {
			return "", errBad
		}
		b.Write(c)
	}
	return b.String(), nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSource(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, "1")
	write(t, b, "2")
	s, err := file.Open(joinContents, a, b)
	if err != nil || s.Value() != "12" {
		t.Fatal(s, err)
	}
	steps := []struct {
		name    string
		act     func()
		changed bool
		err     bool
		value   string
		wrong   bool
	}{
		{"Same", func() {}, false, false, "12", false},
		{"Changed", func() { write(t, a, "3") }, true, false, "32", false},
		{"BadOnce", func() { write(t, a, "bad") }, false, false, "32", false},
		{"BadTwiceIsTold", func() {}, false, true, "32", true},
		{"ToldOnce", func() {}, false, false, "32", true},
		{"GoneOnce", func() { os.Remove(a) }, false, false, "32", true},
		{"GoneTwiceIsTold", func() {}, false, true, "32", true},
		{"AsBefore", func() { write(t, a, "3") }, false, false, "32", false},
		{"MovedBoundary", func() { write(t, a, "32"); write(t, b, "") }, true, false, "32", false},
		{"BadForAMoment", func() { write(t, a, "bad") }, false, false, "32", false},
		{"Mended", func() { write(t, a, "5") }, true, false, "5", false},
	}
	for _, step := range steps {
		step.act()
		changed, err := s.Reload()
		if changed != step.changed || (err != nil) != step.err || s.Value() != step.value || (s.Err() != nil) != step.wrong {
			t.Errorf("%s: got %v, %v, %q, %v", step.name, changed, err, s.Value(), s.Err())
		}
	}
}

// TestSwappedLink follows the way Kubernetes updates a secret: the files are links into a directory
// that is itself a link.
func TestSwappedLink(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"1", "2"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, v, "a"), v)
	}
	link := func(to string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, filepath.Join(dir, "new")), os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	link("1")
	path := filepath.Join(dir, "a")
	if err := os.Symlink("..data/a", path); err != nil {
		t.Fatal(err)
	}
	s, err := file.Open(joinContents, path)
	if err != nil {
		t.Fatal(err)
	}
	link("2")
	if changed, err := s.Reload(); !changed || err != nil || s.Value() != "2" {
		t.Errorf("got %v, %v, %q", changed, err, s.Value())
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	write(t, large, strings.Repeat("x", 8<<20+1))
	for _, test := range []struct {
		name, path string
		want       error
	}{
		{"ErrNotRegular", os.DevNull, file.ErrNotRegular},
		{"Directory", dir, file.ErrNotRegular},
		{"ErrTooLarge", large, file.ErrTooLarge},
		{"NotThere", filepath.Join(dir, "x"), os.ErrNotExist},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := file.Open(joinContents, test.path); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
