package meter

import "fmt"

// planFunctions scans every function's body.
func (m *module) planFunctions() {
	m.changedTables, m.grownTables = make([]bool, len(m.tables)), make([]bool, len(m.tables))
	m.inlinePrice, m.plans = make([]int32, len(m.bodies)), make([]plan, len(m.bodies))
	for i, body := range m.bodies {
		m.inlinePrice[i] = m.computeInlinePrice(body)
	}
	m.findDeclared()
	s := scanner{m: m}
	for i, body := range m.bodies {
		s.fn = m.imported.funcs + i
		kind := m.funcs[s.fn]
		if int64(kind) >= int64(len(m.types)) {
			continue // already rejected
		}
		s.plan = &m.plans[i]
		s.plan.charges = make([]chargePoint, 0, 4+(body[1]-body[0])/48)
		s.plan.params, s.plan.callerPays = len(m.types[kind].params), m.inlinePrice[i] > 0
		s.function(body)
	}
}

// findDeclared finds the functions that ref.func may name. Exporting the start function must not
// make it one of them.
func (m *module) findDeclared() {
	m.declared = make([]bool, len(m.funcs))
	for _, x := range m.exports {
		if x.kind == kindFunc && int64(x.index) < int64(len(m.funcs)) {
			m.declared[x.index] = true
		}
	}
	note := func(x expr) {
		if x.op == opRefFunc && int64(x.index) < int64(len(m.funcs)) {
			m.declared[x.index] = true
		}
	}
	for _, g := range m.globals {
		note(g.expr)
	}
	for _, s := range m.elements {
		for _, x := range s.refs {
			note(x)
		}
	}
}

// write writes the module and its description.
func (m *module) write() *Module {
	m.helperIndex = make(map[helperKey]uint32)
	bodies := m.appendBodies(make([]byte, 0, len(m.src)+len(m.src)/2))
	s := m.savedState()
	idle := m.typeIndex(nil, nil)
	for _, back := range []bool{false, true} {
		m.helpers = append(m.helpers, helper{kind: idle, body: m.saveOrRestore(s, back)})
	}
	w := &sectionWriter{m: m, s: s, out: make([]byte, 0, len(bodies)+len(m.src)/2)}
	w.out = append(w.out, "\x00asm\x01\x00\x00\x00"...)
	m.typeIndex([]byte{typeI64}, []byte{typeI64})
	w.types()
	w.imports()
	w.functions()
	w.tables()
	w.memory()
	w.globals()
	w.exports()
	w.elements()
	if m.dataCount >= 0 {
		w.section(12, appendU32(nil, uint32(m.dataCount)))
	}
	w.code(bodies)
	if m.dataBody[1] > 0 {
		w.section(11, m.src[m.dataBody[0]:m.dataBody[1]])
	}
	if b := m.nameSectionBytes(); b != nil {
		w.section(0, b)
	}
	return m.describe(w.out)
}

// appendBodies appends the rewritten bodies with their sizes.
func (m *module) appendBodies(b []byte) []byte {
	entries := make([]bool, len(m.funcs))
	for _, x := range m.exports {
		if x.kind == kindFunc {
			entries[x.index] = true
		}
	}
	if m.start >= 0 {
		entries[m.start] = true
	}
	e := bodyWriter{m: m}
	for i := range m.bodies {
		fn := m.imported.funcs + i
		e.function(&m.plans[i], m.types[m.funcs[fn]].results, entries[fn])
		b = append(appendU32(b, uint32(len(e.out))), e.out...)
	}
	return b
}

// sectionWriter writes the sections.
type sectionWriter struct {
	m   *module
	s   savedState
	out []byte
}

func (w *sectionWriter) section(id byte, body []byte) {
	w.out = append(appendU32(append(w.out, id), uint32(len(body))), body...)
}

