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

// Module is a compiled module, shared by its users. It is immutable and safe for concurrent use.
type Module struct {
	runtime  *Runtime
	hash     [sha256.Size]byte
	done     chan struct{} // closed when the fields below are set
	err      error         // why it is rejected
	report   Report
	native   *native
	maxPages uint32 // maximum memory of an instance

	tableEntries, restoredEntries int64 // table entries: all, and those restored after each run

	usesDecide bool // it exports decide, not evaluate
	references int  // guarded by runtime.mu
}

// Report describes a module before it runs.
type Report struct {
	Hash         string        `json:"sha256"`     // SHA-256 of the uploaded bytes, in hexadecimal
	Bytes        int           `json:"bytes"`      // as uploaded
	Metered      int           `json:"metered"`    // bytes after metering
	Convention   string        `json:"convention"` // "evaluate" or "decide"
	Imports      []string      `json:"imports"`
	Exports      []string      `json:"exports"`
	Functions    int           `json:"functions"`
	Memory       int64         `json:"memory"`          // initial bytes of an instance
	MaxMemory    int64         `json:"maxMemory"`       // maximum bytes, whatever the budget
	Unrestorable []string      `json:"fresh,omitempty"` // see meter.Module
	Compile      time.Duration `json:"compile"`         // in JSON nanoseconds
}

// maxPages is the maximum memory of any module: the largest budget.
var maxPages = uint32(runtime.Max.Memory >> 16)

// load validates and compiles the module. The result is in m when m.done is closed. A rejected
// module is removed from the Runtime.
func (m *Module) load(ctx context.Context, src []byte) {
	start := time.Now()
	m.err = errAbandoned // for other callers if this panics
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

// publish wakes all callers that wait for the result in m.err.
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

// describe copies the rewriter's description of the module.
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

// tablePages is the part of an instance's memory that is charged for its tables, in pages.
func (m *Module) tablePages() uint32 { return uint32(m.tableEntries * tableEntryBytes >> 16) }

// Hash is the SHA-256 of the uploaded module in hexadecimal.
func (m *Module) Hash() string { return hex.EncodeToString(m.hash[:]) }

// Report describes the module.
func (m *Module) Report() Report { return m.report }

// retain adds a reference, and returns false after the last one was released.
func (m *Module) retain() bool {
	m.runtime.mu.Lock()
	defer m.runtime.mu.Unlock()
	if m.references == 0 {
		return false
	}
	m.references++
	return true
}

// Close releases a reference. The last one frees the module. Each Program holds one.
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
