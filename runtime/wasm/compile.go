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

// Limits of a compile child. Real modules need a tenth of them; a hostile module of a few kilobytes
// would use all memory and time available.
const (
	maxCompileTime   = 60 * time.Second // wall clock
	maxCompileCPU    = 30               // CPU seconds
	maxCompileMemory = 768 << 20        // bytes
	maxNativeBytes   = 64 << 20         // native code of one module; Go guests have 10 MiB
	maxCachedModules = 256              // compiled modules in the cache
	maxCacheBytes    = 1 << 30          // total size of the cache
)

// compile compiles a rewritten module to native code. A child process compiles it into the cache
// folder, and this process loads it from there. The child runs even when the folder has the code
// already: only code that the child could load within its limits is loaded here.
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

// native is a compiled module with its own wazero runtime and host modules. Closing it releases
// everything.
type native struct {
	engine wazero.Runtime
	code   wazero.CompiledModule
	cache  wazero.CompilationCache // nil without a cache
}

// compileNative compiles the module. With a folder, it reads or fills the cache there.
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
	if n.cache != nil { // closing the runtime leaves the cache open
		err = errors.Join(err, n.cache.Close(context.Background()))
	}
	return err
}
