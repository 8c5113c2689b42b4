package meter

// Limits is what a module may be at most, found out before anything compiles it. They keep a small upload from becoming
// hours of compilation or gigabytes of host memory; real modules stay far below them.
type Limits struct {
	Bytes       int // of the module
	Types       int
	Functions   int // that the module defines
	Params      int // of one function type
	Results     int // of one function type, and as many parameters of a block
	Imports     int
	Exports     int
	Globals     int
	Tables      int
	Table       int // elements that a table begins with or grows to
	Elements    int // element segments
	ElementRefs int // elements of all segments
	Data        int // data segments
	DataBytes   int // of all segments
	Custom      int // bytes of all custom sections
	Name        int // bytes of one name

	Body        int // bytes of one function
	Locals      int // of one function, parameters among them
	AllLocals   int // of all functions: the compiler keeps a byte for each
	LocalLoops  int // locals, and values on its stack at most, times loops of one function: what the register allocator's work grows with
	LocalBlocks int // the same times blocks, for the same reason
	Moves       int // values that calls, branches and joins of all functions carry: what native code grows with beside bytes
	Nesting     int // of blocks
	BrTable     int // targets of one br_table
	BrTables    int // targets of all br_tables of one function
}

// DefaultLimits takes what Go's standard toolchain, TinyGo, Rust, C and AssemblyScript make. A Go module with encoding/json
// has 37,000 data segments (its linker stops at 100,000), functions of up to 50 KB, and blocks nested 550 deep; one with
// half the standard library is twice the bytes that are accepted.
var DefaultLimits = Limits{
	Bytes: 8 << 20, Types: 5_000, Functions: 50_000, Params: 128, Results: 16, Imports: 256, Exports: 1_000, Globals: 1_000,
	Tables: 8, Table: 100_000, Elements: 10_000, ElementRefs: 200_000, Data: 100_000, DataBytes: 8 << 20, Custom: 4 << 20, Name: 1 << 10,
	Body: 256 << 10, Locals: 2_000, AllLocals: 500_000, LocalLoops: 20_000, LocalBlocks: 1_000_000, Moves: 4_000_000, Nesting: 2_000, BrTable: 10_000, BrTables: 20_000,
}

// withDefaults is l with the bounds of DefaultLimits in its zero fields.
func (l Limits) withDefaults() Limits {
	fallback := DefaultLimits
	own := l.fields()
	for i, bound := range fallback.fields() {
		if *own[i] <= 0 {
			*own[i] = *bound
		}
	}
	return l
}

func (l *Limits) fields() []*int {
	return []*int{
		&l.Bytes, &l.Types, &l.Functions, &l.Params, &l.Results, &l.Imports, &l.Exports, &l.Globals, &l.Tables, &l.Table, &l.Elements, &l.ElementRefs, &l.Data, &l.DataBytes, &l.Custom, &l.Name, &l.Body, &l.Locals, &l.AllLocals, &l.LocalLoops, &l.LocalBlocks, &l.Moves, &l.Nesting, &l.BrTable, &l.BrTables,
	}
}
