// Package folder is for reading policy folders: all files at one time, within limits, from a
// directory or an archive.
package folder

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// The reasons a folder cannot be read, beside those of the file system.
var (
	ErrChanging = errors.New("the folder changes while it is read") // a writer changed it in each attempt
	ErrTooLarge = errors.New("too large for a policy folder")
)

// The limits of a policy folder. They are far above any real folder; they stop a wrong path such as
// "/" from being read.
const (
	maxFiles       = 10_000
	maxFileBytes   = 32 << 20
	maxFolderBytes = 128 << 20
	maxFolderDepth = 16
	maxEntries     = 20_000 // of all directories, counted as often as links lead to them
)

// Folder is one reading of a policy folder: names to contents. It never changes after it was read.
type Folder struct {
	files map[string][]byte
	names []string
	hash  string
}

// New makes a Folder of files, named by slash-separated paths. It keeps the contents, which must
// not change.
func New(files map[string][]byte) *Folder {
	f := &Folder{files: maps.Clone(files), names: slices.Sorted(maps.Keys(files))}
	h := sha256.New()
	var size [8]byte
	add := func(b []byte) {
		binary.LittleEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	for _, name := range f.names {
		add([]byte(name))
		add(f.files[name])
	}
	f.hash = hex.EncodeToString(h.Sum(nil))
	return f
}

// With is the folder with these files over its own, under the limits of Read. It keeps the
// contents, which must not change.
func (f *Folder) With(files map[string][]byte) (*Folder, error) {
	if len(files) == 0 {
		return f, nil
	}
	all := maps.Clone(f.files)
	maps.Copy(all, files)
	total := 0
	for _, b := range all {
		total += len(b)
	}
	if len(all) > maxFiles || total > maxFolderBytes {
		return nil, fmt.Errorf("%w: more than %d files, or %d MiB in all", ErrTooLarge, maxFiles, maxFolderBytes>>20)
	}
	return New(all), nil
}

// Names lists the files, sorted. The caller must not change it.
func (f *Folder) Names() []string { return f.names }

// File is a file's content, which the caller must not change.
func (f *Folder) File(name string) ([]byte, bool) {
	b, ok := f.files[name]
	return b, ok
}

// Hash is the hex SHA-256 of all names and contents.
func (f *Folder) Hash() string { return f.hash }

// Read reads the folder at dir: regular files only, without dot-files, and symbolic links if they
// lead to a target inside the folder (Kubernetes mounts a ConfigMap as links through ..data). It
// lists the folder again after reading. If something changed meanwhile it retries, and after a few
// attempts returns ErrChanging.
func Read(dir string) (*Folder, error) {
	failure := fmt.Errorf("%s: %w", dir, ErrChanging)
	for range 4 {
		f, same, err := readOnce(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed between listing and reading, or a link to nothing
			failure = err
		case err != nil:
			return nil, err
		case same:
			return f, nil
		}
	}
	return nil, failure
}

func readOnce(dir string) (f *Folder, same bool, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, false, err
	}
	defer root.Close()
	before, err := listRoot(context.Background(), root)
	if err != nil {
		return nil, false, err
	}
	files := make(map[string][]byte, len(before.Files))
	total := int64(0)
	for name, info := range before.Files {
		b, err := readFile(root, name)
		if err != nil {
			return nil, false, err
		}
		if total += int64(len(b)); total > maxFolderBytes {
			return nil, false, fmt.Errorf("%s: %w: more than %d MiB in all", dir, ErrTooLarge, maxFolderBytes>>20)
		}
		if int64(len(b)) != info.Size() {
			return nil, false, nil
		}
		files[name] = b
	}
	after, err := listRoot(context.Background(), root)
	if err != nil {
		return nil, false, err
	}
	return New(files), maps.EqualFunc(before.Files, after.Files, isUnchanged), nil
}

func isUnchanged(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

func readFile(root *os.Root, name string) ([]byte, error) {
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err == nil && len(b) > maxFileBytes {
		err = fmt.Errorf("%s: %w: more than %d MiB", name, ErrTooLarge, maxFileBytes>>20)
	}
	return b, err
}