func (w *sectionWriter) types() {
	all := append(append([]funcType(nil), w.m.types...), w.m.addedTypes...)
	b := appendU32(nil, uint32(len(all)))
	for _, t := range all {
		b = append(appendU32(append(b, typeFunc), uint32(len(t.params))), t.params...)
		b = append(appendU32(b, uint32(len(t.results))), t.results...)
	}
	w.section(1, b)
}

// imports writes the upload's imports and Yield behind them.
func (w *sectionWriter) imports() {
	m := w.m
	b := appendU32(nil, uint32(len(m.imports)+1))
	for _, i := range m.imports {
		b = append(appendName(appendName(b, i.module), i.name), i.kind)
		b = append(b, m.src[i.desc[0]:i.desc[1]]...)
	}
	b = append(appendName(appendName(b, ImportModule), Yield), kindFunc)
	w.section(2, appendU32(b, m.typeIndex([]byte{typeI64}, []byte{typeI64})))
}

func (w *sectionWriter) functions() {
	m := w.m
	own := m.funcs[m.imported.funcs:]
	b := appendU32(nil, uint32(len(own)+len(m.helpers)))
	for _, kind := range own {
		b = appendU32(b, kind)
	}
	for _, h := range m.helpers {
		b = appendU32(b, h.kind)
	}
	w.section(3, b)
}

func (w *sectionWriter) tables() {
	m := w.m
	own := m.tables[m.imported.tables:]
	b := appendU32(nil, uint32(len(own)+len(w.s.tables)))
	for i, t := range own {
		if m.grownTables[m.imported.tables+i] {
			t.bounded, t.max = true, m.maxTable(m.imported.tables+i)
		}
		b = appendLimits(append(b, t.elem), t.limits)
	}
	for _, i := range w.s.tables {
		t := m.tables[i]
		b = appendLimits(append(b, t.elem), limits{t.min, t.min, true})
	}
	w.section(4, b)
}

func appendLimits(b []byte, l limits) []byte {
	if !l.bounded {
		return appendU32(append(b, 0), l.min)
	}
	return appendU32(appendU32(append(b, 1), l.min), l.max)
}

// memory writes the memory with one more page: see Module.MemoryMax.
func (w *sectionWriter) memory() {
	m := w.m
	own := m.memories[m.imported.memories:]
	if len(own) == 0 {
		return
	}
	l := own[0]
	if !m.options.linked {
		l.bounded, l.max = true, m.maxMemory()+1
	}
	w.section(5, appendLimits([]byte{1}, l))
}

func (w *sectionWriter) globals() {
	m := w.m
	own := m.globals[m.imported.globals:]
	b := appendU32(nil, uint32(len(own)+3+len(w.s.globals)))
	for _, g := range own {
		b = append(b, g.kind, 0)
		if g.mutable {
			b[len(b)-1] = 1
		}
		b = m.appendExpr(b, g.expr)
	}
	b = append(append(b, typeI64, 1), zeroExpr(typeI64)...)
	b = append(append(b, typeI32, 1), zeroExpr(typeI32)...)
	b = append(appendS64(append(b, typeI32, 1, opI32Const), m.softDepth()), opEnd)
	for _, i := range w.s.globals {
		b = append(append(b, m.globals[i].kind, 1), zeroExpr(m.globals[i].kind)...)
	}
	w.section(6, b)
}

func (m *module) appendExpr(b []byte, x expr) []byte {
	if x.op == opRefFunc {
		return append(appendU32(append(b, opRefFunc), m.newIndex(x.index)), opEnd)
	}
	return append(b, m.src[x.at[0]:x.at[1]]...)
}

