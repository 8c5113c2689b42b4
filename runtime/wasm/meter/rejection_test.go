package meter_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// uleb encodes n as unsigned LEB128.
func uleb(n uint64) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// section encodes a section with its size.
func section(id byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat([]byte{id}, uleb(uint64(len(body))), body)
}

// wasm is a module of sections.
func wasm(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...)...)
}

// Sections of the smallest modules: one type () -> (), one function of it.
var (
	emptyType   = section(1, []byte{1, 0x60, 0, 0})
	oneFunction = section(3, []byte{1, 0})
	memory1     = section(5, []byte{1, 0, 1})
	table1      = section(4, []byte{1, 0x70, 0, 1})
	global1     = section(6, []byte{1, 0x7f, 1, 0x41, 0, 0x0b})
	overlong    = []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x00}
)

// body is a code section of one function.
func body(code ...byte) []byte {
	return section(10, []byte{1}, uleb(uint64(len(code))), code)
}

// functionModule is a module of one function without locals, with memory, table and global.
func functionModule(code ...byte) []byte {
	return wasm(emptyType, oneFunction, table1, memory1, global1, body(append(append([]byte{0}, code...), 0x0b)...))
}

// hostileModule is a module that must be rejected for a reason.
type hostileModule struct {
	name, want string
	code       []byte
}

func hostileModules() []hostileModule {
	return slices.Concat(injections(), lies(), features(), misfits(), bombs())
}

// injections refer to injected parts of the rewritten module.
func injections() []hostileModule {
	return []hostileModule{
		{"set the local of the fuel", "there is no local 0", functionModule(0x42, 0, 0x21, 0)},
		{"set the local behind two", "there is no local 2", wasm(emptyType, oneFunction, body(2, 1, 0x7f, 1, 0x7e, 0x42, 0, 0x21, 2, 0x0b))},
		{"set the global of the fuel", "there is no global 1", functionModule(0x42, 0, 0x24, 1)},
		{"set the depth", "there is no global 2", functionModule(0x41, 0, 0x24, 2)},
		{"set a shadow", "there is no global 3", functionModule(0x41, 0, 0x24, 3)},
		{"call Yield's neighbour", "there is no function 1", functionModule(0x10, 1)},
		{"call Restore", "there is no function 3", functionModule(0x10, 3)},
		{"a reference to Restore", "there is no function 3", functionModule(0xd2, 3, 0x1a)},
		{"write a shadow table", "there is no table 1", functionModule(0x41, 0, 0xd0, 0x70, 0x26, 1)},
		{"copy from a shadow table", "there is no table 1", functionModule(0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 1)},
		{"call through a shadow table", "there is no table 1", functionModule(0x41, 0, 0x11, 0, 1)},
		{"call an added type", "there is no type 1", functionModule(0x41, 0, 0x11, 1, 0)},
		{"a block of an added type", "there is no type 1", functionModule(0x02, 1, 0x0b)},
		{"export Yield's neighbour", "there is no function 1", wasm(emptyType, oneFunction, section(7, []byte{1, 1, 'a', 0, 1}), body(0, 0x0b))},
		{"export the fuel", "there is no global 0", wasm(section(7, []byte{1, 1, 'a', 3, 0}))},
		{"an element that is Restore", "there is no function 2", wasm(emptyType, oneFunction, table1, section(9, []byte{1, 0, 0x41, 0, 0x0b, 1, 2}), body(0, 0x0b))},
		{"a global that is Restore", "there is no function 2", wasm(emptyType, oneFunction, section(6, []byte{1, 0x70, 0, 0xd2, 2, 0x0b}), body(0, 0x0b))},
		{"a global that is the fuel", "there is no global 1", wasm(section(6, []byte{1, 0x7e, 0, 0x23, 1, 0x0b}))},
		{"start with Restore", "there is no function 2", wasm(emptyType, oneFunction, section(8, []byte{2}), body(0, 0x0b))},
		{"declare the start function", "function 0 is not declared", wasm(emptyType, oneFunction, section(8, []byte{0}), body(0, 0xd2, 0, 0x1a, 0x0b))},
		{"a segment that is not there", "there is no data segment 0", wasm(emptyType, oneFunction, memory1, section(12, []byte{0}), body(0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0, 0x0b))},
		{"an element segment that is not there", "there is no element segment 0", functionModule(0xfc, 13, 0)},
		{"export a reserved name", "names that begin with tenterhook: are reserved", wasm(emptyType, oneFunction, section(7, []byte{1, 15}, []byte("tenterhook:fuel"), []byte{0, 0}), body(0, 0x0b))},
		{"import Yield", "names that begin with tenterhook: are reserved", wasm(emptyType, section(2, []byte{1, 16}, []byte("tenterhook:meter"), []byte{1, 'a', 0, 0}))},
		{"one program for us, another for the compiler", "not written in its shortest form", functionModule(0xfd, 0x8c, 0x00)},
		{"a memory's index in two bytes", "index of more than one byte", functionModule(0x3f, 0x80, 0x00, 0x1a)},
	}
}

