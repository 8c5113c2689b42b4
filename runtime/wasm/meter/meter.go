// Package meter makes a WebAssembly module stop: it rewrites it so that it counts what it does, asks for leave to go on,
// and can be put back to where it was.
//
// The rewritten module keeps a count of fuel that is left in a local of every function, takes from it at the head of each
// stretch of code, and when it falls below nought calls Yield on its own goroutine. Nothing else is needed to stop it:
// no signal, no flag, no second goroutine. The same module with the same input spends the same on every machine.
package meter

import "math"

// What is injected. Names that begin with Reserved are refused in what is uploaded, so nothing of it is reachable but
// for the host.
const (
	Reserved = "tenterhook:"

	// ImportModule and Yield name the function that the rewritten module imports: (left i64) -> i64. It is called when the slice
	// of fuel is used up, with what is left of it, which is below nought, and between the pieces of a long bulk operation,
	// when it may not be. It returns the next slice, or panics to end the guest. Debt is carried by the host: what has been
	// spent of a slice of n units is n - left. While it runs, the global Fuel says nothing.
	ImportModule = "tenterhook:meter"
	Yield        = "yield"

	// Fuel is an exported mutable i64 global: units left of the slice. The host sets it before it calls an export and reads
	// it after; inside an imported function it is exact, and what is written there counts. It begins at nought, so a guest
	// that nobody gave fuel asks for it first. After a trap it is what was left at the last call or return.
	Fuel = "tenterhook:fuel"

	// Save and Restore are exported, () -> (), and not metered. Save notes all mutable globals, of any type, and all tables
	// that can change; Restore puts them back, and forgets how deep calls were nested when a trap ended them. Neither
	// touches memory.
	Save    = "tenterhook:save"
	Restore = "tenterhook:restore"

	// Start is the module's start function, () -> (), exported when it has one. It is not run by instantiation: the host
	// calls it like any other export, first and once, under a budget.
	Start = "tenterhook:start"
)

// linkedDepth is the depth, where Options.linked exports it: tests go on after a trap without Restore.
const linkedDepth = "tenterhook:depth"

// TooDeep is the argument of Yield when calls nest deeper than Options.Depth. The host should panic; a guest that is let go
// on traps at once.
const TooDeep = math.MinInt64

// StackGrown is the argument of Yield the first time since Restore that calls nest deeper than they do in most modules: the
// native stack has grown beyond shallowUnits times depthUnit bytes, and the host may let go of it after the run. What it
// returns is ignored; it neither settles nor sets any fuel.
const StackGrown = math.MinInt64 + 1

// What is charged beside one unit for each instruction. block, loop, else, end and nop are free; a call through a table
// and of an imported function is 17, and what a host function costs beyond that is the host's to charge. Up to 32 units
// may be charged for what follows a branch that is not taken. A unit takes a nanosecond or a few; of code
// that does nothing but wait for memory that is far, a hundred.
const (
	perAccess    = 1       // a load or a store of one value
	perReference = 500     // a ref.func, for which the engine leaves the module
	perBulk      = 16      // a bulk operation of any length
	bulkShift    = 3       // bulk operations on memory: one for every 8 bytes; on tables: one an element
	perGrow      = 1000    // a memory.grow or table.grow
	perPage      = 4096    // each page that memory.grow asks for, up to the cap; table.grow: one an element
	freeLocals   = 16      // a call of a function that has more locals, a join of paths on which more were set: one for every two beyond
	freeValues   = 4       // a call or a branch that carries more values, a v128 being two: one for each beyond
	chunk        = 1 << 18 // bytes of a bulk operation between two looks at the clock
	chunkRefs    = 1 << 14 // the same, elements of a table
)

// What depth is in bytes of native stack. What is estimated for a function of Go's is some four times what it takes, and
// encoding/json nests 1,200 deep with little in front of it.
const (
	depthUnit      = 128
	softDepthUnits = 2048
)

// Options says what a module may be. The zero Options has DefaultLimits, 256 pages and a depth of 30,000: 4 MB.
type Options struct {
	Limits Limits // a field of nought is that of DefaultLimits
	Pages  uint32 // most memory, in pages of 64 KiB. The rewritten module declares one page more: see Module.MemoryMax
	Depth  uint32 // how deep calls may nest: a call counts one, and one for each depthUnit bytes of its native frame

	linked bool // tests only: memories, tables and globals may be imported, a memory's most stays as it was, the depth is exported
	exact  bool // tests only: every instruction is charged when it is reached
}

// Module is a rewritten module and what the host should know of it.
type Module struct {
	Code    []byte   // the rewritten module
	Imports []Extern // of the module as it was uploaded, in its order; functions only
	Exports []Extern

	HasMemory bool
	MemoryMin uint32 // pages
	// MemoryMax is what Code declares, in pages: one more than the module may have, which is the smaller of Options.Pages
	// and what the module declared. wazero lets a memory shrink only while it grows, so a memory at its cap must be able
	// to grow by one page: the host's allocator gives back a shorter memory then, and refuses to go above the cap itself.
	MemoryMax uint32

	Functions, Types, Tables, Globals, Data, Elements int

	Entries  int64 // of all tables at first, and of what Save notes them in
	Restored int64 // of the tables that Restore puts back

	Start        bool     // it has a start function: see the constant
	Unrestorable []string // what Restore cannot undo, of table.grow, data.drop and elem.drop: a new instance for each call
}

// Extern is something that a module imports or exports.
type Extern struct {
	Module string // of an import
	Name   string
	Kind   string // "func", "table", "memory" or "global"
	Type   string // "(i32, i32) -> i64", "() -> ()", "funcref", "1..16 pages", "mut i64"
}

// Rewrite makes a module that stops within its budget out of src, which it does not keep. An error is Refusals: every
// reason for which src is not accepted. Types are not checked; who compiles Code does that, and what was badly typed in
// src is badly typed in Code.
func Rewrite(src []byte, o Options) (*Module, error) {
	o = o.withDefaults()
	m := &module{src: src, options: o, start: -1, dataCount: -1}
	if !m.checkMax(0, "module", "bytes", len(src), o.Limits.Bytes) {
		return nil, m.rejections
	}
	m.decode()
	if !m.partial {
		m.planFunctions()
	}
	if len(m.rejections) > 0 {
		return nil, m.rejections
	}
	return m.write(), nil
}

// withDefaults is o with defaults in its zero fields.
func (o Options) withDefaults() Options {
	o.Limits = o.Limits.withDefaults()
	if o.Pages == 0 {
		o.Pages = 256
	}
	if o.Depth == 0 {
		o.Depth = 30_000
	}
	o.Pages = min(o.Pages, 1<<16-1)
	o.Depth = min(o.Depth, 1<<30)
	return o
}
