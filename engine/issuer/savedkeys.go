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

// maxSavedAge limits the age of saved keys that a start trusts: an issuer may have withdrawn one
// since.
const maxSavedAge = 7 * 24 * time.Hour

var errNotSaved = errors.New("no keys are saved")

// keysFile returns the file for the keys of a source. Its first line is the source, so that it
// cannot pass for another's file.
func (r *Keyring) keysFile(at source) (path string, head []byte) {
	head = []byte(at.issuer + " " + at.url + "\n")
	sum := sha256.Sum256(head)
	return filepath.Join(r.o.Dir, hex.EncodeToString(sum[:12])+".keys"), head
}

// saveKeys replaces the saved keys atomically. The file's time is that of the fetch.
func (r *Keyring) saveKeys(at source, text []byte, when time.Time) error {
	if r.o.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(r.o.Dir, 0o700); err != nil {
		return err
	}
	path, head := r.keysFile(at)
	return durable.WriteFile(path, append(head, text...), durable.Options{ModTime: when})
}

// loadKeys reads the keys that an earlier run has saved, with the time of their fetch.
func (r *Keyring) loadKeys(at source) (*keys, time.Time, error) {
	if r.o.Dir == "" {
		return nil, time.Time{}, errNotSaved
	}
	path, head := r.keysFile(at)
	info, err := os.Stat(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	when := info.ModTime()
	if r.o.Now().Sub(when) > maxSavedAge || info.Size() > maxSet+int64(len(head)) {
		return nil, time.Time{}, errNotSaved
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	text, ours := bytes.CutPrefix(text, head)
	if !ours {
		return nil, time.Time{}, errNotSaved
	}
	set, err := parseKeys(text)
	return set, when, err
}
