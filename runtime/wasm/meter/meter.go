package meter

import "math"

// Injected names. An upload that uses a name with the prefix Reserved is rejected, so only the host
// can reach them.
const (
	Reserved = "tenterhook:"

	// ImportModule and Yield name the function that the rewritten module imports: (left i64) ->
	// i64. It is called when the slice of fuel is used up, with the negative rest, and between the
	// chunks of a long bulk operation, with any rest. It returns the next slice, or panics to end
	// the guest. The host carries the debt: n - left units of a slice of n were spent. During the
	// call the global Fuel is invalid.
	ImportModule = "tenterhook:meter"
	Yield        = "yield"

	// Fuel is an exported mutable i64 global: the rest of the slice. The host sets it before it
	// calls an export and reads it afterwards. Inside an imported function it is exact and can be
	// changed. It begins at zero, so a guest without fuel asks for it first. After a trap it is the
	// rest at the last call or return.
	Fuel = "tenterhook:fuel"

	// Save and Restore are exported, () -> (), and not metered. Save copies all mutable globals and
	// all tables that can change. Restore copies them back and resets the depth of nested calls
	// after a trap. Neither touches memory.
	Save    = "tenterhook:save"
	Restore = "tenterhook:restore"

	// Start is the module's start function, () -> (), exported if the module has one. Instantiation
	// does not run it: the host calls it first, once, under a budget.
	Start = "tenterhook:start"
)

// linkedDepth is the exported depth under Options.linked: tests continue after a trap without
// Restore.
const linkedDepth = "tenterhook:depth"

// TooDeep is the argument of Yield when calls nest deeper than Options.Depth. The host should
// panic. If it returns, the guest traps.
const TooDeep = math.MinInt64

// StackGrown is the argument of Yield when calls first nest deeper than softDepthUnits since
// Restore, which is deeper than in most modules. The native stack has grown beyond softDepthUnits ×
// depthUnit bytes, and the host may release it after the run. The result is ignored, and no fuel is
// accounted.
const StackGrown = math.MinInt64 + 1

// Prices beside one unit for each instruction. block, loop, else, end and nop are free. A call
// through a table or of an imported function costs 17; the host charges more for its own work. Up
// to 32 units may be charged for code behind a branch that is not taken. A unit takes one to a few
// nanoseconds, in code that waits for memory a hundred.
const (
	perAccess    = 1       // a load or a store of one value
	perReference = 500     // ref.func: the engine leaves the module for it
	perBulk      = 16      // a bulk operation of any length
	bulkShift    = 3       // memory: one for every 8 bytes; tables: one an element
	perGrow      = 1000    // a memory.grow or table.grow
	perPage      = 4096    // each page of memory.grow; table.grow: one an element
	freeLocals   = 16      // above it calls and joins pay one for every two locals
	freeValues   = 4       // above it calls and branches pay one for each value (v128: two)
	chunk        = 1 << 18 // bytes of a bulk operation between two calls of the host
	chunkRefs    = 1 << 14 // the same in table elements
)

// Depth in bytes of native stack. The estimate for functions of Go is some four times too high, and
// encoding/json nests 1,200 deep with little in front of it.
const (
	depthUnit      = 128
	softDepthUnits = 2048
)

// Options of Rewrite. The zero Options means DefaultLimits, 256 pages and a depth of 30,000 (4 MB).
type Options struct {
	Limits Limits // zero fields are those of DefaultLimits
	Pages  uint32 // maximum memory in pages of 64 KiB; Code declares one more: see Module.MemoryMax
	Depth  uint32 // maximum: a call counts 1, plus 1 for each depthUnit of frame

	linked bool // tests only: allow imported memories, tables and globals, export the depth
	exact  bool // tests only: charge every instruction when it is reached
}

// Module is a rewritten module with its description for the host.
type Module struct {
	Code    []byte   // the rewritten module
	Imports []Extern // of the upload, in its order; functions only
	Exports []Extern

	HasMemory bool
	MemoryMin uint32 // pages
	// MemoryMax is the maximum that Code declares, in pages: one more than the module may have,
	// which is the smaller of Options.Pages and its own maximum. wazero can shrink a memory only
	// while it grows, so a memory at its maximum must be able to grow by one page. The host's
	// allocator returns a shorter memory then, and enforces the real maximum itself.
	MemoryMax uint32

	Functions, Types, Tables, Globals, Data, Elements int

	Entries  int64 // initial entries of all tables, and of their saved copies
	Restored int64 // entries of the tables that Restore copies back

	GoLinked     bool     // made by Go's linker: it has a build ID
	Start        bool     // has a start function, exported as Start
	Unrestorable []string // table.grow, data.drop, elem.drop: each call needs a new instance
}

// Extern is an import or export of a module.
type Extern struct {
	Module string // import module
	Name   string
	Kind   string // "func", "table", "memory" or "global"
	Type   string // "(i32, i32) -> i64", "() -> ()", "funcref", "1..16 pages", "mut i64"
}

// Rewrite returns src with metering. It does not keep src. An error is Rejections: every reason why
// src is not accepted. It does not check operand types: the compiler does, and a type error in src
// remains one in Code.
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

// withDefaults replaces zero fields by defaults.
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
