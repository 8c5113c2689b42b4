package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/tenterhook/tenterhook/engine/durable"
)

// openDataDir creates the data directory, accessible to its owner only. It must lie outside the
// policy folder, because files written there would change the folder.
func (p *Program) openDataDir(data, policy string) (string, error) {
	if data == "" {
		var err error
		if data, err = p.stateDir(); err != nil {
			return "", err
		}
	}
	data, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("create the data directory: %w", err)
	}
	if isWithin(data, policy) {
		return "", usage("%s %s: want a directory outside the policy folder %s", p.flagSource("data"), data, policy)
	}
	return data, p.rejectWorldWritable(data)
}

// rejectWorldWritable rejects a directory in which every user of the machine can replace files that
// this program trusts: the ledger, the last good rules, the tokens. A writable group is allowed,
// because container volumes are mounted that way.
func (p *Program) rejectWorldWritable(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 { // where the mode has no such bit
		return usage("%s %s: everybody on this machine can write there (mode %v): want a private directory such as %s, which is created if "+
			"missing", p.flagSource("data"), dir, info.Mode(), filepath.Join(dir, "tenterhook"))
	}
	return nil
}

// isWithin reports whether path lies in dir after resolving symbolic links.
func isWithin(path, dir string) bool {
	top, err := os.Stat(dir)
	if err != nil {
		return false // a missing folder is reported when it is read
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	for {
		if here, err := os.Stat(path); err == nil && os.SameFile(here, top) {
			return true
		}
		up := filepath.Dir(path)
		if up == path {
			return false
		}
		path = up
	}
}

// stateDir returns the default data directory: in the user's state folder, by the XDG base
// directory specification. It is never the working directory.
func (p *Program) stateDir() (string, error) {
	if dir, ok := p.Env("XDG_STATE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "tenterhook"), nil
	}
	home, ok := p.Env("HOME")
	if !ok || !filepath.IsAbs(home) {
		return "", usage("there is no home folder for the data directory: name one with --data")
	}
	return filepath.Join(home, ".local", "state", "tenterhook"), nil
}

// cacheDir returns the directory of compiled modules for all verbs but serve: in the user's cache
// folder, by the XDG base directory specification, or "" without one.
func (p *Program) cacheDir() string {
	if dir, ok := p.Env("XDG_CACHE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "tenterhook")
	}
	if home, ok := p.Env("HOME"); ok && filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "tenterhook")
	}
	return ""
}

// randomKeyFile is the name of the random key in the data directory.
const randomKeyFile = "random-key"

// randomKey reads the key from which the random values of runs are derived. The first start creates
// it. It is secret, because it makes those values predictable.
func randomKey(data string) ([]byte, error) {
	path := filepath.Join(data, randomKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the random key: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the random key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != sha256.Size || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read the random key: %s, mode %v: want %d bytes in hex, readable by its owner only; delete the file to get a new key",
			path, info.Mode(), sha256.Size)
	}
	return key, nil
}

func newKey(path string) ([]byte, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	if err := durable.WriteFile(path, []byte(hex.EncodeToString(key)+"\n"), durable.Options{}); err != nil {
		return nil, fmt.Errorf("store the random key: %w", err)
	}
	return key, nil
}
