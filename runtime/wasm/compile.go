package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tetratelabs/wazero"
)

// What a compile child may take. Real modules take a tenth of it; a module of a few kilobytes that was made to hurt takes
// whatever there is.
const (
	maxCompileTime   = 60 * time.Second // by the wall
	maxCompileCPU    = 30               // of the processor
	maxCompileMemory = 768 << 20        // bytes
	maxNativeBytes   = 64 << 20         // of the native code of one module, which this process maps; Go's guests have ten
	maxCachedModules = 256              // compiled modules that are kept
	maxCacheBytes    = 1 << 30          // that they have in all
)

// compile makes native code of a rewritten module. A child process does the work and leaves it in the cache folder, and
// this process loads it from there. The child goes first even when the folder has the code already: what it has not
// loaded within its limits is not loaded here.
func (m *Module) compile(ctx context.Context, code []byte) error {
	var dir string
	if m.runtime.child != "" {
		sum := sha256.Sum256(code)
		dir = filepath.Join(m.runtime.cache, hex.EncodeToString(sum[:]))
		if err := m.runtime.fillCache(ctx, dir, code); err != nil {
			return err
		}
	}
	n, err := compileNative(ctx, dir, code)
	if err != nil {
		return err
	}
	if err := instantiateHostModules(context.Background(), n.engine); err != nil {
		n.close()
		return err
	}
	m.native = n
	return nil
}

// native is a compiled module with the machine that runs it, which has host modules of its own: closing it closes all
// there is.
type native struct {
	engine wazero.Runtime
	code   wazero.CompiledModule
	cache  wazero.CompilationCache // nil: none
}

// compileNative is the module compiled, from or into the folder; "" is none.
func compileNative(ctx context.Context, dir string, code []byte) (n *native, err error) {
	n = new(native)
	config := wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false)
	if dir != "" {
		if n.cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(n.cache)
	}
	n.engine = wazero.NewRuntimeWithConfig(context.Background(), config)
	if n.code, err = n.engine.CompileModule(ctx, code); err != nil {
		n.close()
		return nil, fmt.Errorf("compile: %w", err)
	}
	return n, nil
}

func (n *native) close() error {
	err := n.engine.Close(context.Background())
	if n.cache != nil { // the machine leaves it to whoever made it
		err = errors.Join(err, n.cache.Close(context.Background()))
	}
	return err
}
