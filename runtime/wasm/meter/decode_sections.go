package meter

import (
	"fmt"
	"strings"
)

// readCount reads the number of entries. If it exceeds the bound or the bytes that are left, it
// rejects the module and returns 0.
func (m *module) readCount(r *reader, what string, have, bound int) int {
	at := r.pos
	n := r.u32()
	if r.failure != "" {
		return 0
	}
	if !m.checkMax(at, "section "+what, what, have+int(n), bound) {
		r.pos = r.end
		m.partial = true
		return 0
	}
	if int64(n) > int64(r.end-r.pos) {
		r.fail(at, fmt.Sprintf("it announces %d %s and has no room for them", n, what))
		return 0
	}
	return int(n)
}

func (m *module) readTypes(r *reader) {
	for n := m.readCount(r, "types", 0, m.options.Limits.Types); n > 0 && r.failure == ""; n-- {
		at := r.pos
		switch form := r.byte(); form {
		case typeFunc:
		case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
			r.fail(at, "it uses garbage-collected types")
		default:
			r.fail(at, fmt.Sprintf("there is no form of type %#x", form))
		}
		t := funcType{m.readValueTypes(r, "parameters", m.options.Limits.Params), m.readValueTypes(r, "results", m.options.Limits.Results)}
		m.types = append(m.types, t)
	}
}

func (m *module) readValueTypes(r *reader, what string, bound int) []byte {
	at := r.pos
	n := r.u32()
	if !m.checkMax(at, fmt.Sprintf("type %d", len(m.types)), what, int(n), bound) {
		r.fail(at, "it cannot be read any further")
		return nil
	}
	from := r.pos
	for ; n > 0 && r.failure == ""; n-- {
		r.valueType()
	}
	return r.src[from:r.pos]
}

func (m *module) readImports(r *reader) {
	for n := m.readCount(r, "imports", 0, m.options.Limits.Imports); n > 0 && r.failure == ""; n-- {
		i := importEntry{at: r.pos, module: r.name(), name: r.name(), kind: r.byte()}
		place := fmt.Sprintf("import %d (%s.%s)", len(m.imports), ShortName(i.module), ShortName(i.name))
		m.checkName(i.at, place, i.module)
		m.checkName(i.at, place, i.name)
		if strings.HasPrefix(i.module, Reserved) {
			m.rejectf(i.at, place, "names that begin with %s are reserved", Reserved)
		}
		from := r.pos
		m.readImport(r, &i, place)
		i.desc = [2]int{from, r.pos}
		m.imports = append(m.imports, i)
	}
}

func (m *module) readImport(r *reader, i *importEntry, place string) {
	at := r.pos
	switch i.kind {
	case kindFunc:
		m.funcs = append(m.funcs, m.readIndex(r, place, "type", len(m.types)))
		i.index, m.imported.funcs = m.imported.funcs, m.imported.funcs+1
	case kindTable:
		m.tables = append(m.tables, m.readTable(r, place))
		i.index, m.imported.tables = m.imported.tables, m.imported.tables+1
	case kindMemory:
		m.memories = append(m.memories, m.readMemory(r, place))
		i.index, m.imported.memories = m.imported.memories, m.imported.memories+1
	case kindGlobal:
		m.globals = append(m.globals, m.readGlobal(r))
		i.index, m.imported.globals = m.imported.globals, m.imported.globals+1
	case 4:
		r.fail(at, "it uses exceptions")
	default:
		r.fail(at, fmt.Sprintf("there is no kind of import %#x", i.kind))
	}
	if i.kind != kindFunc && r.failure == "" && !m.options.linked {
		m.rejectf(at, place, "a %s cannot be imported, want functions only", kindNames[i.kind])
	}
}

func (m *module) checkName(at int, place, name string) {
	m.checkMax(at, place, "bytes of a name", len(name), m.options.Limits.Name)
}

// readIndex reads an index into n entries of the upload. Larger indexes could name injected
// entries.
func (m *module) readIndex(r *reader, place, what string, n int) uint32 {
	at := r.pos
	i := r.u32()
	if r.failure != "" || !m.checkIndex(at, place, what, i, n) {
		return 0
	}
	return i
}

// checkIndex rejects an index that is not below n. After an unreadable section n is unknown, so
// nothing is rejected.
func (m *module) checkIndex(at int, place, what string, i uint32, n int) bool {
	if int64(i) < int64(n) {
		return true
	}
	if !m.partial {
		m.rejectf(at, place, "there is no %s %d", what, i)
	}
	return false
}

func (m *module) readLimits(r *reader) (l limits) {
	at := r.pos
	switch flags := r.byte(); flags {
	case 0, 1:
		l.min, l.bounded = r.u32(), flags == 1
	case 2, 3:
		r.fail(at, "it uses threads: shared memory")
	case 4, 5, 6, 7:
		r.fail(at, "it uses 64-bit memory")
	default:
		r.fail(at, fmt.Sprintf("there are no limits %#x", flags))
	}
	if l.bounded {
		l.max = r.u32()
	}
	if r.failure == "" && l.bounded && l.max < l.min {
		r.fail(at, fmt.Sprintf("its minimum %d is above its maximum %d", l.min, l.max))
	}
	return l
}

func (m *module) readTable(r *reader, place string) (t table) {
	if r.more() && r.src[r.pos] == 0x40 {
		r.fail(r.pos, "it uses typed function references: a table with an initial value")
		return t
	}
	at := r.pos
	t = table{r.refType(), m.readLimits(r)}
	m.checkMax(at, place, "elements of a table", int(t.min), m.options.Limits.Table)
	return t
}

