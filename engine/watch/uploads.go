package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/engine/durable"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// Limits of all uploads.
const (
	maxUploads     = 256
	maxUploadBytes = 64 << 20 // in total
)

// Upload is an uploaded module. It replaces the folder's of that name.
type Upload struct {
	SHA256 string    `json:"sha256"` // of the module, in hex
	Bytes  int       `json:"bytes"`
	At     time.Time `json:"at"`
}

// uploads are the current uploads. A value is immutable; a change makes a new one.
type uploads struct {
	list map[string]Upload // by name
	code map[string][]byte // by name; lacks missing and damaged files
	err  error             // of reading the list
}

// moduleFile is the path of a module in a policy folder.
func moduleFile(name string) string { return "modules/" + name + ".wasm" }

var moduleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// ModuleName reports whether an uploaded module can have this name.
func ModuleName(name string) bool { return moduleName.MatchString(name) }

// Hash is the SHA-256 of a module, in hex.
func Hash(code []byte) string {
	sum := sha256.Sum256(code)
	return hex.EncodeToString(sum[:])
}

// overlay returns the folder with the uploads in place.
func (u *uploads) overlay(f *folder.Folder) (*folder.Folder, error) {
	if u.err != nil {
		return nil, u.err
	}
	files := make(map[string][]byte, len(u.list))
	for _, name := range slices.Sorted(maps.Keys(u.list)) {
		code, ok := u.code[name]
		if !ok {
			return nil, fmt.Errorf("the uploaded module %s is missing or damaged: upload it again, or delete it", name)
		}
		files[moduleFile(name)] = code
	}
	return f.With(files)
}

// apply returns u after the change.
func (u *uploads) apply(c Change) (*uploads, error) {
	if c.Code == nil {
		return u.without(c.Name), nil
	}
	return u.with(c.Name, c.Code)
}

// with returns u with one upload added or replaced.
func (u *uploads) with(name string, code []byte) (*uploads, error) {
	next := u.without(name)
	next.list[name] = Upload{SHA256: Hash(code), Bytes: len(code), At: time.Now().UTC().Truncate(time.Second)}
	next.code[name] = code
	total := 0
	for _, one := range next.list {
		total += one.Bytes
	}
	if len(next.list) > maxUploads || total > maxUploadBytes {
		return nil, fmt.Errorf("%w: more than %d uploads, or %d MiB in all: delete some", folder.ErrTooLarge, maxUploads, maxUploadBytes>>20)
	}
	return next, nil
}

func (u *uploads) without(name string) *uploads {
	next := &uploads{list: map[string]Upload{}, code: map[string][]byte{}, err: u.err}
	maps.Copy(next.list, u.list)
	maps.Copy(next.code, u.code)
	delete(next.list, name)
	delete(next.code, name)
	return next
}

// uploadStore keeps uploads in the data directory: each module in a file named by its hash, and a
// list of names and hashes. After a crash there is the old list or the new one, with all of its
// files.
type uploadStore struct{ dir string }

const (
	listName = "uploads.json"
)

// uploadList is the content of the list's file.
type uploadList struct {
	Modules map[string]Upload `json:"modules"`
}

// open reads the uploads. Damage is reported by overlay.
func (s uploadStore) open() *uploads {
	u := &uploads{list: map[string]Upload{}, code: map[string][]byte{}}
	text, err := os.ReadFile(filepath.Join(s.dir, listName))
	if errors.Is(err, fs.ErrNotExist) {
		return u
	}
	var l uploadList
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil {
		u.err = fmt.Errorf("read the list of uploaded modules %s: %w", filepath.Join(s.dir, listName), err)
		return u
	}
	for name, one := range l.Modules {
		if !moduleName.MatchString(name) {
			u.err = fmt.Errorf("read the list of uploaded modules %s: %q: %w", filepath.Join(s.dir, listName), name, ErrModuleName)
			return u
		}
		u.list[name] = one
		if code, err := os.ReadFile(s.file(one.SHA256)); err == nil && Hash(code) == one.SHA256 {
			u.code[name] = code
		}
	}
	return u
}

func (s uploadStore) file(hash string) string {
	return filepath.Join(s.dir, filepath.Base(hash)+".wasm")
}

// save makes the uploads durable; the one of that name is new.
func (s uploadStore) save(u *uploads, name string) error {
	if u.err != nil {
		return u.err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if one, ok := u.list[name]; ok {
		if err := durable.WriteFile(s.file(one.SHA256), u.code[name], durable.Options{}); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(uploadList{u.list}, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(s.dir, listName), append(text, '\n'), durable.Options{})
}

// removeUnused removes files of no upload, and temporary files of a killed process.
func (s uploadStore) removeUnused(u *uploads) error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) || u.err != nil {
		return nil
	}
	used := map[string]bool{listName: true}
	for _, one := range u.list {
		used[filepath.Base(s.file(one.SHA256))] = true
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".wasm") && !used[e.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, e.Name())))
		}
	}
	return errors.Join(err, durable.RemoveTemp(filepath.Join(s.dir, "*")))
}
