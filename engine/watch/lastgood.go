package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tenterhook/tenterhook/engine/durable"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// errNoCopy is returned if there is no last good copy of the folder.
var errNoCopy = errors.New("no last good copy")

// lastGoodStore keeps the last good copy of one folder: a zip in the data directory, readable by
// its owner only, because a policy may contain secrets. The name of a copy depends on the folder's
// path: two policies that share a data directory never start with each other's rules.
type lastGoodStore struct{ path string }

func newLastGoodStore(data, dir string) *lastGoodStore {
	sum := sha256.Sum256([]byte(dir))
	return &lastGoodStore{filepath.Join(data, "last-good", hex.EncodeToString(sum[:8])+".zip")}
}

// removeTemps removes incomplete copies of a killed process. No other process may be saving one.
func (s *lastGoodStore) removeTemps() error { return durable.RemoveTemp(s.path) }

func (s *lastGoodStore) save(f *folder.Folder) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	return durable.WriteWith(s.path, durable.Options{}, f.WriteZip)
}

func (s *lastGoodStore) load() (*folder.Folder, error) {
	archive, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoCopy
	}
	if err != nil {
		return nil, err
	}
	f, err := folder.ReadZip(archive)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.path, err)
	}
	return f, nil
}

// loadLastGood loads the last good copy.
func (w *Watcher) loadLastGood() (*folder.Folder, *rules.Set, error) {
	if w.store == nil {
		return nil, nil, errNoCopy
	}
	folder, err := w.store.load()
	if err != nil {
		return nil, nil, err
	}
	o := w.o.Rules
	o.Kept = true
	set, err := rules.Load(folder, o)
	if err != nil {
		return nil, nil, fmt.Errorf("load %s: %w", w.store.path, err)
	}
	return folder, set, nil
}

// restore puts the last good copy live in place of the rejected folder.
func (w *Watcher) restore(ctx context.Context, f *folder.Folder, set *rules.Set, rejected error) error {
	if err := w.runTests(ctx, f, set); err != nil {
		return errors.Join(err, set.Close())
	}
	if err := w.accept(set); err != nil {
		return err
	}
	w.o.Log.Error("the policy folder is rejected; starting with its last good copy",
		"folder", w.dir, "copy", w.store.path, "revision", set.Revision(), "error", oneLine(rejected))
	w.swap(set, FromLastGood, FromLastGood, "")
	return nil
}
