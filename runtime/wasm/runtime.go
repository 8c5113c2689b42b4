// Package wasm is for rules that are WebAssembly modules: it judges them, compiles them, and keeps the runtime's promise
// for them.
//
// Whoever wrote a module: it stops within its budget, cannot freeze another call, cannot see what an earlier call left
// behind, cannot take more memory than its cap, cannot make the compiler run away, and when it fails only its own call
// notices. A module is rewritten so that it counts what it does (package meter), compiled in a child process, and every
// call finds it as it was when the rule was loaded.
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

// The ways a module is refused or a program cannot be used. Whatever is refused wraps ErrModule.
var (
	ErrModule = errors.New("module rejected")       // Load or Program says no to it
	ErrClosed = errors.New("closed to new callers") // the Runtime or the Program was closed
)

// Options is how modules are run. The zero Options compiles in this process, which suits a test only.
type Options struct {
	Cache  string       // the folder compiled modules are kept in, made with mode 0700; "": one that goes with the Runtime
	Child  string       // the program that is run again to compile a module, and that calls Main first; "": no child
	Slots  int          // guests that run at the same time; default GOMAXPROCS
	Key    []byte       // of the server: seals the cache and makes the randomness of what runs before any event; empty: a checksum, and a random key
	Limits meter.Limits // what a module may be; a field of nought is that of meter.DefaultLimits
}

// Runtime holds the modules of a process, each once, whoever asks for it.
type Runtime struct {
	slots         *semaphore
	key           []byte // seals the cache
	random        *runtime.Random
	limits        meter.Limits
	child         string
	cache         string
	ownsCache     bool          // the cache folder goes with the Runtime
	childTimeout  time.Duration // with a compile child
	maxNative     int64         // bytes of native code that a module may become
	maxCache      int64         // bytes for all of it in the cache folder
	loadSemaphore chan struct{} // modules that may be judged at the same time

	mu      sync.Mutex // guards what follows
	modules map[[sha256.Size]byte]*Module
	closed  bool
}

// errAbandoned: who was loading the module has given up. Another who waits for it begins again.
var errAbandoned = errors.New("loading was given up")

// maxLoads is how many modules are rewritten and compiled at the same time.
const maxLoads = 2

// New makes a Runtime, which the caller closes once all of its modules are.
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

// openCache makes the cache folder, or sees that nobody else may write to the one there is: what lies in it is run.
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

// Close ends the Runtime. An error says that modules are still held.
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

// Load judges a module and compiles it, or finds it already loaded. The caller closes what it is given. An error wraps
// ErrModule and lists every reason for which the module is refused, one a line; when ctx ends first it is ctx's.
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

// retain counts one more holder of the module, which is made when there is none.
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

// Stats is what a Runtime holds and does at the moment.
type Stats struct {
	Modules int // loaded, or being loaded
	Running int // guests that hold a slot
	Waiting int // guests that wait for one
}

// Stats tells what the Runtime holds and does.
func (r *Runtime) Stats() Stats {
	r.mu.Lock()
	s := Stats{Modules: len(r.modules)}
	r.mu.Unlock()
	r.slots.mu.Lock()
	defer r.slots.mu.Unlock()
	s.Running, s.Waiting = r.slots.size-r.slots.free, r.slots.newRuns.size+r.slots.yielded.size+r.slots.background.size
	return s
}
