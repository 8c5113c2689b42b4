package watch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tenterhook/tenterhook/rules"
)

// errNoCopy is returned when no last good copy was kept for the folder.
var errNoCopy = errors.New("no last good copy")

// lastGoodStore keeps the last good copy of one folder: a zip in the data directory, readable by its owner only, because a policy
// may have secrets written into it. Copies are told apart by the folder's path, so that a data directory which two
// policies share never starts the one with the rules of the other.
type lastGoodStore struct {
	path string
	temp string // the pattern of what a copy is called until it is whole
}

func newLastGoodStore(data, dir string) *lastGoodStore {
	sum := sha256.Sum256([]byte(dir))
	name := hex.EncodeToString(sum[:8])
	return &lastGoodStore{path: filepath.Join(data, "last-good", name+".zip"), temp: ".copy-" + name + "-*"}
}

// removeTemps removes what a kill has left of copies that never became whole. No other program may be saving one.
func (s *lastGoodStore) removeTemps() error {
	dir := filepath.Dir(s.path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if left, _ := filepath.Match(s.temp, e.Name()); left {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// save replaces the copy: after a crash there is the old one or the new one, whole.
func (s *lastGoodStore) save(f *rules.Folder) error {
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, s.temp) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	if err := errors.Join(writeInPlace(temp, f), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), s.path); err != nil {
		return err
	}
	return syncDir(dir)
}

func writeInPlace(file *os.File, f *rules.Folder) error {
	w := bufio.NewWriter(file)
	if err := f.WriteZip(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

// syncDir makes the rename itself durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// load reads the copy.
func (s *lastGoodStore) load() (*rules.Folder, error) {
	archive, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoCopy
	}
	if err != nil {
		return nil, err
	}
	f, err := rules.ReadZip(archive)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.path, err)
	}
	return f, nil
}

// loadLastGood loads the last good copy.
func (w *Watcher) loadLastGood() (*rules.Folder, *rules.Set, error) {
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

// restore puts the last good copy live, in place of the folder that was refused.
func (w *Watcher) restore(ctx context.Context, f *rules.Folder, set *rules.Set, refused error) error {
	if err := w.runTests(ctx, f, set); err != nil {
		return errors.Join(err, set.Close())
	}
	if err := w.accept(set); err != nil {
		return err
	}
	w.o.Log.Error("the policy folder was refused; starting with its last good copy",
		"folder", w.dir, "copy", w.store.path, "revision", set.Revision(), "error", oneLine(refused))
	w.swap(set, FromLastGood, FromLastGood, "")
	return nil
}
