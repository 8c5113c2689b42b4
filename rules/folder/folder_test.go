package folder_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules/folder"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/policy.yaml", "a")
	writeFile(t, dir+"/sub/tables/x.csv", "b")
	writeFile(t, dir+"/.git/config", "no")
	writeFile(t, dir+"/.policy.yaml.swp", "no")
	if err := os.Mkdir(dir+"/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := folder.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"policy.yaml", "sub/tables/x.csv"}; !slices.Equal(f.Names(), want) {
		t.Errorf("got %v, want %v", f.Names(), want)
	}
	if b, ok := f.File("sub/tables/x.csv"); !ok || string(b) != "b" {
		t.Errorf("got %q, %t", b, ok)
	}
	same := folder.New(map[string][]byte{"policy.yaml": []byte("a"), "sub/tables/x.csv": []byte("b")})
	if f.Hash() != same.Hash() {
		t.Error("the hash depends on more than names and contents")
	}
	other := folder.New(map[string][]byte{"policy.yaml": []byte("as"), "ub/tables/x.csv": []byte("b")})
	if f.Hash() == other.Hash() {
		t.Error("two folders have one hash")
	}
}

// TestReadConfigMap reads a ConfigMap mounted by Kubernetes: links to ..data, a link to a dated
// folder.
func TestReadConfigMap(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/..2026_01_01/policy.yaml", "old")
	symlink(t, "..2026_01_01", dir+"/..data")
	symlink(t, "..data/policy.yaml", dir+"/policy.yaml")
	read := func() string {
		f, err := folder.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := f.File("policy.yaml")
		if len(f.Names()) != 1 {
			t.Errorf("got %v, want one file", f.Names())
		}
		return string(b)
	}
	if got := read(); got != "old" {
		t.Errorf("got %q", got)
	}
	writeFile(t, dir+"/..2026_01_02/policy.yaml", "new")
	symlink(t, "..2026_01_02", dir+"/..data_tmp")
	if err := os.Rename(dir+"/..data_tmp", dir+"/..data"); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "new" {
		t.Errorf("got %q", got)
	}
}

func TestReadRejects(t *testing.T) {
	tests := []struct {
		name string
		make func(dir string)
		want string
	}{
		{"no folder", func(dir string) { os.Remove(dir) }, "no such file"},
		{"a link out of the folder", func(dir string) {
			writeFile(t, dir+"-outside", "secret")
			symlink(t, dir+"-outside", dir+"/policy.yaml")
		}, "escapes"},
		{"a link to nothing", func(dir string) { symlink(t, "nothing", dir+"/policy.yaml") }, "no such file"},
		{"a large file", func(dir string) {
			writeFile(t, dir+"/x", "")
			os.Truncate(dir+"/x", 33<<20)
		}, "too large"},
		{"a deep folder", func(dir string) { writeFile(t, dir+strings.Repeat("/d", 20)+"/x", "") }, "inside each other"},
		{"a link to a folder above it", func(dir string) {
			writeFile(t, dir+"/d/x", "")
			symlink(t, "..", dir+"/d/up")
		}, "d/up: too large for a policy folder: a link to a folder that it lies in"},
		{"links to itself", func(dir string) {
			writeFile(t, dir+"/d/x", "")
			for _, name := range "123456" {
				symlink(t, ".", dir+"/d/"+string(name))
			}
		}, "a link to a folder that it lies in"},
		{"links at every level", func(dir string) {
			at := dir
			for range 7 {
				for _, name := range "123456" {
					symlink(t, "next", at+"/"+string(name))
				}
				at += "/next"
				if err := os.Mkdir(at, 0o755); err != nil {
					t.Fatal(err)
				}
			}
		}, "more than 20000 entries"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.make(dir)
			if _, err := folder.Read(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestReadIsConsistent writes two files that agree except between the two writes. Read must not
// return two files that disagree.
func TestReadIsConsistent(t *testing.T) {
	dir := t.TempDir()
	version := func(i int) string { // its size differs, because file times may be coarse
		return fmt.Sprint(i, strings.Repeat(" ", i%1000))
	}
	put := func(name, text string) {
		if err := os.WriteFile(dir+"/."+name, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
		if err := os.Rename(dir+"/."+name, dir+"/"+name); err != nil {
			t.Error(err)
		}
	}
	put("a", version(0))
	put("b", version(0))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
				put("a", version(i))
				put("b", version(i))
			}
		}
	}()
	// Between the two renames the versions differ by one, which is consistent. A newer b with an
	// older a is not.
	for range 300 {
		f, err := folder.Read(dir)
		if errors.Is(err, folder.ErrChanging) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var of [2]int
		for i, name := range []string{"a", "b"} {
			text, _ := f.File(name)
			if of[i], err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := of[0], of[1]; a != b && a != b+1 {
			t.Fatalf("torn: a is of version %d, b of %d", a, b)
		}
	}
	close(stop)
	<-done
}

func TestZip(t *testing.T) {
	files := map[string][]byte{"policy.yaml": []byte("a"), "tables/ä.csv": bytes.Repeat([]byte("x,y\n"), 10_000), "empty": {}}
	f := folder.New(files)
	var one, two bytes.Buffer
	if err := errors.Join(f.WriteZip(&one), f.WriteZip(&two)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("one folder, two archives")
	}
	back, err := folder.ReadZip(one.Bytes())
	if err != nil || back.Hash() != f.Hash() {
		t.Errorf("got another folder back: %v", err)
	}
	for cut := range one.Len() {
		if _, err := folder.ReadZip(one.Bytes()[:cut]); err == nil {
			t.Fatalf("%d of %d bytes were taken for an archive", cut, one.Len())
		}
	}
}
