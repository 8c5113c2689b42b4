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
)

// openDataDir makes the data directory, for its owner only. It lies outside the policy folder: what is written there would
// change the folder.
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
		return "", fmt.Errorf("make the data directory: %w", err)
	}
	if isWithin(data, policy) {
		return "", usage("%s %s: want a directory outside the policy folder %s", p.flagSource("data"), data, policy)
	}
	return data, p.rejectWorldWritable(data)
}

// rejectWorldWritable refuses a directory in which every user of the machine may put, and replace, what this program trusts: the ledger,
// the last good rules, the tokens. A group may, because a volume is given to a program in this way.
func (p *Program) rejectWorldWritable(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 { // its modes say nothing about who may
		return usage("%s %s: everybody on this machine may write there (mode %v): want a directory of one's own, such as %s, which is made when it "+
			"is not there", p.flagSource("data"), dir, info.Mode(), filepath.Join(dir, "tenterhook"))
	}
	return nil
}

// isWithin reports whether path lies in dir, wherever links lead.
func isWithin(path, dir string) bool {
	top, err := os.Stat(dir)
	if err != nil {
		return false // the folder is not there; that is told when it is read
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

// stateDir is where the program keeps what must outlive it when nobody says where: the user's state folder, as the XDG
// base directory specification has it. It is never the working directory.
func (p *Program) stateDir() (string, error) {
	if dir, ok := p.Env("XDG_STATE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "tenterhook"), nil
	}
	home, ok := p.Env("HOME")
	if !ok || !filepath.IsAbs(home) {
		return "", usage("there is no home folder to keep data in: say where with --data")
	}
	return filepath.Join(home, ".local", "state", "tenterhook"), nil
}

// cacheDir is where modules stay compiled between two runs of a verb: in the user's cache folder, as the XDG base directory
// specification has it. Empty when there is none.
func (p *Program) cacheDir() string {
	if dir, ok := p.Env("XDG_CACHE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "tenterhook")
	}
	if home, ok := p.Env("HOME"); ok && filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "tenterhook")
	}
	return ""
}

// randomKeyFile lies in the data directory.
const randomKeyFile = "random-key"

// randomKey is what the randomness of runs is made with: it is made at the first start, and whoever has it can foresee that.
func randomKey(data string) ([]byte, error) {
	path := filepath.Join(data, randomKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of randomness: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key of randomness: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != sha256.Size || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read the key of randomness: %s, mode %v: want %d bytes in hex, for their owner alone; a new one is made when it is gone",
			path, info.Mode(), sha256.Size)
	}
	return key, nil
}

func newKey(path string) ([]byte, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(path), randomKeyFile+"-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("keep the key of randomness: %w", err)
	}
	defer os.Remove(f.Name()) // when it was not renamed
	_, err = fmt.Fprintln(f, hex.EncodeToString(key))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("keep the key of randomness: %w", err)
	}
	return key, os.Rename(f.Name(), path)
}
