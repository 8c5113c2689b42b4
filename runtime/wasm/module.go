package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// Module is a compiled module, shared by all that hold it. It is immutable and safe for concurrent use.
type Module struct {
	runtime  *Runtime
	hash     [sha256.Size]byte
	done     chan struct{} // closed once what follows is set
	err      error         // why it is refused
	report   Report
	native   *native
	maxPages uint32 // most memory of an instance

	tableEntries, restoredEntries int64 // of tables: all, and those that are put back after each run

	usesDecide bool // its convention is decide
	references int  // guarded by runtime.mu
}

// Report is what is known of a module before it runs.
type Report struct {
	Hash         string        `json:"sha256"`     // SHA-256 of the bytes as they were uploaded, in hexadecimal
	Bytes        int           `json:"bytes"`      // as uploaded
	Metered      int           `json:"metered"`    // bytes once it counts what it does
	Convention   string        `json:"convention"` // "evaluate" or "decide"
	Imports      []string      `json:"imports"`
	Exports      []string      `json:"exports"`
	Functions    int           `json:"functions"`
	Memory       int64         `json:"memory"`          // bytes an instance begins with
	MaxMemory    int64         `json:"maxMemory"`       // bytes it may have at most, whatever the budget
	Unrestorable []string      `json:"fresh,omitempty"` // what it does that cannot be undone; unless empty, each call gets a new instance
	Compile      time.Duration `json:"compile"`         // in JSON nanoseconds
}

// maxPages is the most memory a module can have: as much as any budget grants.
var maxPages = uint32(runtime.Most.Memory >> 16)

// load judges the module and compiles it. What it finds is in m once m.loaded is closed; a module that is refused is
// no longer found.
func (m *Module) load(ctx context.Context, src []byte) {
	start := time.Now()
	m.err = errAbandoned // what others find when this panics
	defer m.publish()
	err := m.validateAndCompile(ctx, src)
	m.report.Compile = time.Since(start)
	switch {
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", errAbandoned, ctx.Err())
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrModule, err)
	}
	m.err = err
}

// publish lets all who wait for the module know what m.err says of it.
func (m *Module) publish() {
	if m.err != nil {
		m.runtime.mu.Lock()
		delete(m.runtime.modules, m.hash)
		m.runtime.mu.Unlock()
	}
	close(m.done)
}

func (m *Module) validateAndCompile(ctx context.Context, src []byte) error {
	select {
	case m.runtime.loadSemaphore <- struct{}{}:
		defer func() { <-m.runtime.loadSemaphore }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := checkHeader(src); err != nil {
		return err
	}
	rewritten, err := meter.Rewrite(src, meter.Options{Limits: m.runtime.limits, Pages: maxPages})
	if rewritten == nil {
		return err
	}
	if err := errors.Join(checkConvention(rewritten), err); err != nil {
		return err
	}
	m.describe(src, rewritten)
	return m.compile(ctx, rewritten.Code)
}

// describe keeps what the rewriter tells of the module.
func (m *Module) describe(src []byte, w *meter.Module) {
	m.maxPages, m.tableEntries, m.restoredEntries = w.MemoryMax-1, w.Entries, w.Restored
	m.report = Report{
		Hash: m.Hash(), Bytes: len(src), Metered: len(w.Code), Convention: exportEvaluate, Functions: w.Functions,
		Memory: int64(w.MemoryMin) << 16, MaxMemory: int64(m.maxPages) << 16, Unrestorable: w.Unrestorable,
	}
	for _, e := range w.Imports {
		m.report.Imports = append(m.report.Imports, meter.PrintableName(e.Module)+"."+meter.PrintableName(e.Name)+" "+e.Type)
	}
	for _, e := range w.Exports {
		m.report.Exports = append(m.report.Exports, meter.PrintableName(e.Name)+" "+e.Type)
		m.usesDecide = m.usesDecide || e.Name == exportDecide
	}
	if m.usesDecide {
		m.report.Convention = exportDecide
	}
}

// tablePages is how much of an instance's memory its tables count for.
func (m *Module) tablePages() uint32 { return uint32(m.tableEntries * tableEntryBytes >> 16) }

// Hash is the SHA-256 of the module as it was uploaded, in hexadecimal.
func (m *Module) Hash() string { return hex.EncodeToString(m.hash[:]) }

// Report is what is known of the module.
func (m *Module) Report() Report { return m.report }

// retain counts one more holder, and is false when the last one has gone.
func (m *Module) retain() bool {
	m.runtime.mu.Lock()
	defer m.runtime.mu.Unlock()
	if m.references == 0 {
		return false
	}
	m.references++
	return true
}

// Close says that one holder is done with the module. With the last one it is gone; its programs count as holders.
func (m *Module) Close() error {
	m.runtime.mu.Lock()
	m.references--
	last := m.references == 0
	if last && m.runtime.modules[m.hash] == m {
		delete(m.runtime.modules, m.hash)
	}
	m.runtime.mu.Unlock()
	if !last || m.native == nil {
		return nil
	}
	return m.native.close()
}