func (w *sectionWriter) exports() {
	m := w.m
	last := uint32(len(m.funcs) + 1 + len(m.helpers))
	n := len(m.exports) + 3
	if m.start >= 0 {
		n++
	}
	if m.options.linked {
		n++
	}
	b := appendU32(nil, uint32(n))
	for _, x := range m.exports {
		if x.kind == kindFunc {
			x.index = m.newIndex(x.index)
		}
		b = appendU32(append(appendName(b, x.name), x.kind), x.index)
	}
	b = appendU32(append(appendName(b, Fuel), kindGlobal), m.fuelGlobal())
	b = appendU32(append(appendName(b, Save), kindFunc), last-2)
	b = appendU32(append(appendName(b, Restore), kindFunc), last-1)
	if m.start >= 0 {
		b = appendU32(append(appendName(b, Start), kindFunc), m.newIndex(uint32(m.start)))
	}
	if m.options.linked {
		b = appendU32(append(appendName(b, linkedDepth), kindGlobal), m.depthGlobal())
	}
	w.section(7, b)
}

func (w *sectionWriter) elements() {
	m := w.m
	if len(m.elements) == 0 {
		return
	}
	b := appendU32(nil, uint32(len(m.elements)))
	for _, s := range m.elements {
		b = appendU32(b, s.flags)
		if s.flags&3 == 2 {
			b = appendU32(b, s.table)
		}
		b = append(b, m.src[s.offset[0]:s.offset[1]]...)
		if s.flags&3 != 0 {
			b = append(b, s.kind)
		}
		b = appendU32(b, uint32(len(s.refs)))
		for _, x := range s.refs {
			if s.flags&4 != 0 {
				b = m.appendExpr(b, x)
				continue
			}
			b = appendU32(b, m.newIndex(x.index))
		}
	}
	w.section(9, b)
}

// code writes the code section: the upload's bodies and the helpers.
func (w *sectionWriter) code(bodies []byte) {
	n := len(bodies)
	for _, h := range w.m.helpers {
		n += len(appendU32(nil, uint32(len(h.body)))) + len(h.body)
	}
	count := appendU32(nil, uint32(len(w.m.bodies)+len(w.m.helpers)))
	w.out = append(appendU32(append(w.out, 10), uint32(n+len(count))), count...)
	w.out = append(w.out, bodies...)
	for _, h := range w.m.helpers {
		w.out = append(appendU32(w.out, uint32(len(h.body))), h.body...)
	}
}

// describe describes the module for the host.
func (m *module) describe(code []byte) *Module {
	d := &Module{
		Code: code, Functions: len(m.bodies), Types: len(m.types), Tables: len(m.tables), Globals: len(m.globals),
		Data: len(m.data), Elements: len(m.elements), GoLinked: m.goLinked, Start: m.start >= 0,
	}
	for _, i := range m.imports {
		d.Imports = append(d.Imports, Extern{i.module, i.name, kindNames[i.kind], m.typeText(i.kind, uint32(i.index))})
	}
	for _, x := range m.exports {
		d.Exports = append(d.Exports, Extern{"", x.name, kindNames[x.kind], m.typeText(x.kind, x.index)})
	}
	if len(m.memories) > 0 {
		d.HasMemory, d.MemoryMin, d.MemoryMax = true, m.memories[0].min, m.maxMemory()+1
	}
	for _, t := range m.tables {
		d.Entries += int64(t.min)
	}
	for _, i := range m.savedState().tables {
		d.Restored += int64(m.tables[i].min)
	}
	d.Entries += d.Restored
	for _, grown := range m.grownTables {
		if grown {
			d.Unrestorable = append(d.Unrestorable, "table.grow")
			break
		}
	}
	if m.droppedSegments.data {
		d.Unrestorable = append(d.Unrestorable, "data.drop")
	}
	if m.droppedSegments.elements {
		d.Unrestorable = append(d.Unrestorable, "elem.drop")
	}
	return d
}

// typeText returns the type of an import or export for Extern.
func (m *module) typeText(kind byte, i uint32) string {
	switch kind {
	case kindFunc:
		return m.types[m.funcs[i]].text()
	case kindTable:
		return typeName(m.tables[i].elem)
	case kindMemory:
		return fmt.Sprintf("%d..%d pages", m.memories[i].min, m.maxMemory())
	}
	if g := m.globals[i]; g.mutable {
		return "mut " + typeName(g.kind)
	}
	return typeName(m.globals[i].kind)
}
