package meter

import "fmt"

func (m *module) readElements(r *reader) {
	total := 0
	for n := m.count(r, "elements", 0, m.o.Limits.Elements); n > 0 && r.bad == ""; n-- {
		e := m.element(r, fmt.Sprintf("element segment %d", len(m.elements)), total)
		total += len(e.refs)
		m.elements = append(m.elements, e)
	}
}

// element reads one segment. Of its flags 1 is "not active", 2 "with a table" or "declared", 4 "of expressions".
func (m *module) element(r *reader, place string, total int) (e element) {
	at := r.p
	e.flags = r.u32()
	if e.flags > 7 {
		r.fail(at, fmt.Sprintf("there is no kind of element segment %#x", e.flags))
		return e
	}
	if e.flags&1 == 0 {
		if e.flags&2 != 0 {
			e.table = m.index(r, place, "table", len(m.tables))
		} else {
			m.within(at, place, "table", 0, len(m.tables))
		}
		e.offset = m.expr(r, "element segment", len(m.elements)).at
	}
	if e.flags&3 != 0 {
		e.kind = m.elementKind(r, e.flags)
	}
	at = r.p
	n := r.u32()
	if !m.most(at, place, "elements of all segments", total+int(n), m.o.Limits.ElementRefs) {
		r.fail(at, "it cannot be read any further")
	}
	for ; n > 0 && r.bad == ""; n-- {
		if e.flags&4 != 0 {
			e.refs = append(e.refs, m.expr(r, "element segment", len(m.elements)))
			continue
		}
		e.refs = append(e.refs, expr{op: opRefFunc, index: m.index(r, place, "function", len(m.funcs))})
	}
	return e
}

func (m *module) elementKind(r *reader, flags uint32) byte {
	if flags&4 != 0 {
		return r.refType()
	}
	at := r.p
	b := r.byte()
	if b != 0 {
		r.fail(at, fmt.Sprintf("there is no kind of element %#x", b))
	}
	return b
}

func (m *module) readData(r *reader) {
	m.dataBody = [2]int{r.p, r.end}
	total := 0
	for n := m.count(r, "data", 0, m.o.Limits.Data); n > 0 && r.bad == ""; n-- {
		at := r.p
		flags := r.u32()
		if flags > 2 {
			r.fail(at, fmt.Sprintf("there is no kind of data segment %#x", flags))
			return
		}
		if flags == 2 {
			m.index(r, "section data", "memory", len(m.memories))
		}
		if flags != 1 {
			m.within(at, "section data", "memory", 0, len(m.memories))
			m.expr(r, "data segment", len(m.data))
		}
		at = r.p
		size := r.u32()
		total += int(size)
		from := r.p
		r.take(size)
		if !m.most(at, "section data", "bytes of all segments", total, m.o.Limits.DataBytes) {
			return
		}
		m.data = append(m.data, [2]int{from, r.p})
	}
}
