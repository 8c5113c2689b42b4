package issuer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/tenterhook/tenterhook/engine/durable"
)

// oldest is how long ago kept keys may have been fetched that a start still trusts: an issuer may have withdrawn one since.
const oldest = 7 * 24 * time.Hour

var errNotKept = errors.New("no keys are kept")

// file is where the keys of a source are kept. Its first line is the source, or another's keys could pass for these.
func (r *Ring) file(at source) (path string, head []byte) {
	head = []byte(at.issuer + " " + at.url + "\n")
	sum := sha256.Sum256(head)
	return filepath.Join(r.o.Dir, hex.EncodeToString(sum[:12])+".keys"), head
}

// keep writes the keys down: after a crash there are the old ones or the new ones, whole. The file's time is when they were
// fetched.
func (r *Ring) keep(at source, text []byte, when time.Time) error {
	if r.o.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(r.o.Dir, 0o700); err != nil {
		return err
	}
	path, head := r.file(at)
	return durable.WriteFile(path, append(head, text...), durable.Options{ModTime: when})
}

// kept reads the keys that an earlier run has kept, and when they were fetched.
func (r *Ring) kept(at source) (*keys, time.Time, error) {
	if r.o.Dir == "" {
		return nil, time.Time{}, errNotKept
	}
	path, head := r.file(at)
	info, err := os.Stat(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	when := info.ModTime()
	if r.o.Now().Sub(when) > oldest || info.Size() > maxSet+int64(len(head)) {
		return nil, time.Time{}, errNotKept
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	text, ours := bytes.CutPrefix(text, head)
	if !ours {
		return nil, time.Time{}, errNotKept
	}
	set, err := readKeys(text)
	return set, when, err
}
