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
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// guests makes what runs modules, and compiles them in a child of this program; cache is where they are kept, empty for nowhere.
func guests(cache string, key []byte) (*wasm.Runtime, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, which compiles modules in a child: %w", err)
	}
	r, err := wasm.New(wasm.Options{Cache: cache, Child: self, Key: key})
	if err != nil {
		return nil, fmt.Errorf("run modules: %w", err)
	}
	return r, nil
}

// host is what runs the modules of what is only looked at. Main closes it.
func (p *Program) host() (_ *wasm.Runtime, err error) {
	if p.guests == nil {
		p.guests, err = guests(p.cacheDir(), nil)
	}
	return p.guests, err
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

// keyFile lies in the data directory.
const keyFile = "random-key"

// randomKey is what the randomness of runs is made with: it is made at the first start, and whoever has it can foresee that.
func randomKey(data string) ([]byte, error) {
	path := filepath.Join(data, keyFile)
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
	f, err := os.CreateTemp(filepath.Dir(path), keyFile+"-*") // mode 0600
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

// loading is how serve loads folders.
func (s *server) loading() (o rules.Options, err error) {
	key, err := randomKey(s.f.data)
	if err != nil {
		return o, err
	}
	if s.guests, err = guests(filepath.Join(s.f.data, "cache"), key); err != nil {
		return o, err
	}
	return rules.Options{Env: s.p.Env, Modules: s.guests, Random: runtime.NewRandom(key)}, nil
}
