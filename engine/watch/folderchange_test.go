package watch_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChanges makes a change in every way a folder is changed; each must be seen.
func TestChanges(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
	}{
		{"WrittenInPlace", func(t *testing.T, dir string) {
			writeInPlace(t, filepath.Join(dir, "policy.yaml"), policy("after"))
		}},
		{"RenamedOver", func(t *testing.T, dir string) { // what editors do
			writeFile(t, filepath.Join(dir, ".policy.yaml.swp"), policy("after"))
			must(t, os.Rename(filepath.Join(dir, ".policy.yaml.swp"), filepath.Join(dir, "policy.yaml")))
		}},
		{"MovedAsideAndWritten", func(t *testing.T, dir string) { // what other editors do
			must(t, os.Rename(filepath.Join(dir, "policy.yaml"), filepath.Join(dir, ".policy.yaml~")))
			writeFile(t, filepath.Join(dir, "policy.yaml"), policy("after"))
		}},
		{"NewFileInNewDirectory", func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "policy.yaml")))
			writeFile(t, filepath.Join(dir, "team", "a", "policy.yaml"), policy("after"))
		}},
		{"DirectoryReplaced", func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir+".new", "policy.yaml"), policy("after"))
			must(t, os.Rename(dir, dir+".old"))
			must(t, os.Rename(dir+".new", dir))
		}},
		{"DirectoryRemovedAndMadeAgain", func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			time.Sleep(300 * time.Millisecond) // long enough to be noticed as gone
			writeFile(t, filepath.Join(dir, "policy.yaml"), policy("after"))
		}},
		{"SizeAndTimeKept", func(t *testing.T, dir string) { // what stat cannot see
			path := filepath.Join(dir, "policy.yaml")
			info, err := os.Stat(path)
			must(t, err)
			writeInPlace(t, path, policy("after1"))
			must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
			writeInPlace(t, path, policy("after"))
			must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "policy")
			writeFile(t, filepath.Join(dir, "policy.yaml"), policy("first"))
			w := startFixture(t, dir)
			w.waitLive("first")
			test.change(t, dir)
			w.waitLive("after")
			writeFile(t, filepath.Join(dir, "more.yaml"), policy("later"))
			w.waitFor("live: later", func() bool { return strings.Contains(strings.Join(w.liveSets(), "\n"), "later") })
		})
	}
}

// TestKubernetes swaps a ConfigMap as the kubelet does: files are links through ..data, which is a
// link to a directory named by the time, and is replaced by a rename.
func TestKubernetes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policy")
	project := func(stamp, hooks string) {
		writeFile(t, filepath.Join(dir, stamp, "policy.yaml"), policy(hooks))
		writeFile(t, filepath.Join(dir, stamp, "team", "more.yaml"), policy(hooks+"-team"))
		must(t, os.Symlink(stamp, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	project("..2026_01_01", "first")
	must(t, os.Symlink("..data/policy.yaml", filepath.Join(dir, "policy.yaml")))
	must(t, os.Symlink("..data/team", filepath.Join(dir, "team")))
	w := startFixture(t, dir)
	w.waitLive("first first-team")
	for i := range 3 {
		name := fmt.Sprintf("after-%d", i)
		project(fmt.Sprintf("..2026_01_02.%d", i), name)
		w.waitLive(name + " " + name + "-team")
		must(t, os.RemoveAll(filepath.Join(dir, "..2026_01_01")))
	}
}

// TestRelease moves a link from one release to the next: the folder itself is a link.
func TestRelease(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, "v1", "policy.yaml"), policy("first"))
	writeFile(t, filepath.Join(home, "v2", "policy.yaml"), policy("after"))
	current := filepath.Join(home, "current")
	must(t, os.Symlink("v1", current))
	w := startFixture(t, current)
	w.waitLive("first")
	must(t, os.Symlink("v2", current+".new"))
	must(t, os.Rename(current+".new", current))
	w.waitLive("after")
	writeFile(t, filepath.Join(home, "v2", "policy.yaml"), policy("later"))
	w.waitLive("later")
}