// lies announce sizes and counts that are wrong.
func lies() []hostileModule {
	return []hostileModule{
		{"nothing", "it is not WebAssembly", nil},
		{"text", "it is not WebAssembly", []byte("(module)")},
		{"a later version", "it is not of version 1", []byte("\x00asm\x02\x00\x00\x00")},
		{"a component", "it is a component", []byte("\x00asm\x0d\x00\x01\x00")},
		{"a section longer than the module", "section 1 is longer than the module", wasm([]byte{1, 10, 0})},
		{"a section of 4 GiB", "section 1 is longer than the module", wasm([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})},
		{"a section shorter than it says", "section types: it ends too soon", wasm(section(1, []byte{1, 0x60, 1}))},
		{"a section with a rest", "it has 1 bytes too many", wasm(section(1, []byte{1, 0x60, 0, 0, 0}))},
		{"sections out of order", "it comes twice or too late", wasm(oneFunction, emptyType)},
		{"a section twice", "it comes twice or too late", wasm(emptyType, emptyType)},
		{"a section that does not exist", "there is no such section", wasm(section(14))},
		{"a number of six bytes", "a number does not fit its size", wasm(section(1, overlong))},
		{"a number of 33 bits", "a number does not fit its size", wasm(section(1, []byte{0xff, 0xff, 0xff, 0xff, 0x1f}))},
		{"a signed number with other bits", "a number does not fit its size", functionModule(0x41, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x1a)},
		{"a size of six bytes", "section 1 is longer than the module", wasm([]byte{1}, overlong)},
		{"a billion types", "types: 1073741824, want at most 5000", wasm(section(1, uleb(1<<30)))},
		{"types without room", "it announces 1000 types and has no room for them", wasm(section(1, uleb(1000)))},
		{"a billion imports", "imports: 1073741824", wasm(section(2, uleb(1<<30)))},
		{"a billion elements", "elements of all segments: 1073741824", wasm(emptyType, oneFunction, table1, section(9, []byte{1, 0, 0x41, 0, 0x0b}, uleb(1<<30)), body(0, 0x0b))},
		{"a billion targets", "it ends too soon", functionModule(append(append([]byte{0x41, 0, 0x0e}, uleb(1<<30)...), 0)...)},
		{"billions of locals", "locals: 8589934590, want at most 2000", wasm(emptyType, oneFunction, body(slices.Concat([]byte{2}, uleb(1<<32-1), []byte{0x7f}, uleb(1<<32-1), []byte{0x7f, 0x0b})...))},
		{"a billion groups of locals", "it ends too soon", wasm(emptyType, oneFunction, body(append(uleb(1<<30), 0x0b)...))},
		{"a segment of a billion bytes", "it ends too soon", wasm(memory1, section(11, []byte{1, 0, 0x41, 0, 0x0b}, uleb(1<<30)))},
		{"a name of a billion bytes", "it ends too soon", wasm(section(7, []byte{1}, uleb(1<<30)))},
		{"a name that is no text", "a name is not UTF-8", wasm(emptyType, oneFunction, section(7, []byte{1, 1, 0xff, 0, 0}), body(0, 0x0b))},
		{"a custom section without a name", "it ends too soon", wasm(section(0, []byte{5, 'a'}))},
		{"a function without code", "it has 0 functions, want 1 as announced", wasm(emptyType, oneFunction)},
		{"code without a function", "it has 1 functions, want 0 as announced", wasm(emptyType, body(0, 0x0b))},
		{"data that is not there", "it has 0 segments, want 3 as announced", wasm(memory1, section(12, []byte{3}))},
		{"a function longer than its section", "it ends too soon", wasm(emptyType, oneFunction, section(10, []byte{1, 9, 0, 0x0b}))},
	}
}

