package watch

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"github.com/tenterhook/tenterhook/rules/folder"
)

// notifier receives the system's notifications of changes in the folder. They only make a change
// visible sooner. Failures (no watches left, an overflow, a network file system) are logged once;
// polling covers them.
type notifier struct {
	dir     string
	log     *slog.Logger
	watcher *fsnotify.Watcher // nil if the system has none
	watched map[string]fs.FileInfo
	warned  bool // logged that a directory cannot be watched
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

// Close ends the notifications and the goroutines of the library.
func (n *notifier) Close() {
	if n.watcher != nil {
		n.watcher.Close()
	}
}

// events is nil, and so never ready, without a watcher.
func (n *notifier) events() <-chan fsnotify.Event {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Events
}

// errors reports lost notifications, which count as a notification.
func (n *notifier) errors() <-chan error {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Errors
}

// isRelevant reports whether an event can concern the folder's content. The parent is watched too,
// for a replacement of the folder itself; its other children are ignored.
func (n *notifier) isRelevant(e fsnotify.Event) bool {
	name := filepath.Clean(e.Name) // children of the root are reported as //name
	return name == n.dir || filepath.Dir(name) != filepath.Dir(n.dir)
}

// updateWatches watches the current directories of the tree: some are new or removed, and a
// replaced one is another directory under the same name.
func (n *notifier) updateWatches(ctx context.Context) {
	if n.watcher == nil {
		return
	}
	now := directories(ctx, n.dir)
	for path, info := range n.watched {
		if is := now[path]; is == nil || !os.SameFile(is, info) {
			n.watcher.Remove(path) // fails if it was removed already
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
	n.log.Warn("a directory cannot be watched for changes; the folder is polled", "directory", path, "error", err)
}

// directories lists the directories of the folder at dir, and its parent. If the folder cannot be
// surveyed, the list is incomplete.
func directories(ctx context.Context, dir string) map[string]fs.FileInfo {
	found, _ := folder.List(ctx, dir) // reading the folder reports the error
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
