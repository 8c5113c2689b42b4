package outlet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
)

// file is a sink of JSON lines, kept below a size by putting full files aside: path.1 is the newest of them.
//
// It is opened at once, and opened again when something else stands at its path: another program may rotate
// it too, and after a reload two Outlets write to it for a while. What changes it is therefore done under its lock, which
// other programs are free to ignore.
type file struct {
	path string
	size int64 // rotated before it grows beyond that
	keep int
	log  *slog.Logger

	f       *os.File // nil: not open
	checked bool     // its end was looked at since it was opened
}

// prepare repairs the file before anybody waits for a line.
func (f *file) prepare() error {
	_, err := f.lockWhole(0)
	unlock(f.f)
	return err
}

// commit appends lines and returns when they are on the disk. When it cannot, it takes back what it has written, because
// the steps will come again.
func (f *file) commit(text []byte) error {
	size, err := f.lockWhole(int64(len(text)))
	if err != nil {
		return err
	}
	defer unlock(f.f)
	if _, err = f.f.Write(text); err == nil {
		err = f.f.Sync()
	}
	if err == nil {
		return nil
	}
	// After a failed fsync the system may hold the pages for clean: whatever it says next of this file is not to be
	// trusted, so it is opened anew.
	err = errors.Join(err, f.f.Truncate(size))
	return errors.Join(err, f.close())
}

func (f *file) close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close() // and with it the lock
	f.f = nil
	return err
}

// lockWhole leaves the file open, locked, whole, and with room for so many bytes, and says how long it is.
func (f *file) lockWhole(room int64) (size int64, err error) {
	for range 8 { // each turn but the last means that somebody else moved the file
		if f.f == nil {
			if err := f.open(); err != nil {
				return 0, err
			}
		}
		there, err := f.lockCurrent()
		if err == nil && there {
			size, err = f.repair()
		}
		if err == nil && there && (size == 0 || size+room <= f.size) {
			return size, nil
		}
		if err == nil && there {
			err = f.rotate()
		}
		if err := errors.Join(err, f.close()); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s: it is moved again and again", f.path)
}

// open opens the file and makes sure that its name lasts.
func (f *file) open() error {
	info, err := os.Lstat(f.path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", f.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	missing := err != nil
	f.checked = false
	f.f, err = os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_RDWR|noFollow, 0o600)
	if err != nil {
		return err
	}
	if !missing {
		return nil
	}
	if err := syncDir(f.path); err != nil {
		return errors.Join(err, f.close())
	}
	return nil
}

// lockCurrent locks the file and says whether it is what stands at its path.
func (f *file) lockCurrent() (there bool, err error) {
	if err := lock(f.f); err != nil {
		return false, err
	}
	have, err := f.f.Stat()
	if err != nil {
		return false, err
	}
	stands, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(have, stands), err
}

// rotate puts the file aside. A crash in the middle leaves a gap in the numbers, which the next one closes.
func (f *file) rotate() error {
	for n := f.keep - 1; n >= 1; n-- {
		err := os.Rename(f.rotatedPath(n), f.rotatedPath(n+1))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(f.path, f.rotatedPath(1)); err != nil {
		return err
	}
	return syncDir(f.path)
}

func (f *file) rotatedPath(n int) string { return f.path + "." + strconv.Itoa(n) }

// repair says how long the file is, and when it was just opened sees to it that its last line is whole. A line of ours that
// a crash has torn was never promised to anybody, and its step comes again: it is cut off. A rest that we cannot have
// written is only ended.
func (f *file) repair() (size int64, err error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	if f.checked {
		return info.Size(), nil
	}
	start, first, err := f.findLastLine(info.Size())
	if err != nil {
		return 0, err
	}
	if f.checked = start == info.Size(); f.checked {
		return start, nil
	}
	torn := slog.Int64("bytes", info.Size()-start)
	if first != '{' && first != 0 { // what a crash has left unwritten reads as zeros
		f.log.Warn("ended a last line that is not ours", torn)
		_, err = f.f.WriteString("\n")
		start = info.Size() + 1
	} else {
		f.log.Warn("cut off a torn last line", torn)
		err = f.f.Truncate(start)
	}
	err = errors.Join(err, f.f.Sync())
	f.checked = err == nil
	return start, err
}

// findLastLine finds where the rest behind the last newline starts, and its first byte.
func (f *file) findLastLine(size int64) (start int64, first byte, err error) {
	chunk := make([]byte, 64<<10)
	for end := size; end > 0; {
		from := max(0, end-int64(len(chunk)))
		part := chunk[:end-from]
		if _, err := f.f.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		if at := bytes.LastIndexByte(part, '\n'); at >= 0 {
			start = from + int64(at) + 1
			break
		}
		end = from
	}
	if start == size {
		return start, 0, nil
	}
	_, err = f.f.ReadAt(chunk[:1], start)
	return start, chunk[0], err
}

// syncDir makes a name in a directory last.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
