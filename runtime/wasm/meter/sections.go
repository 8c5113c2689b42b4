package meter

import (
	"fmt"
	"strings"
)

// count reads how many entries follow. More than bound is refused, and so is more than there are bytes; nothing is
// read then.
func (m *module) count(r *reader, what string, have, bound int) int {
	at := r.p
	n := r.u32()
	if r.bad != "" {
		return 0
	}
	if !m.most(at, "section "+what, what, have+int(n), bound) {
		r.p = r.end
		m.partial = true
		return 0
	}
	if int64(n) > int64(r.end-r.p) {
		r.fail(at, fmt.Sprintf("it announces %d %s and has no room for them", n, what))
		return 0
	}
	return int(n)
}

func (m *module) readTypes(r *reader) {
	for n := m.count(r, "types", 0, m.o.Limits.Types); n > 0 && r.bad == ""; n-- {
		at := r.p
		switch form := r.byte(); form {
		case typeFunc:
		case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
			r.fail(at, "it uses garbage-collected types")
		default:
			r.fail(at, fmt.Sprintf("there is no form of type %#x", form))
		}
		t := funcType{m.valueTypes(r, "parameters", m.o.Limits.Params), m.valueTypes(r, "results", m.o.Limits.Results)}
		m.types = append(m.types, t)
	}
}

func (m *module) valueTypes(r *reader, what string, bound int) []byte {
	at := r.p
	n := r.u32()
	if !m.most(at, fmt.Sprintf("type %d", len(m.types)), what, int(n), bound) {
		r.fail(at, "it cannot be read any further")
		return nil
	}
	from := r.p
	for ; n > 0 && r.bad == ""; n-- {
		r.valueType()
	}
	return r.src[from:r.p]
}

func (m *module) readImports(r *reader) {
	for n := m.count(r, "imports", 0, m.o.Limits.Imports); n > 0 && r.bad == ""; n-- {
		i := imported{at: r.p, module: r.name(), name: r.name(), kind: r.byte()}
		place := fmt.Sprintf("import %d (%s.%s)", len(m.imports), Shown(i.module), Shown(i.name))
		m.name(i.at, place, i.module)
		m.name(i.at, place, i.name)
		if strings.HasPrefix(i.module, Reserved) {
			m.refusef(i.at, place, "names that begin with %s are reserved", Reserved)
		}
		from := r.p
		m.readImport(r, &i, place)
		i.desc = [2]int{from, r.p}
		m.imports = append(m.imports, i)
	}
}

func (m *module) readImport(r *reader, i *imported, place string) {
	at := r.p
	switch i.kind {
	case kindFunc:
		m.funcs = append(m.funcs, m.index(r, place, "type", len(m.types)))
		i.index, m.imported.funcs = m.imported.funcs, m.imported.funcs+1
	case kindTable:
		m.tables = append(m.tables, m.table(r, place))
		i.index, m.imported.tables = m.imported.tables, m.imported.tables+1
	case kindMemory:
		m.memories = append(m.memories, m.memory(r, place))
		i.index, m.imported.memories = m.imported.memories, m.imported.memories+1
	case kindGlobal:
		m.globals = append(m.globals, m.global(r))
		i.index, m.imported.globals = m.imported.globals, m.imported.globals+1
	case 4:
		r.fail(at, "it uses exceptions")
	default:
		r.fail(at, fmt.Sprintf("there is no kind of import %#x", i.kind))
	}
	if i.kind != kindFunc && r.bad == "" && !m.o.linked {
		m.refusef(at, place, "a %s cannot be imported, want functions only", kindNames[i.kind])
	}
}

func (m *module) name(at int, place, name string) {
	m.most(at, place, "bytes of a name", len(name), m.o.Limits.Name)
}

// index reads an index into what has n entries in the upload. An index beyond them may be one that is injected.
func (m *module) index(r *reader, place, what string, n int) uint32 {
	at := r.p
	i := r.u32()
	if r.bad != "" || !m.within(at, place, what, i, n) {
		return 0
	}
	return i
}

// within refuses an index that is not among n. After a section that could not be read nobody knows how many there are.
func (m *module) within(at int, place, what string, i uint32, n int) bool {
	if int64(i) < int64(n) {
		return true
	}
	if !m.partial {
		m.refusef(at, place, "there is no %s %d", what, i)
	}
	return false
}

func (m *module) limits(r *reader) (l limits) {
	at := r.p
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
	if r.bad == "" && l.bounded && l.max < l.min {
		r.fail(at, fmt.Sprintf("its least is %d and its most %d", l.min, l.max))
	}
	return l
}

func (m *module) table(r *reader, place string) (t table) {
	if r.more() && r.src[r.p] == 0x40 {
		r.fail(r.p, "it uses typed function references: a table with an initial value")
		return t
	}
	at := r.p
	t = table{r.refType(), m.limits(r)}
	m.most(at, place, "elements of a table", int(t.min), m.o.Limits.Table)
	return t
}