// features use proposals that are rejected by name.
func features() []hostileModule {
	return []hostileModule{
		{"atomics", "it uses threads", functionModule(0xfe, 0x03, 0)},
		{"shared memory", "it uses threads", wasm(section(5, []byte{1, 3, 1, 1}))},
		{"64-bit memory", "it uses 64-bit memory", wasm(section(5, []byte{1, 4, 1}))},
		{"two memories", "it uses multiple memories", wasm(section(5, []byte{2, 0, 1, 0, 1}))},
		{"a store to another memory", "it uses multiple memories", functionModule(0x41, 0, 0x41, 0, 0x36, 0x42, 1, 0)},
		{"tail calls", "it uses tail calls", functionModule(0x12, 0)},
		{"indirect tail calls", "it uses tail calls", functionModule(0x41, 0, 0x13, 0, 0)},
		{"exceptions", "it uses exceptions", functionModule(0x06, 0x40, 0x0b)},
		{"tags", "it uses exceptions", wasm(section(13, []byte{1, 0, 0}))},
		{"typed references", "it uses typed function references", functionModule(0x14, 0)},
		{"a table with a value", "it uses typed function references", wasm(section(4, []byte{1, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b}))},
		{"structures", "it uses garbage-collected types", wasm(section(1, []byte{1, 0x5f, 0}))},
		{"garbage collection", "it uses garbage-collected types", functionModule(0xfb, 0, 0)},
		{"relaxed vectors", "it uses relaxed SIMD", functionModule(0xfd, 0x80, 0x02)},
		{"a constant that is computed", "it uses extended constant expressions", wasm(section(6, []byte{1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b}))},
		{"an unknown instruction", "there is no instruction 0xff", functionModule(0xff)},
		{"an unknown bulk operation", "there is no instruction 0xfc 0x12", functionModule(0xfc, 18)},
		{"an unknown vector", "there is no instruction 0xfd 0xa2", functionModule(0xfd, 0xa2, 0x01)},
		{"an imported memory", "a memory cannot be imported, want functions only", wasm(section(2, []byte{1, 1, 'a', 1, 'b', 2, 0, 1}))},
		{"an imported table", "a table cannot be imported, want functions only", wasm(section(2, []byte{1, 1, 'a', 1, 'b', 1, 0x70, 0, 1}))},
		{"an imported global", "a global cannot be imported, want functions only", wasm(section(2, []byte{1, 1, 'a', 1, 'b', 3, 0x7f, 0}))},
	}
}

// misfits have structural errors.
func misfits() []hostileModule {
	return []hostileModule{
		{"no end", "it ends too soon", wasm(emptyType, oneFunction, body(0, 0x01))},
		{"too many ends", "it has 1 bytes behind its end", wasm(emptyType, oneFunction, body(0, 0x0b, 0x0b))},
		{"else without if", "an else has no if", functionModule(0x05)},
		{"a branch to nowhere", "there is no block 1 to branch to", functionModule(0x0c, 1)},
		{"a table's branch to nowhere", "there is no block 7 to branch to", functionModule(0x41, 0, 0x0e, 1, 0, 7)},
		{"a type that does not exist", "there is no type 0x7a", wasm(emptyType, oneFunction, body(1, 1, 0x7a, 0x0b))},
		{"a start function with a parameter", "has type (i32) -> (), want () -> ()", wasm(section(1, []byte{1, 0x60, 1, 0x7f, 0}), oneFunction, section(8, []byte{0}), body(0, 0x0b))},
		{"a start function after a broken section", "it ends too soon", wasm(section(3, []byte{0x80}), section(8, []byte{0}))},
		{"minimum above maximum", "its minimum 2 is above its maximum 1", wasm(section(5, []byte{1, 1, 2, 1}))},
	}
}