func (m *module) readMemory(r *reader, place string) limits {
	at := r.pos
	l := m.readLimits(r)
	if l.max > 1<<16 {
		m.rejectf(at, place, "its most is %d pages, want at most 65536", l.max)
	}
	m.checkMax(at, place, "pages of memory", int(l.min), int(m.options.Pages))
	return l
}

func (m *module) readGlobal(r *reader) global {
	g := global{kind: r.valueType()}
	at := r.pos
	mutable := r.byte()
	if mutable > 1 {
		r.fail(at, fmt.Sprintf("there is no mutability %#x", mutable))
	}
	g.mutable = mutable == 1
	return g
}

func (m *module) readFunctions(r *reader) {
	for n := m.readCount(r, "functions", 0, m.options.Limits.Functions); n > 0 && r.failure == ""; n-- {
		m.funcs = append(m.funcs, m.readIndex(r, "section functions", "type", len(m.types)))
	}
}

func (m *module) readTables(r *reader) {
	for n := m.readCount(r, "tables", len(m.tables), m.options.Limits.Tables); n > 0 && r.failure == ""; n-- {
		m.tables = append(m.tables, m.readTable(r, fmt.Sprintf("table %d", len(m.tables))))
	}
}

func (m *module) readMemories(r *reader) {
	at := r.pos
	n := r.u32()
	if n > 1 {
		r.fail(at, "it uses multiple memories")
	}
	for ; n > 0 && r.failure == ""; n-- {
		m.memories = append(m.memories, m.readMemory(r, "memory"))
	}
}

func (m *module) readGlobals(r *reader) {
	for n := m.readCount(r, "globals", len(m.globals), m.options.Limits.Globals); n > 0 && r.failure == ""; n-- {
		g := m.readGlobal(r)
		g.expr = m.readExpr(r, "global", len(m.globals))
		m.globals = append(m.globals, g)
	}
}

// readExpr reads a constant expression, which has one instruction. what and n name its place.
func (m *module) readExpr(r *reader, what string, n int) expr {
	e := expr{at: [2]int{r.pos, r.pos}}
	var i instruction
	r.next(&i)
	if r.failure != "" {
		return e
	}
	switch i.op {
	case opI32Const, opI64Const, opF32Const, opF64Const, opV128Const, opRefNull:
	case opGlobalGet:
		if int64(i.a) >= int64(len(m.globals)) {
			m.checkIndex(i.at, fmt.Sprintf("%s %d", what, n), "global", i.a, len(m.globals))
		}
	case opRefFunc:
		if int64(i.a) >= int64(len(m.funcs)) {
			m.checkIndex(i.at, fmt.Sprintf("%s %d", what, n), "function", i.a, len(m.funcs))
		}
	default:
		r.fail(i.at, fmt.Sprintf("instruction %#x is not constant", i.op))
	}
	e.op, e.index = byte(i.op), i.a
	at := r.pos
	if b := r.byte(); r.failure == "" && b != opEnd {
		r.fail(at, "it uses extended constant expressions")
	}
	e.at[1] = r.pos
	return e
}

func (m *module) readExports(r *reader) {
	for n := m.readCount(r, "exports", 0, m.options.Limits.Exports); n > 0 && r.failure == ""; n-- {
		at := r.pos
		e := exportEntry{name: r.name(), kind: r.byte()}
		place := fmt.Sprintf("export %d (%s)", len(m.exports), ShortName(e.name))
		m.checkName(at, place, e.name)
		if strings.HasPrefix(e.name, Reserved) {
			m.rejectf(at, place, "names that begin with %s are reserved", Reserved)
		}
		switch e.kind {
		case kindFunc:
			e.index = m.readIndex(r, place, "function", len(m.funcs))
		case kindTable:
			e.index = m.readIndex(r, place, "table", len(m.tables))
		case kindMemory:
			e.index = m.readIndex(r, place, "memory", len(m.memories))
		case kindGlobal:
			e.index = m.readIndex(r, place, "global", len(m.globals))
		case 4:
			r.fail(at, "it uses exceptions")
		default:
			r.fail(at, fmt.Sprintf("there is no kind of export %#x", e.kind))
		}
		m.exports = append(m.exports, e)
	}
}

func (m *module) readStart(r *reader) {
	at, place := r.pos, "section start"
	f := r.u32()
	if r.failure != "" || !m.checkIndex(at, place, "function", f, len(m.funcs)) {
		return
	}
	m.start = int64(f)
	if m.funcs[f] >= uint32(len(m.types)) {
		return // already rejected
	}
	if t := m.types[m.funcs[f]]; len(t.params)+len(t.results) > 0 {
		m.rejectf(at, place, "function %d has type %s, want () -> ()", f, t.text())
	}
}

func (m *module) readDataCount(r *reader) {
	at := r.pos
	n := r.u32()
	m.checkMax(at, "section data count", "data", int(n), m.options.Limits.Data)
	m.dataCount = int64(n)
}

func (m *module) readCode(r *reader) {
	for n := m.readCount(r, "functions", 0, m.options.Limits.Functions); n > 0 && r.failure == ""; n-- {
		body := r.subReader(r.u32())
		m.bodies = append(m.bodies, [2]int{body.pos, body.end})
	}
}