// TestLinkAbove moves a link above the folder, which the system gives no notice of: only looking
// helps.
func TestLinkAbove(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, "v1", "policy", "policy.yaml"), policy("first"))
	writeFile(t, filepath.Join(home, "v2", "policy", "policy.yaml"), policy("after"))
	current := filepath.Join(home, "current")
	must(t, os.Symlink("v1", current))
	w := startFixture(t, filepath.Join(current, "policy"))
	w.waitLive("first")
	time.Sleep(100 * time.Millisecond) // until the notices are set up, and what follows is not seen by chance
	must(t, os.Symlink("v2", current+".new"))
	must(t, os.Rename(current+".new", current))
	w.waitLive("after")
}

// TestGit checks out two branches repeatedly: each live Set is one complete branch.
func TestGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	const files = 40
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-C", dir}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "-b", "main")
	whole := map[string]bool{}
	for _, branch := range []string{"main", "next"} {
		if branch != "main" {
			git("checkout", "-q", "-b", branch)
		}
		var names []string
		for i := range files {
			name := fmt.Sprintf("%s-%02d", branch, i)
			names = append(names, name)
			writeFile(t, filepath.Join(dir, "policy", fmt.Sprintf("%02d.yaml", i)), policy(name))
		}
		whole[strings.Join(names, " ")] = true
		git("add", ".")
		git("commit", "-q", "-m", branch)
	}
	w := startFixture(t, filepath.Join(dir, "policy"))
	for i := range 6 {
		was := len(w.liveSets())
		git("checkout", "-q", []string{"main", "next"}[i%2])
		w.waitFor("another branch", func() bool { return len(w.liveSets()) > was })
	}
	for _, set := range w.liveSets() {
		if !whole[set] {
			t.Errorf("half a branch went live: %s", set)
		}
	}
}

// TestBulkCopy writes 200 files while the folder is read all the time. Each file alone is a good
// policy, so that every half of the copy would load.
func TestBulkCopy(t *testing.T) {
	const files = 200
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "first.yaml"), policy("first"))
	w := startFixture(t, dir)
	pauses := 0 // of the copy, that the folder may have settled in
	last := time.Now()
	for i := range files {
		writeInPlace(t, filepath.Join(dir, fmt.Sprintf("%03d.yaml", i)), policy(fmt.Sprintf("h%03d", i)))
		if time.Since(last) > 20*time.Millisecond {
			pauses++
		}
		last = time.Now()
	}
	w.waitFor("all that was copied", func() bool {
		live := w.liveSets()
		return len(strings.Fields(live[len(live)-1])) == files+1
	})
	if n := len(w.liveSets()); n > 4+2*pauses {
		t.Errorf("a copy of %d files with %d pauses was loaded %d times", files, pauses, n)
	}
}

// TestPairs changes two files that belong together, over and over: no Set may ever hold one of
// each.
func TestPairs(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.yaml"), policy("a-0"))
	writeFile(t, filepath.Join(dir, "b.yaml"), policy("b-0"))
	w := startFixture(t, dir)
	slow := map[string]bool{} // pairs whose writer was held up: there really was a half, for longer than the settling time
	last := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(time.Duration(last%7) * 17 * time.Millisecond) {
		last++
		begun := time.Now()
		writeInPlace(t, filepath.Join(dir, "a.yaml"), policy(fmt.Sprintf("a-%d", last)))
		writeInPlace(t, filepath.Join(dir, "b.yaml"), policy(fmt.Sprintf("b-%d", last)))
		if time.Since(begun) > 20*time.Millisecond {
			slow[fmt.Sprintf("a-%d b-%d", last, last-1)] = true
		}
	}
	w.waitLive(fmt.Sprintf("a-%d b-%d", last, last))
	for _, set := range w.liveSets() {
		var a, b int
		if _, err := fmt.Sscanf(set, "a-%d b-%d", &a, &b); err != nil || (a != b && !slow[set]) {
			t.Errorf("torn: %s (%v)", set, err)
		}
	}
	t.Logf("%d pairs written, %d Sets went live, %d writers were slow", last, len(w.liveSets()), len(slow))
}