// bombs are small modules that need much memory or compile time.
func bombs() []hostileModule {
	return []hostileModule{
		{"blocks", "blocks are nested deeper than 2000", functionModule(slices.Concat(slices.Repeat([]byte{0x02, 0x40}, 2001), slices.Repeat([]byte{0x0b}, 2001))...)},
		{"loops of many locals", "locals times loops: 40000, want at most 20000", wasm(emptyType, oneFunction, body(slices.Concat([]byte{1}, uleb(1000), []byte{0x7f}, slices.Repeat([]byte{0x03, 0x40, 0x0b}, 40), []byte{0x0b})...))},
		{"conditions of many locals", "locals times blocks: 2002000, want at most 1000000", wasm(emptyType, oneFunction, body(slices.Concat([]byte{1}, uleb(1000), []byte{0x7f}, slices.Repeat([]byte{0x41, 0, 0x04, 0x40, 0x0b}, 2000), []byte{0x0b})...))},
		{"targets", "targets of a br_table: 20001, want at most 10000", functionModule(slices.Concat([]byte{0x41, 0, 0x0e}, uleb(20001), make([]byte, 20002))...)},
		{"a long function", "bytes: 300002, want at most 262144", functionModule(make([]byte, 300_000)...)},
		{"memory", "pages of memory: 257, want at most 256", wasm(section(5, []byte{1, 0}, uleb(257)))},
		{"a table", "elements of a table: 134217728, want at most 100000", wasm(section(4, []byte{1, 0x70, 0}, uleb(1<<27)))},
		{"tables", "tables: 9, want at most 8", wasm(section(4, []byte{9}, slices.Repeat([]byte{0x70, 0, 1}, 9)))},
		{"globals", "globals: 1001, want at most 1000", wasm(section(6, uleb(1001), slices.Repeat([]byte{0x7f, 0, 0x41, 0, 0x0b}, 1001)))},
		{"exports", "exports: 1001, want at most 1000", wasm(section(7, uleb(1001), slices.Repeat([]byte{0}, 1001)))},
		{"functions", "functions: 50001, want at most 50000", wasm(emptyType, section(3, uleb(50001), make([]byte, 50001)))},
		{"parameters", "parameters: 257, want at most 128", wasm(section(1, []byte{1, 0x60}, uleb(257), slices.Repeat([]byte{0x7f}, 257), []byte{0}))},
		{"results", "results: 17, want at most 16", wasm(section(1, []byte{1, 0x60, 0}, uleb(17), slices.Repeat([]byte{0x7f}, 17)))},
		{"parameters of a block", "parameters of a block: 17, want at most 16", carryingModule(17, 0x02, 0, 0x0b)},
		{"values that loops find", "locals times loops: 40000, want at most 20000", wasm(emptyType, oneFunction, body(slices.Concat([]byte{0}, slices.Repeat([]byte{0x41, 0}, 1000), slices.Repeat([]byte{0x03, 0x40, 0x0b}, 40), slices.Repeat([]byte{0x1a}, 1000), []byte{0x0b})...))},
		{"locals of all functions", "locals of all functions so far: 501496, want at most 500000", manyLocals(300)},
		{"calls that carry much", "values that calls, branches and joins carry so far: ", manyCalls(20, 10_000)},
		{"joins that carry much", "values that calls, branches and joins carry so far: ", manyJoins(20)},
		{"more values than there are", "it takes more values than there are", functionModule(0x1a)},
		{"values that a block leaves", "a block ends with 1 values, want 0", functionModule(0x41, 0)},
		{"names", "bytes of a name: 2000, want at most 1024", wasm(emptyType, oneFunction, section(7, []byte{1}, uleb(2000), slices.Repeat([]byte{'a'}, 2000), []byte{0, 0}), body(0, 0x0b))},
		{"a custom section", "bytes of all custom sections: 4194306, want at most 4194304", wasm(section(0, []byte{1, 'a'}, make([]byte, 4<<20)))},
		{"bytes", "bytes: 8388609, want at most 8388608", make([]byte, 8<<20+1)},
	}
}

// carryingModule is a module of one function that pushes n i32 values and then runs the code. Type
// 0 takes and returns n values.
func carryingModule(n int, code ...byte) []byte {
	types := slices.Concat([]byte{0x60}, uleb(uint64(n)), slices.Repeat([]byte{0x7f}, n), []byte{0, 0x60, 0, 0})
	return wasm(section(1, []byte{2}, types), section(3, []byte{1, 1}), body(slices.Concat([]byte{0}, slices.Repeat([]byte{0x41, 0}, n), code, []byte{0x0b})...))
}

