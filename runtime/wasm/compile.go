package wasm

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
)

// What a compile child may take. Real modules take a tenth of it; a module of a few kilobytes that was made to hurt takes
// whatever there is.
const (
	compileTime    = 60 * time.Second // by the wall
	compileSeconds = 30               // of the processor
	compileMemory  = 768 << 20        // bytes
	nativeBytes    = 64 << 20         // of the native code of one module, which this process maps; Go's guests have ten
	keptModules    = 256              // compiled modules that are kept
	keptBytes      = 1 << 30          // that they have in all
)

// compile makes native code of a rewritten module. A child process does the work and leaves it in the cache folder, and
// this process loads it from there. The child goes first even when the folder has the code already: what it has not
// loaded within its limits is not loaded here.
func (m *Module) compile(ctx context.Context, code []byte) error {
	var dir string
	if m.runtime.child != "" {
		sum := sha256.Sum256(code)
		dir = filepath.Join(m.runtime.cache, hex.EncodeToString(sum[:]))
		if err := m.runtime.cached(ctx, dir, code); err != nil {
			return err
		}
	}
	n, err := compiled(ctx, dir, code)
	if err != nil {
		return err
	}
	if err := furnish(context.Background(), n.machine); err != nil {
		n.close()
		return err
	}
	m.native = n
	return nil
}

// native is a compiled module with the machine that runs it, which has host modules of its own: closing it closes all
// there is.
type native struct {
	machine wazero.Runtime
	code    wazero.CompiledModule
	cache   wazero.CompilationCache // nil: none
}

// compiled is the module compiled, from or into the folder; "" is none.
func compiled(ctx context.Context, dir string, code []byte) (n *native, err error) {
	n = new(native)
	config := wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false)
	if dir != "" {
		if n.cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(n.cache)
	}
	n.machine = wazero.NewRuntimeWithConfig(context.Background(), config)
	if n.code, err = n.machine.CompileModule(ctx, code); err != nil {
		n.close()
		return nil, fmt.Errorf("compile: %w", err)
	}
	return n, nil
}

func (n *native) close() error {
	err := n.machine.Close(context.Background())
	if n.cache != nil { // the machine leaves it to whoever made it
		err = errors.Join(err, n.cache.Close(context.Background()))
	}
	return err
}

// cached has a child see to it that the folder holds the compiled module. A folder that is not as it was left, or that the
// child cannot read, is made anew; what is half made has another name, so that several processes can share a cache.
func (r *Runtime) cached(ctx context.Context, dir string, code []byte) error {
	if r.intact(dir) && r.breed(ctx, dir, code) == nil && r.seal(dir) == nil { // it may have been added to, for another processor
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
	if err := r.breed(ctx, made, code); err != nil {
		return err
	}
	if err := r.seal(made); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(made, dir)); err != nil && !r.intact(dir) {
		return err
	}
	r.trim()
	return nil
}

// breed runs the child. It gets no environment, so none of the server's secrets, and the module by its standard input.
func (r *Runtime) breed(ctx context.Context, dir string, code []byte) error {
	limited, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	var says bytes.Buffer
	cmd := exec.CommandContext(limited, r.child)
	cmd.Args = []string{childName, dir}
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(code)
	cmd.Stderr = &capped{to: &says}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	said, ended := strings.TrimSpace(says.String()), cmd.ProcessState
	switch {
	case ended == nil && limited.Err() == nil:
		return fmt.Errorf("compile: start a child: %w", err)
	case ended.ExitCode() == exitRefused:
		return errors.New(said)
	case limited.Err() != nil, ended.ExitCode() == exitTime, ended.UserTime()+ended.SystemTime() > compileSeconds*time.Second:
		return fmt.Errorf("compile: it takes more than %d s of a processor, or %v", compileSeconds, r.patience)
	case ended.ExitCode() == exitMemory, ended.ExitCode() < 0, strings.Contains(said, "out of memory"), strings.Contains(said, "allocate"):
		return fmt.Errorf("compile: it takes more than %d MiB", compileMemory>>20)
	}
	return fmt.Errorf("compile: the child ended with %w: %.500s", err, said)
}

// capped keeps the first few kilobytes of what is written to it.
type capped struct{ to *bytes.Buffer }

func (c *capped) Write(b []byte) (int, error) {
	if room := 4<<10 - c.to.Len(); room > 0 {
		c.to.Write(b[:min(len(b), room)])
	}
	return len(b), nil
}

// sealName is the file beside what the child left: the MAC of all of it under the server's key, a mere checksum without one.
const sealName = "seal"

// intact reports whether the folder holds what it held when it was sealed, by this key.
func (r *Runtime) intact(dir string) bool {
	want, err := os.ReadFile(filepath.Join(dir, sealName))
	if err != nil {
		return false
	}
	got, err := r.mac(dir)
	return err == nil && hmac.Equal(got, want)
}

func (r *Runtime) seal(dir string) error {
	mac, err := r.mac(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sealName), mac, 0o600)
}

func (r *Runtime) mac(dir string) ([]byte, error) {
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
	case size > r.largest:
		err = fmt.Errorf("compile: it becomes %d KiB of native code, want at most %d", size>>10, r.largest>>10)
	}
	return h.Sum(nil), err
}

// trim removes the compiled modules that have not been loaded for longest, where there are too many or they are too large. One
// that is in use stays in use.
func (r *Runtime) trim() {
	entries, err := os.ReadDir(r.cache)
	if err != nil {
		return
	}
	all := make([]kept, len(entries))
	for i, e := range entries {
		all[i] = keptIn(filepath.Join(r.cache, e.Name()))
	}
	slices.SortFunc(all, func(a, b kept) int { return b.loaded.Compare(a.loaded) })
	room := r.room
	for i, k := range all {
		if room -= k.bytes; i > 0 && room < 0 || i >= keptModules {
			os.RemoveAll(k.dir)
		}
	}
}

// kept is a compiled module in the cache folder.
type kept struct {
	dir    string
	loaded time.Time // last
	bytes  int64
}

// keptIn looks at one. What has no seal is being made, or was left by a kill, and is as old as its folder.
func keptIn(dir string) kept {
	k := kept{dir: dir, loaded: time.Now()}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // another process has removed it
		}
		info, err := e.Info()
		switch {
		case err != nil:
		case path == dir, e.Name() == sealName:
			k.loaded = info.ModTime()
		default:
			k.bytes += info.Size()
		}
		return nil
	})
	return k
}

// private reports a folder that others than its owner may write to.
func private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("the folder of compiled modules %s has mode %#o: want 0700, since what lies in it is run", dir, mode)
	}
	return nil
}
