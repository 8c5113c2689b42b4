package watch

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"github.com/tenterhook/tenterhook/rules"
)

// notifier are the system's word that something in the folder changed. They only make a change seen sooner: whatever goes
// wrong here (no watches left, an overflow, a network file system) is logged once and made good by polling.
type notifier struct {
	dir     string
	log     *slog.Logger
	watcher *fsnotify.Watcher // nil when the system gives none
	watched map[string]fs.FileInfo
	warned  bool // that a directory cannot be watched
}

func newNotifier(ctx context.Context, dir string, log *slog.Logger) *notifier {
	n := &notifier{dir: dir, log: log, watched: make(map[string]fs.FileInfo)}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		n.warnOnce(dir, err)
		return n
	}
	n.watcher = w
	n.updateWatches(ctx)
	return n
}

// Close ends the notices, and the goroutines of the library with them.
func (n *notifier) Close() {
	if n.watcher != nil {
		n.watcher.Close()
	}
}

// events is nil, and so never ready, when there are no notices.
func (n *notifier) events() <-chan fsnotify.Event {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Events
}

// errors tells of lost notices, which are as good as a notice.
func (n *notifier) errors() <-chan error {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Errors
}

// isRelevant reports whether an event can be about the folder's content. The folder's parent is watched too, for the moment
// the folder itself is replaced; its other children are none of our business.
func (n *notifier) isRelevant(e fsnotify.Event) bool {
	name := filepath.Clean(e.Name) // the root's children come as //name
	return name == n.dir || filepath.Dir(name) != filepath.Dir(n.dir)
}

// updateWatches brings what is watched in line with the tree as it is now: directories come and go, and one that was replaced is
// another directory under the same name.
func (n *notifier) updateWatches(ctx context.Context) {
	if n.watcher == nil {
		return
	}
	now := directories(ctx, n.dir)
	for path, info := range n.watched {
		if is := now[path]; is == nil || !os.SameFile(is, info) {
			n.watcher.Remove(path) // an error says that it is gone already
			delete(n.watched, path)
		}
	}
	for path, info := range now {
		if n.watched[path] != nil {
			continue
		}
		if err := n.watcher.Add(path); err != nil {
			n.warnOnce(path, err)
			continue
		}
		n.watched[path] = info
	}
}

func (n *notifier) warnOnce(path string, err error) {
	if n.warned {
		return
	}
	n.warned = true
	n.log.Warn("no notices of changes from the system; the folder is polled", "directory", path, "error", err)
}

// directories are those that the folder at dir is read from, and the one it lies in. Of a folder that cannot be surveyed they
// are those found before that showed.
func directories(ctx context.Context, dir string) map[string]fs.FileInfo {
	found, _ := rules.Look(ctx, dir) // reading the folder says what is wrong
	now := make(map[string]fs.FileInfo, len(found.Folders)+1)
	for name, info := range found.Folders {
		now[filepath.Join(dir, filepath.FromSlash(name))] = info
	}
	up := filepath.Dir(dir)
	if info, err := os.Stat(up); err == nil {
		now[up] = info
	}
	return now
}
