package meter

import "fmt"

func (m *module) readElements(r *reader) {
	total := 0
	for n := m.readCount(r, "elements", 0, m.options.Limits.Elements); n > 0 && r.failure == ""; n-- {
		e := m.readElement(r, fmt.Sprintf("element segment %d", len(m.elements)), total)
		total += len(e.refs)
		m.elements = append(m.elements, e)
	}
}

// readElement reads one segment. Flag bits: 1 not active, 2 with table index or declared, 4 with
// expressions.
func (m *module) readElement(r *reader, place string, total int) (e elementSegment) {
	at := r.pos
	e.flags = r.u32()
	if e.flags > 7 {
		r.fail(at, fmt.Sprintf("there is no kind of element segment %#x", e.flags))
		return e
	}
	if e.flags&1 == 0 {
		if e.flags&2 != 0 {
			e.table = m.readIndex(r, place, "table", len(m.tables))
		} else {
			m.checkIndex(at, place, "table", 0, len(m.tables))
		}
		e.offset = m.readExpr(r, "element segment", len(m.elements)).at
	}
	if e.flags&3 != 0 {
		e.kind = m.readElementKind(r, e.flags)
	}
	at = r.pos
	n := r.u32()
	if !m.checkMax(at, place, "elements of all segments", total+int(n), m.options.Limits.ElementRefs) {
		r.fail(at, "it cannot be read any further")
	}
	for ; n > 0 && r.failure == ""; n-- {
		if e.flags&4 != 0 {
			e.refs = append(e.refs, m.readExpr(r, "element segment", len(m.elements)))
			continue
		}
		e.refs = append(e.refs, expr{op: opRefFunc, index: m.readIndex(r, place, "function", len(m.funcs))})
	}
	return e
}

func (m *module) readElementKind(r *reader, flags uint32) byte {
	if flags&4 != 0 {
		return r.refType()
	}
	at := r.pos
	b := r.byte()
	if b != 0 {
		r.fail(at, fmt.Sprintf("there is no kind of element %#x", b))
	}
	return b
}

func (m *module) readData(r *reader) {
	m.dataBody = [2]int{r.pos, r.end}
	total := 0
	for n := m.readCount(r, "data", 0, m.options.Limits.Data); n > 0 && r.failure == ""; n-- {
		at := r.pos
		flags := r.u32()
		if flags > 2 {
			r.fail(at, fmt.Sprintf("there is no kind of data segment %#x", flags))
			return
		}
		if flags == 2 {
			m.readIndex(r, "section data", "memory", len(m.memories))
		}
		if flags != 1 {
			m.checkIndex(at, "section data", "memory", 0, len(m.memories))
			m.readExpr(r, "data segment", len(m.data))
		}
		at = r.pos
		size := r.u32()
		total += int(size)
		from := r.pos
		r.bytes(size)
		if !m.checkMax(at, "section data", "bytes of all segments", total, m.options.Limits.DataBytes) {
			return
		}
		m.data = append(m.data, [2]int{from, r.pos})
	}
}
