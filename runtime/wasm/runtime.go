package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// Errors of loading and running. Every rejection wraps ErrModule.
var (
	ErrModule = errors.New("module rejected")       // Load or Program rejects it
	ErrClosed = errors.New("closed to new callers") // the Runtime or the Program is closed
)

// Options configures a Runtime. The zero Options compiles in this process, which suits tests only.
type Options struct {
	Cache  string       // folder of compiled modules, made with mode 0700; "": temporary
	Child  string       // program that calls RunCompileChild first; "": compile in this process
	Slots  int          // guests that run at the same time; default GOMAXPROCS
	Key    []byte       // seals the cache and seeds startup randomness; empty: checksum, random key
	Limits meter.Limits // zero fields are those of meter.DefaultLimits
}

// Runtime holds the modules of a process, each once.
type Runtime struct {
	slots         *semaphore
	key           []byte // seals the cache
	random        *runtime.Random
	limits        meter.Limits
	child         string
	cache         string
	ownsCache     bool          // Close removes the cache folder
	childTimeout  time.Duration // time limit of a compile child
	maxNative     int64         // bytes of native code of one module
	maxCache      int64         // bytes of the cache folder
	loadSemaphore chan struct{} // modules that are validated and compiled at the same time

	mu      sync.Mutex // guards the fields below
	modules map[[sha256.Size]byte]*Module
	closed  bool
}

// errAbandoned is the result if the caller that loads a module gives up. Another caller that waits
// for the module starts again.
var errAbandoned = errors.New("loading was given up")

// maxLoads is the number of modules that are rewritten and compiled at the same time.
const maxLoads = 2

// New makes a Runtime. The caller closes it after all of its modules.
func New(o Options) (*Runtime, error) {
	if o.Slots <= 0 {
		o.Slots = goruntime.GOMAXPROCS(0)
	}
	r := &Runtime{
		slots: newSemaphore(o.Slots), key: o.Key, limits: o.Limits, child: o.Child, cache: o.Cache,
		loadSemaphore: make(chan struct{}, maxLoads), modules: make(map[[sha256.Size]byte]*Module),
		childTimeout: maxCompileTime, maxNative: maxNativeBytes, maxCache: maxCacheBytes,
	}
	r.random = runtime.NewRandom(r.key)
	return r, r.openCache()
}

// openCache makes the cache folder, or checks that only the owner may write to it: its content is
// executed.
func (r *Runtime) openCache() error {
	if r.child == "" {
		return nil
	}
	if r.cache == "" {
		dir, err := os.MkdirTemp("", "tenterhook-modules-")
		r.cache, r.ownsCache = dir, true
		return err
	}
	var err error
	if r.cache, err = filepath.Abs(r.cache); err == nil { // the child works in another folder
		err = os.MkdirAll(r.cache, 0o700)
	}
	if err != nil {
		return fmt.Errorf("make the folder of compiled modules: %w", err)
	}
	return checkPrivate(r.cache)
}

// Close ends the Runtime. It returns an error if modules are still in use.
func (r *Runtime) Close() error {
	r.mu.Lock()
	r.closed = true
	held := len(r.modules)
	r.mu.Unlock()
	if held > 0 {
		return fmt.Errorf("close the runtime of modules: %d are still held", held)
	}
	if r.ownsCache {
		return os.RemoveAll(r.cache)
	}
	return nil
}

// Load validates and compiles a module, or returns the loaded one. The caller closes it. An error
// wraps ErrModule and lists every reason for the rejection, one a line; if ctx ends first it is
// ctx's error.
func (r *Runtime) Load(ctx context.Context, src []byte) (*Module, error) {
	hash := sha256.Sum256(src)
	for {
		m, first, err := r.retain(hash)
		if err != nil {
			return nil, err
		}
		if first {
			m.load(ctx, src)
		}
		select {
		case <-m.done:
		case <-ctx.Done():
			m.Close()
			return nil, ctx.Err()
		}
		if m.err == nil {
			return m, nil
		}
		err = m.err
		m.Close()
		if !errors.Is(err, errAbandoned) || ctx.Err() != nil {
			return nil, err
		}
	}
}

// retain adds a reference to the module, which is made if it does not exist.
func (r *Runtime) retain(hash [sha256.Size]byte) (m *Module, first bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, false, ErrClosed
	}
	m = r.modules[hash]
	if m == nil {
		m, first = &Module{runtime: r, hash: hash, done: make(chan struct{})}, true
		r.modules[hash] = m
	}
	m.references++
	return m, first, nil
}

// Stats describes the present state of a Runtime.
type Stats struct {
	Modules int // loaded or loading
	Running int // guests that hold a slot
	Waiting int // guests that wait for one
}

// Stats returns the present state of the Runtime.
func (r *Runtime) Stats() Stats {
	r.mu.Lock()
	s := Stats{Modules: len(r.modules)}
	r.mu.Unlock()
	r.slots.mu.Lock()
	defer r.slots.mu.Unlock()
	s.Running, s.Waiting = r.slots.size-r.slots.free, r.slots.newRuns.size+r.slots.yielded.size+r.slots.background.size
	return s
}
