package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tenterhook/tenterhook/rules/folder"
)

// maxUnstable is the time after which a folder that keeps changing is reported.
const maxUnstable = 10 * time.Second

// state is one reading of the folder and of its secret files, or the error of reading them.
type state struct {
	key     string // equal keys are equal states of the folder; empty: it kept changing
	folder  *folder.Folder
	uploads *uploads // to be applied to it
	files   []string // secret files outside the folder
	err     error
}

func (w *Watcher) read(ctx context.Context) state {
	start := time.Now()
	defer func() { w.pace.readTime = time.Since(start) }()
	folder, err := folder.Read(w.dir)
	if err != nil {
		return state{key: "error: " + err.Error(), uploads: w.uploads.Load(), err: err}
	}
	files := secretFiles(folder)
	return state{key: folder.Hash() + hashFiles(ctx, files), folder: folder, uploads: w.uploads.Load(), files: files}
}

// readStable reads the folder until two readings with a pause between them are equal, and no
// checkout is running. Then the folder was in this state from the end of the first reading to the
// start of the second, so the reading does not mix two states. A state that was seen before needs
// one reading.
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
		if next.key == last.key && !errors.Is(next.err, folder.ErrChanging) && !isCheckoutRunning(w.dir) {
			return next
		}
		if time.Since(start) > maxUnstable {
			return state{uploads: w.uploads.Load(), err: fmt.Errorf("read %s: it has kept changing for %v", w.dir, maxUnstable)}
		}
		last = next
	}
}

// isCheckoutRunning reports whether git is writing the working tree of dir: git locks its index
// while it writes files. A lock that a crash left behind is ignored after maxUnstable.
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
