package outlet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"

	"github.com/tenterhook/tenterhook/engine/durable"
)

// file is a sink of JSON lines with rotation by size: path.1 is the newest rotated file.
//
// It is opened at the start and again whenever its path names another file: other programs may
// rotate it too, and after a reload two Outlets write to it for a while. Every change is therefore
// made under the file's advisory lock.
type file struct {
	path string
	size int64 // rotated before it exceeds this
	keep int
	log  *slog.Logger

	f       *os.File // nil: not open
	checked bool     // the last line was repaired since the file was opened
}

// prepare repairs the file before the first line.
func (f *file) prepare() error {
	_, err := f.lockWhole(0)
	durable.Unlock(f.f)
	return err
}

// commit appends lines and syncs them. If that fails, it truncates the file to its old size,
// because the steps are retried.
func (f *file) commit(text []byte) error {
	size, err := f.lockWhole(int64(len(text)))
	if err != nil {
		return err
	}
	defer durable.Unlock(f.f)
	if _, err = f.f.Write(text); err == nil {
		err = f.f.Sync()
	}
	if err == nil {
		return nil
	}
	// After a failed fsync the system may mark the pages clean, and a later fsync of this
	// descriptor proves nothing. So the file is opened again.
	err = errors.Join(err, f.f.Truncate(size))
	return errors.Join(err, f.close())
}

func (f *file) close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close() // releases the lock
	f.f = nil
	return err
}

// lockWhole opens and locks the file, repairs its last line, rotates it if it lacks room for so
// many bytes, and returns its size.
func (f *file) lockWhole(room int64) (size int64, err error) {
	for range 8 { // a repetition means a rotation, by us or by another program
		if f.f == nil {
			if err := f.open(); err != nil {
				return 0, err
			}
		}
		current, err := f.lockCurrent()
		if err == nil && current {
			size, err = f.repair()
		}
		if err == nil && current && (size == 0 || size+room <= f.size) {
			return size, nil
		}
		if err == nil && current {
			err = f.rotate()
		}
		if err := errors.Join(err, f.close()); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s: it is renamed again and again", f.path)
}

// open opens the file and syncs the directory of a new one.
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
	f.f, err = os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_RDWR|openNoFollow, 0o600)
	if err != nil {
		return err
	}
	if !missing {
		return nil
	}
	if err := durable.SyncDir(f.path); err != nil {
		return errors.Join(err, f.close())
	}
	return nil
}

// lockCurrent locks the file and reports whether its path still names it.
func (f *file) lockCurrent() (current bool, err error) {
	if err := durable.Lock(f.f); err != nil {
		return false, err
	}
	opened, err := f.f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(opened, named), err
}

// rotate renames the file to path.1 and the older ones upwards. A crash between the renames leaves
// a gap in the numbers, which the next rotation closes.
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
	return durable.SyncDir(f.path)
}

func (f *file) rotatedPath(n int) string { return f.path + "." + strconv.Itoa(n) }

// repair returns the file's size. After opening it repairs an incomplete last line: a line of ours,
// torn by a crash, was never acknowledged and its step is retried, so it is cut off. Text of
// another program only gets a newline.
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
	if first != '{' && first != 0 { // unwritten blocks after a crash read as zeros
		f.log.Warn("appended a newline to a last line of another program", torn)
		_, err = f.f.WriteString("\n")
		start = info.Size() + 1
	} else {
		f.log.Warn("cut off an incomplete last line", torn)
		err = f.f.Truncate(start)
	}
	err = errors.Join(err, f.f.Sync())
	f.checked = err == nil
	return start, err
}

// findLastLine returns the offset behind the last newline, and the byte there.
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
