package wasm_test

// A builder for test modules in Go, without other tools.

type builder struct {
	types, imports, functions, exports, code, globals, data []byte
	nTypes, nImports, nFunctions, nExports, nGlobals, nData int
	memory, table, elements, startAt                        []byte
}

func leb(v int64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func uleb(v int) (b []byte) {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

func name(s string) []byte { return append(uleb(len(s)), s...) }

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func valueTypeList(s string) []byte {
	b := uleb(len(s))
	for _, c := range s {
		b = append(b, map[rune]byte{'i': 0x7f, 'I': 0x7e, 'f': 0x7d, 'F': 0x7c}[c])
	}
	return b
}

func (b *builder) addType(params, results string) int {
	b.types = join(b.types, []byte{0x60}, valueTypeList(params), valueTypeList(results))
	b.nTypes++
	return b.nTypes - 1
}

// addImport adds an imported function. Imports come before all functions.
func (b *builder) addImport(module, field, params, results string) int {
	b.imports = join(b.imports, name(module), name(field), []byte{0}, uleb(b.addType(params, results)))
	b.nImports++
	return b.nImports - 1
}

// addFunction adds a function, exported when export is not empty, with i32 locals.
func (b *builder) addFunction(export, params, results string, locals int, code ...[]byte) int {
	b.functions = append(b.functions, uleb(b.addType(params, results))...)
	var body []byte
	if locals > 0 {
		body = join([]byte{1}, uleb(locals), []byte{0x7f})
	} else {
		body = []byte{0}
	}
	body = append(join(append([][]byte{body}, code...)...), 0x0b)
	b.code = join(b.code, uleb(len(body)), body)
	at := b.nImports + b.nFunctions
	b.nFunctions++
	if export != "" {
		b.addExport(export, 0, at)
	}
	return at
}

func (b *builder) addExport(as string, kind byte, index int) {
	b.exports = join(b.exports, name(as), []byte{kind}, uleb(index))
	b.nExports++
}

// addGlobal adds a mutable i32 that begins at v.
func (b *builder) addGlobal(v int64) int {
	b.globals = join(b.globals, []byte{0x7f, 1}, i32(v), []byte{0x0b})
	b.nGlobals++
	return b.nGlobals - 1
}

func (b *builder) addData(at int64, text string) {
	b.data = join(b.data, []byte{0}, i32(at), []byte{0x0b}, name(text))
	b.nData++
}

func (b *builder) build() []byte {
	section := func(id byte, n int, body []byte) []byte {
		if body == nil {
			return nil
		}
		body = append(uleb(n), body...)
		return join([]byte{id}, uleb(len(body)), body)
	}
	raw := func(id byte, body []byte) []byte {
		if body == nil {
			return nil
		}
		return join([]byte{id}, uleb(len(body)), body)
	}
	return join([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, b.nTypes, b.types), section(2, b.nImports, b.imports), section(3, b.nFunctions, b.functions),
		raw(4, b.table), raw(5, b.memory), section(6, b.nGlobals, b.globals), section(7, b.nExports, b.exports),
		raw(8, b.startAt), raw(9, b.elements), section(10, b.nFunctions, b.code), section(11, b.nData, b.data))
}

// newBuilder is a module of the convention with so many pages, without evaluate and decide.
func newBuilder(pages int) *builder {
	b := &builder{memory: join([]byte{1, 0}, uleb(pages))}
	b.memory = join([]byte{1, 1}, uleb(pages), uleb(1<<15))
	b.addExport("memory", 2, 0)
	return b
}

// addABIExports adds the marker and alloc. Call it after the imports.
func (b *builder) addABIExports() *builder {
	b.addFunction("tenterhook_abi_v1", "", "", 0)
	b.addFunction("alloc", "i", "i", 0, i32(heap))
	return b
}

// heap is the result of alloc; scratch is free for the test's code.
const (
	scratch = 1024
	heap    = 4096
)

func op(b ...byte) []byte { return b }

func i32(v int64) []byte     { return append([]byte{0x41}, leb(v)...) }
func i64(v int64) []byte     { return append([]byte{0x42}, leb(v)...) }
func get(local int) []byte   { return append([]byte{0x20}, uleb(local)...) }
func set(local int) []byte   { return append([]byte{0x21}, uleb(local)...) }
func gget(global int) []byte { return append([]byte{0x23}, uleb(global)...) }
func gset(global int) []byte { return append([]byte{0x24}, uleb(global)...) }
func call(index int) []byte  { return append([]byte{0x10}, uleb(index)...) }
func br(depth int) []byte    { return append([]byte{0x0c}, uleb(depth)...) }
func brIf(depth int) []byte  { return append([]byte{0x0d}, uleb(depth)...) }
func load32(at int64) []byte { return join(i32(at), op(0x28, 2, 0)) }
func store32(at int64, v []byte) []byte {
	return join(i32(at), v, op(0x36, 2, 0))
}
func store8(at, v []byte) []byte { return join(at, v, op(0x3a, 0, 0)) }

var (
	unreachable = op(0x00)
	end         = op(0x0b)
	drop        = op(0x1a)
	add         = op(0x6a)
	loop        = op(0x03, 0x40)
	block       = op(0x02, 0x40)
	extend      = op(0xad) // i64.extend_i32_u
	or64        = op(0x84)
	shl64       = op(0x86)
	grow        = op(0x40, 0)
	fill        = op(0xfc, 0x0b, 0)
)

// draft is the result of evaluate for a text at ptr.
func draft(ptr, size []byte) []byte {
	return join(ptr, extend, i64(32), shl64, size, extend, or64)
}
