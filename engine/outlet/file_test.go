package outlet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// readKeys reads the idempotency keys of a file's lines, each of which must be whole.
func readKeys(t testing.TB, path string) []string {
	t.Helper()
	text := readFile(t, path)
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("%s ends in the middle of a line", path)
	}
	var all []string
	for l := range strings.Lines(text) {
		var v struct{ IdempotencyKey string }
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%s has the line %q: %v", path, l, err)
		}
		all = append(all, v.IdempotencyKey)
	}
	return all
}

func TestLines(t *testing.T) {
	tests := []struct{ name, key, body, want string }{
		{"an object", "", "{\n \"a\": 1,\r\n \"b\": \"x\\n\"\n}\n", `{"idempotencyKey":"step-1","a":1,"b":"x\n"}`},
		{"an empty object", "", `{ }`, `{"idempotencyKey":"step-1"}`},
		{"no object", "", `[1, "a"]`, `{"idempotencyKey":"step-1","body":[1,"a"]}`},
		{"a member of its own", "", `{"a": 1, "idempotencyKey": "mine", "b": [ 2 ]}`, `{"idempotencyKey":"step-1","a":1,"b":[2]}`},
		{"a member of its own in escapes", "", `{"\u0069dempotencyKey": "mine"}`, `{"idempotencyKey":"step-1"}`},
		{"a key of another name", "dedupe", `{"a":1}`, `{"dedupe":"step-1","a":1}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.jsonl")
			var out bytes.Buffer
			o := openOutlet(t, map[string]destination.Spec{"file": {Kind: destination.File, File: path, Key: test.key}, "out": {Kind: destination.Stdout, Key: test.key}}, outlet.Options{Stdout: &out})
			for _, name := range []string{"file", "out"} {
				s := newStep(test.body)
				s.Destination = name
				wantResult(t, deliver(t, o, s), outlet.Done, nil)
			}
			if got := readFile(t, path); got != test.want+"\n" || out.String() != got {
				t.Errorf("got %q and %q, want %q", got, out.String(), test.want)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	o := openOne(t, destination.Spec{Kind: destination.File, File: path, Rotate: destination.Rotate{Size: 1024, Keep: 3}})
	body := `{"pad":"` + strings.Repeat("x", 200) + `"}`
	for i := range 40 {
		s := newStep(body)
		s.Key = fmt.Sprintf("%03d", i)
		wantResult(t, deliver(t, o, s), outlet.Done, nil)
	}
	big := newStep(`{"pad":"` + strings.Repeat("y", 5000) + `"}`) // longer than a file may be: it has one to itself
	big.Key = "big"
	wantResult(t, deliver(t, o, big), outlet.Done, nil)
	var got []string
	for _, suffix := range []string{".3", ".2", ".1", ""} {
		if info, err := os.Stat(path + suffix); err != nil || (info.Size() > 1024 && suffix != "") {
			t.Errorf("%s: %v bytes, %v", suffix, info.Size(), err)
		}
		got = append(got, readKeys(t, path+suffix)...)
	}
	want := []string{"028", "029", "030", "031", "032", "033", "034", "035", "036", "037", "038", "039", "big"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v", got)
	}
	if _, err := os.Stat(path + ".4"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one too many is kept: %v", err)
	}
}

func TestTornLine(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 200<<10)
	tests := []struct{ name, before, after string }{
		{"no file yet", "", ""},
		{"none", "{\"a\":1}\n", "{\"a\":1}\n"},
		{"behind a line", "{\"a\":1}\n{\"a\":", "{\"a\":1}\n"},
		{"the only line", "{\"a\":", ""},
		{"but for its end", "{\"a\":1}\n{\"a\":2}", "{\"a\":1}\n"},
		{"longer than a chunk", "{\"a\":1}\n" + long, "{\"a\":1}\n"},
		{"only a long one", long, ""},
		{"zeros", "{\"a\":1}\n\x00\x00\x00", "{\"a\":1}\n"},
		{"somebody else's", "a\nb", "a\nb\n"},
		{"only line ends", "\n\n", "\n\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.jsonl")
			if err := os.WriteFile(path, []byte(test.before), 0o600); err != nil {
				t.Fatal(err)
			}
			o := openOne(t, destination.Spec{Kind: destination.File, File: path})
			wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
			if got := readFile(t, path); got != test.after+"{\"idempotencyKey\":\"step-1\"}\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestFileRenamed: after any change of the file, the next line is in the file at its path.
func TestFileRenamed(t *testing.T) {
	tests := []struct {
		name string
		move func(path string) error
	}{
		{"moved", func(path string) error { return os.Rename(path, path+".old") }},
		{"removed", os.Remove},
		{"truncated", func(path string) error { return os.Truncate(path, 0) }},
		{"replaced", func(path string) error {
			if err := os.WriteFile(path+".new", []byte("{\"idempotencyKey\":\"new\"}\n"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.jsonl")
			o := openOne(t, destination.Spec{Kind: destination.File, File: path})
			wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
			if err := test.move(path); err != nil {
				t.Fatal(err)
			}
			s := newStep("{}")
			s.Key = "next"
			wantResult(t, deliver(t, o, s), outlet.Done, nil)
			if got := readKeys(t, path); got[len(got)-1] != "next" {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestFileNotWritable: a file that cannot be written does not delay Open, and its steps are
// retried.
func TestFileNotWritable(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	link, folder, missing := filepath.Join(dir, "link"), filepath.Join(dir, "folder"), filepath.Join(dir, "not", "yet")
	if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, link), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a link": link, "a folder": folder, "a device": "/dev/null", "in no folder": missing} {
		t.Run(name, func(t *testing.T) {
			o := openOne(t, destination.Spec{Kind: destination.File, File: path})
			wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrWrite)
		})
	}
	o := openOne(t, destination.Spec{Kind: destination.File, File: missing})
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrWrite)
	if err := os.Mkdir(filepath.Dir(missing), 0o700); err != nil {
		t.Fatal(err)
	}
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
}

// TestLinkRace creates and removes a link at the path in a loop: its target is never created.
func TestLinkRace(t *testing.T) {
	dir := t.TempDir()
	path, target := filepath.Join(dir, "x.jsonl"), filepath.Join(dir, "target")
	o := openOne(t, destination.Spec{Kind: destination.File, File: path, Breaker: destination.Breaker{Failures: 1000}})
	stop := make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = errors.Join(os.Remove(path), os.Symlink(target, path))
			time.Sleep(20 * time.Microsecond)
			_ = os.Remove(path)
			time.Sleep(20 * time.Microsecond)
		}
	})
	for range 900 {
		deliver(t, o, newStep("{}"))
	}
	close(stop)
	other.Wait()
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a target: %v", err)
	}
}

// TestRotationFails: a file that cannot be renamed does not exceed its size.
func TestRotationFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	full := "{\"pad\":\"" + strings.Repeat("x", 1020) + "\"}\n"
	if err := errors.Join(os.MkdirAll(path+".1/x", 0o700), os.WriteFile(path, []byte(full), 0o600)); err != nil {
		t.Fatal(err)
	}
	o := openOne(t, destination.Spec{Kind: destination.File, File: path, Rotate: destination.Rotate{Size: 1024, Keep: 1}})
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrWrite)
	if err := os.RemoveAll(path + ".1"); err != nil {
		t.Fatal(err)
	}
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
	if got := readFile(t, path+".1"); got != full {
		t.Errorf("got %q", got)
	}
}

// TestTwoOutletsOneFile writes to one file from two Outlets, as after a reload, across many
// rotations: each line is complete and occurs once.
func TestTwoOutletsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	spec := destination.Spec{Kind: destination.File, File: path, Rotate: destination.Rotate{Size: 1024, Keep: 1000}, Breaker: destination.Breaker{Failures: 1000}}
	const writers, each = 4, 25
	var all sync.WaitGroup
	for i := range 2 {
		o := openOne(t, spec)
		for j := range writers {
			all.Go(func() {
				for k := range each {
					s := newStep(`{"pad":"` + strings.Repeat("x", 100) + `"}`)
					s.Key = fmt.Sprintf("%d-%d-%d", i, j, k)
					wantResult(t, deliver(t, o, s), outlet.Done, nil)
				}
			})
		}
	}
	all.Wait()
	seen := make(map[string]int)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		for _, k := range readKeys(t, f) {
			seen[k]++
		}
	}
	if len(seen) != 2*writers*each {
		t.Errorf("%d lines of %d", len(seen), 2*writers*each)
	}
	for k, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", k, n)
		}
	}
}
