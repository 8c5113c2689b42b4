package wasm

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// fillCache makes sure that the folder holds the compiled module. A folder with a wrong seal, or
// that the child cannot load, is compiled again. Compilation uses a temporary name, so several
// processes can share a cache.
func (r *Runtime) fillCache(ctx context.Context, dir string, code []byte) error {
	// The child may add code for another processor, so the folder is sealed again.
	if r.isSealed(dir) && r.runChild(ctx, dir, code) == nil && r.seal(dir) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	made, err := os.MkdirTemp(r.cache, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	if err := r.runChild(ctx, made, code); err != nil {
		return err
	}
	if err := r.seal(made); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(made, dir)); err != nil && !r.isSealed(dir) {
		return err
	}
	r.evictCache()
	return nil
}

// sealName is the file with the MAC of the compiled module under the server's key. Without a key it
// is a checksum.
const sealName = "seal"

// isSealed reports whether the folder's content matches its seal under this key.
func (r *Runtime) isSealed(dir string) bool {
	want, err := os.ReadFile(filepath.Join(dir, sealName))
	if err != nil {
		return false
	}
	got, err := r.computeMAC(dir)
	return err == nil && hmac.Equal(got, want)
}

func (r *Runtime) seal(dir string) error {
	mac, err := r.computeMAC(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sealName), mac, 0o600)
}

func (r *Runtime) computeMAC(dir string) ([]byte, error) {
	h := hmac.New(sha256.New, r.key)
	files, size := 0, int64(0)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == sealName {
			return err
		}
		files++
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintf(h, "compiled %q\n", name)
		n, err := io.Copy(h, f)
		size += n
		return err
	})
	switch {
	case err != nil:
	case files == 0:
		err = errors.New("compile: the child left nothing")
	case size > r.maxNative:
		err = fmt.Errorf("compile: it becomes %d KiB of native code, want at most %d", size>>10, r.maxNative>>10)
	}
	return h.Sum(nil), err
}

// evictCache removes the least recently loaded modules while the cache has too many entries or
// bytes. Removing a module that is loaded does not affect its use.
func (r *Runtime) evictCache() {
	entries, err := os.ReadDir(r.cache)
	if err != nil {
		return
	}
	all := make([]cacheEntry, len(entries))
	for i, e := range entries {
		all[i] = readCacheEntry(filepath.Join(r.cache, e.Name()))
	}
	slices.SortFunc(all, func(a, b cacheEntry) int { return b.lastLoad.Compare(a.lastLoad) })
	room := r.maxCache
	for i, k := range all {
		if room -= k.bytes; i > 0 && room < 0 || i >= maxCachedModules {
			os.RemoveAll(k.path)
		}
	}
}

// cacheEntry is a compiled module in the cache folder.
type cacheEntry struct {
	path     string
	lastLoad time.Time // last load
	bytes    int64
}

// readCacheEntry reads size and last load of an entry. Without a seal (compilation is running, or
// was killed) the folder's modification time counts.
func readCacheEntry(dir string) cacheEntry {
	k := cacheEntry{path: dir, lastLoad: time.Now()}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // another process has removed it
		}
		info, err := e.Info()
		switch {
		case err != nil:
		case path == dir, e.Name() == sealName:
			k.lastLoad = info.ModTime()
		default:
			k.bytes += info.Size()
		}
		return nil
	})
	return k
}

// checkPrivate returns an error if others than the owner may write to the folder.
func checkPrivate(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("the folder of compiled modules %s has mode %#o: want 0700, because its files are executed", dir, mode)
	}
	return nil
}
