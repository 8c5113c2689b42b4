package meter

// Limits are the maxima of a module, checked before the compiler runs. They prevent that a small
// upload takes hours to compile or gigabytes of host memory. Real modules stay far below them.
type Limits struct {
	Bytes       int // of the module
	Types       int
	Functions   int // defined by the module
	Params      int // of one function type
	Results     int // of one function type; also parameters of a block
	Imports     int
	Exports     int
	Globals     int
	Tables      int
	Table       int // elements of one table, initially or after growth
	Elements    int // element segments
	ElementRefs int // elements of all segments
	Data        int // data segments
	DataBytes   int // of all segments
	Custom      int // bytes of all custom sections
	Name        int // bytes of one name

	Body        int // bytes of one function
	Locals      int // of one function, with parameters
	AllLocals   int // of all functions: the compiler needs a byte for each
	LocalLoops  int // (locals + stack values) × loops of one function: register allocation
	LocalBlocks int // (locals + stack values) × blocks of one function: register allocation
	Moves       int // values that calls, branches and joins carry: size of native code
	Nesting     int // of blocks
	BrTable     int // targets of one br_table
	BrTables    int // targets of all br_tables of one function
}

// DefaultLimits accept the output of Go's standard toolchain, TinyGo, Rust, C and AssemblyScript. A
// Go module with encoding/json has 37,000 data segments (its linker stops at 100,000), functions of
// up to 50 KB and 550 nested blocks. A Go module with half the standard library has twice the
// accepted bytes.
var DefaultLimits = Limits{
	Bytes: 8 << 20, Types: 5_000, Functions: 50_000, Params: 128, Results: 16, Imports: 256, Exports: 1_000, Globals: 1_000,
	Tables: 8, Table: 100_000, Elements: 10_000, ElementRefs: 200_000, Data: 100_000, DataBytes: 8 << 20, Custom: 4 << 20, Name: 1 << 10,
	Body: 256 << 10, Locals: 2_000, AllLocals: 500_000, LocalLoops: 20_000, LocalBlocks: 1_000_000, Moves: 4_000_000, Nesting: 2_000, BrTable: 10_000, BrTables: 20_000,
}

// withDefaults replaces zero fields by those of DefaultLimits.
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
