package watch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tenterhook/tenterhook/rules"
)

// maxUnstable is how long a folder may keep changing before that is said to be what is wrong with it.
const maxUnstable = 10 * time.Second

// state is one reading of the folder: its content and that of the secrets it names, or why it could not be read.
type state struct {
	key     string // equal keys are equal states of the folder; empty: it did not settle
	folder  *rules.Folder
	uploads *uploads // that lie over it
	files   []string // outside the folder, that it names
	err     error
}

func (w *Watcher) read(ctx context.Context) state {
	start := time.Now()
	defer func() { w.pace.readTime = time.Since(start) }()
	folder, err := rules.Read(w.dir)
	if err != nil {
		return state{key: "error: " + err.Error(), uploads: w.uploads.Load(), err: err}
	}
	files := secretFiles(folder)
	return state{key: folder.Hash() + hashFiles(ctx, files), folder: folder, uploads: w.uploads.Load(), files: files}
}

// readStable reads the folder until it is the same twice with a pause between, and no checkout is under way. Two equal
// readings mean that the folder really was like this from the end of the first to the start of the second: what was read
// is not half of one state and half of the next. A state that was seen before needs no second reading.
func (w *Watcher) readStable(ctx context.Context, seen state) state {
	last := w.read(ctx)
	if last.key == seen.key {
		return last
	}
	pause := time.NewTimer(w.o.Settle)
	defer pause.Stop()
	for start := time.Now(); ; pause.Reset(w.o.Settle) {
		select {
		case <-ctx.Done():
			return state{uploads: w.uploads.Load(), err: ctx.Err()}
		case <-pause.C:
		}
		next := w.read(ctx)
		if next.key == last.key && !errors.Is(next.err, rules.ErrChanging) && !isCheckoutRunning(w.dir) {
			return next
		}
		if time.Since(start) > maxUnstable {
			return state{uploads: w.uploads.Load(), err: fmt.Errorf("read %s: it has kept changing for %v", w.dir, maxUnstable)}
		}
		last = next
	}
}

// isCheckoutRunning reports whether git is writing the working tree that dir lies in: its index is locked from before the first
// file is written until after the last. A lock that was left behind by a crash is soon too old to count.
func isCheckoutRunning(dir string) bool {
	for {
		lock, err := os.Stat(filepath.Join(dir, ".git", "index.lock"))
		if err == nil {
			return time.Since(lock.ModTime()) < maxUnstable
		}
		up := filepath.Dir(dir)
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil || up == dir {
			return false
		}
		dir = up
	}
}

// fullReadInterval is how often, at most, content is read without a notice and with nothing for stat to see.
const fullReadInterval = 5 * time.Second

// pacer decides when the folder is looked at without a notice: when stat shows a change, and now and then anyway. Either is
// done so seldom that it takes about a hundredth of the time, however large the folder is.
type pacer struct {
	readTime    time.Duration // of the last reading
	fingerprint uint64        // what stat said before it
	nextRead    time.Time     // when the content is read anyway
	nextStat    time.Time     // when stat is asked again
}

func (p *pacer) isDue(ctx context.Context, dir string, files []string) bool {
	now := time.Now()
	if !now.Before(p.nextRead) {
		return true
	}
	if now.Before(p.nextStat) {
		return false
	}
	changed := fingerprint(ctx, dir, files) != p.fingerprint
	p.nextStat = now.Add(100 * time.Since(now))
	return changed
}

// startRead is called before the folder is read, so that what changes meanwhile is seen the next time.
func (p *pacer) startRead(ctx context.Context, dir string, files []string) {
	p.fingerprint = fingerprint(ctx, dir, files)
	p.nextRead = time.Now().Add(max(fullReadInterval, 100*p.readTime))
}

// fingerprint is a hash over what stat says of the folder's files, links followed, and of the files it names outside: names,
// sizes and times. A folder that cannot be surveyed has the fingerprint of the reason.
func fingerprint(ctx context.Context, dir string, files []string) uint64 {
	h := fnv.New64a()
	found, err := rules.Look(ctx, dir)
	fmt.Fprint(h, err)
	for _, name := range slices.Sorted(maps.Keys(found.Files)) {
		mix(h, name, found.Files[name])
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			mix(h, name, info)
		}
	}
	return h.Sum64()
}

func mix(h hash.Hash64, name string, info fs.FileInfo) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(info.Size()))
	binary.LittleEndian.PutUint64(b[8:], uint64(info.ModTime().UnixNano()))
	h.Write([]byte(name)) // never fails
	h.Write(b[:])
}