// manyFunctions is a module of n equal functions () -> () behind a first one with 16 i32
// parameters and results.
func manyFunctions(n int, body []byte) []byte {
	same := slices.Repeat([]byte{0x7f}, 16)
	types := slices.Concat([]byte{2, 0x60, 0, 0, 0x60, 16}, same, []byte{16}, same)
	first := []byte{0}
	for i := range 16 {
		first = append(first, 0x20, byte(i))
	}
	first = append(first, 0x0b)
	code := slices.Concat(uleb(uint64(len(first))), first, slices.Repeat(append(uleb(uint64(len(body))), body...), n))
	return wasm(section(1, types), section(3, uleb(uint64(n+1)), []byte{1}, make([]byte, n)), section(10, uleb(uint64(n+1)), code))
}

func manyLocals(n int) []byte {
	return manyFunctions(n, slices.Concat([]byte{1}, uleb(1990), []byte{0x7e, 0x0b}))
}

// manyCalls repeats a call with 16 arguments and 16 results: two bytes that become hundreds.
func manyCalls(n, calls int) []byte {
	return manyFunctions(n, slices.Concat([]byte{0}, slices.Repeat([]byte{0x41, 0}, 16), slices.Repeat([]byte{0x10, 0}, calls), slices.Repeat([]byte{0x1a}, 16), []byte{0x0b}))
}

// manyJoins sets 400 locals inside 1,000 blocks with conditional exits.
func manyJoins(n int) []byte {
	var sets []byte
	for i := range 400 {
		sets = append(append(sets, 0x41, 0, 0x21), uleb(uint64(i))...)
	}
	return manyFunctions(n, slices.Concat([]byte{1}, uleb(400), []byte{0x7f}, slices.Repeat([]byte{0x02, 0x40, 0x41, 0, 0x0d, 0}, 1000), sets, slices.Repeat([]byte{0x0b}, 1001)))
}

func TestHostile(t *testing.T) {
	for _, h := range hostileModules() {
		t.Run(h.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := meter.Rewrite(h.code, meter.Options{})
			runtime.ReadMemStats(&after)
			var all meter.Rejections
			if !errors.As(err, &all) || !strings.Contains(err.Error(), h.want) {
				t.Fatalf("got %v, want %q", err, h.want)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+uint64(4*len(h.code)) {
				t.Errorf("%d bytes were taken for a module of %d", took, len(h.code))
			}
		})
	}
}

// TestAtTheLimit accepts modules of the largest sizes.
func TestAtTheLimit(t *testing.T) {
	for _, h := range []hostileModule{
		{"results", "", wasm(section(1, []byte{1, 0x60, 0}, uleb(16), slices.Repeat([]byte{0x7f}, 16)))},
		{"parameters", "", wasm(section(1, []byte{1, 0x60}, uleb(128), slices.Repeat([]byte{0x7f}, 128), []byte{0}))},
		{"parameters of a block", "", carryingModule(16, 0x02, 0, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x0b)},
		{"locals of all functions", "", manyLocals(251)},
		{"calls that carry much", "", manyCalls(12, 10_000)},
		{"joins that carry much", "", manyJoins(9)},
	} {
		t.Run(h.name, func(t *testing.T) {
			if _, err := meter.Rewrite(h.code, meter.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEveryReason(t *testing.T) {
	types := section(1, []byte{2, 0x60, 0, 0, 0x60, 1, 0x7f, 0})
	imports := section(2, []byte{1, 1, 'a', 1, 'm', 2, 0, 1})
	code := section(10, []byte{3}, []byte{4, 0, 0x12, 0, 0x0b}, []byte{4, 0, 0x10, 9, 0x0b}, []byte{6, 0, 0x42, 0, 0x21, 1, 0x0b})
	exported := section(7, []byte{1, 15}, []byte("tenterhook:save"), []byte{0, 0})
	_, err := meter.Rewrite(wasm(types, imports, section(3, []byte{3, 0, 0, 1}), exported, code), meter.Options{})
	want := []string{
		"import 0 (a.m): a memory cannot be imported, want functions only",
		"export 0 (tenterhook:save): names that begin with tenterhook: are reserved",
		"function 0: it uses tail calls",
		"function 1: there is no function 9",
		"function 2: there is no local 1",
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var all meter.Rejections
	if errors.As(err, &all); all[2].Offset == 0 {
		t.Error("a refusal has no offset")
	}
}