func (m *module) memory(r *reader, place string) limits {
	at := r.p
	l := m.limits(r)
	if l.max > 1<<16 {
		m.refusef(at, place, "its most is %d pages, want at most 65536", l.max)
	}
	m.most(at, place, "pages of memory", int(l.min), int(m.o.Pages))
	return l
}

func (m *module) global(r *reader) global {
	g := global{kind: r.valueType()}
	at := r.p
	mutable := r.byte()
	if mutable > 1 {
		r.fail(at, fmt.Sprintf("there is no mutability %#x", mutable))
	}
	g.mutable = mutable == 1
	return g
}

func (m *module) readFunctions(r *reader) {
	for n := m.count(r, "functions", 0, m.o.Limits.Functions); n > 0 && r.bad == ""; n-- {
		m.funcs = append(m.funcs, m.index(r, "section functions", "type", len(m.types)))
	}
}

func (m *module) readTables(r *reader) {
	for n := m.count(r, "tables", len(m.tables), m.o.Limits.Tables); n > 0 && r.bad == ""; n-- {
		m.tables = append(m.tables, m.table(r, fmt.Sprintf("table %d", len(m.tables))))
	}
}

func (m *module) readMemories(r *reader) {
	at := r.p
	n := r.u32()
	if n > 1 {
		r.fail(at, "it uses multiple memories")
	}
	for ; n > 0 && r.bad == ""; n-- {
		m.memories = append(m.memories, m.memory(r, "memory"))
	}
}

func (m *module) readGlobals(r *reader) {
	for n := m.count(r, "globals", len(m.globals), m.o.Limits.Globals); n > 0 && r.bad == ""; n-- {
		g := m.global(r)
		g.expr = m.expr(r, "global", len(m.globals))
		m.globals = append(m.globals, g)
	}
}

// expr reads a constant expression: one instruction. It is that of the nth of what.
func (m *module) expr(r *reader, what string, n int) expr {
	e := expr{at: [2]int{r.p, r.p}}
	var i instr
	r.next(&i)
	if r.bad != "" {
		return e
	}
	switch i.op {
	case opI32Const, opI64Const, opF32Const, opF64Const, opV128Const, opRefNull:
	case opGlobalGet:
		if int64(i.a) >= int64(len(m.globals)) {
			m.within(i.at, fmt.Sprintf("%s %d", what, n), "global", i.a, len(m.globals))
		}
	case opRefFunc:
		if int64(i.a) >= int64(len(m.funcs)) {
			m.within(i.at, fmt.Sprintf("%s %d", what, n), "function", i.a, len(m.funcs))
		}
	default:
		r.fail(i.at, fmt.Sprintf("instruction %#x is not constant", i.op))
	}
	e.op, e.index = byte(i.op), i.a
	at := r.p
	if b := r.byte(); r.bad == "" && b != opEnd {
		r.fail(at, "it uses extended constant expressions")
	}
	e.at[1] = r.p
	return e
}

func (m *module) readExports(r *reader) {
	for n := m.count(r, "exports", 0, m.o.Limits.Exports); n > 0 && r.bad == ""; n-- {
		at := r.p
		e := exported{name: r.name(), kind: r.byte()}
		place := fmt.Sprintf("export %d (%s)", len(m.exports), Shown(e.name))
		m.name(at, place, e.name)
		if strings.HasPrefix(e.name, Reserved) {
			m.refusef(at, place, "names that begin with %s are reserved", Reserved)
		}
		switch e.kind {
		case kindFunc:
			e.index = m.index(r, place, "function", len(m.funcs))
		case kindTable:
			e.index = m.index(r, place, "table", len(m.tables))
		case kindMemory:
			e.index = m.index(r, place, "memory", len(m.memories))
		case kindGlobal:
			e.index = m.index(r, place, "global", len(m.globals))
		case 4:
			r.fail(at, "it uses exceptions")
		default:
			r.fail(at, fmt.Sprintf("there is no kind of export %#x", e.kind))
		}
		m.exports = append(m.exports, e)
	}
}

func (m *module) readStart(r *reader) {
	at, place := r.p, "section start"
	f := r.u32()
	if r.bad != "" || !m.within(at, place, "function", f, len(m.funcs)) {
		return
	}
	m.start = int64(f)
	if m.funcs[f] >= uint32(len(m.types)) {
		return // refused already
	}
	if t := m.types[m.funcs[f]]; len(t.params)+len(t.results) > 0 {
		m.refusef(at, place, "function %d has type %s, want () -> ()", f, t.text())
	}
}

func (m *module) readDataCount(r *reader) {
	at := r.p
	n := r.u32()
	m.most(at, "section data count", "data", int(n), m.o.Limits.Data)
	m.dataCount = int64(n)
}

func (m *module) readCode(r *reader) {
	for n := m.count(r, "functions", 0, m.o.Limits.Functions); n > 0 && r.bad == ""; n-- {
		body := r.sub(r.u32())
		m.bodies = append(m.bodies, [2]int{body.p, body.end})
	}
}
