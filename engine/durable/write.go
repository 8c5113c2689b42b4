// Package durable writes files that survive a crash: it replaces a file atomically and locks files
// between processes.
package durable

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ownerOnly is the default mode: most files of the data directory hold secrets.
const ownerOnly fs.FileMode = 0o600

// Options are the attributes of a written file.
type Options struct {
	Mode    fs.FileMode // default 0600
	ModTime time.Time   // default now
}

// WriteFile replaces the file at path atomically: after a crash, path names the complete old file
// or the complete new one. The directory must exist.
func WriteFile(path string, content []byte, o Options) error {
	return WriteWith(path, o, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// WriteWith is WriteFile for content that write produces. If write fails, path keeps its old file.
func WriteWith(path string, o Options, write func(io.Writer) error) error {
	dir, name := filepath.Split(path)
	temp, err := os.CreateTemp(filepath.Clean(dir), tempPattern(name)) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails harmlessly after the rename
	buffer := bufio.NewWriter(temp)
	if err := write(buffer); err != nil {
		return errors.Join(err, temp.Close())
	}
	if err := errors.Join(buffer.Flush(), o.apply(temp), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return SyncDir(path)
}

func (o Options) apply(f *os.File) (err error) {
	if o.Mode != 0 && o.Mode != ownerOnly {
		err = f.Chmod(o.Mode)
	}
	if !o.ModTime.IsZero() {
		err = errors.Join(err, os.Chtimes(f.Name(), o.ModTime, o.ModTime))
	}
	return err
}

func tempPattern(name string) string { return "." + name + "-*.tmp" }

// RemoveTemp removes the temporary files that a killed process left behind beside path. The last
// element of path may be a pattern as filepath.Match has it: `*` means the temporary files of all
// names. No process may be writing such a file.
func RemoveTemp(path string) error {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		matches, bad := filepath.Match(tempPattern(name), e.Name())
		if bad != nil {
			return bad
		}
		if matches {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
