package meter

// instruction checks an instruction's indexes, notes what it means for the function and the module, and gives its price.
func (s *scan) instruction(i *instr) int32 {
	m := s.m
	switch i.op {
	case opLocalGet, opLocalSet, opLocalTee:
		if i.a >= s.p.locals {
			s.refusef(i.at, "there is no local %d", i.a)
		}
		if i.op != opLocalGet && !s.dead {
			s.stack.sets++
			s.define(1)
		}
	case opGlobalGet, opGlobalSet:
		s.within(i.at, "global", i.a, len(m.globals))
		s.stack.wide = s.stack.wide || int64(i.a) < int64(len(m.globals)) && m.globals[i.a].kind == typeV128
	case opRefFunc:
		s.within(i.at, "function", i.a, len(m.funcs))
		if int64(i.a) < int64(len(m.funcs)) && !m.declared[i.a] {
			s.refusef(i.at, "function %d is not declared for a reference", i.a)
		}
		return 1 + perReference
	case opCall:
		return s.call(i)
	case opCallIndirect:
		s.within(i.at, "type", i.a, len(m.types))
		s.within(i.at, "table", i.b, len(m.tables))
		if s.broken {
			return 1
		}
		s.called, s.p.calls = true, true
		carried := s.passes(i.at, &m.types[i.a], 1)
		if m.o.exact {
			return 1
		}
		return 1 + small + carried
	case opMemoryGrow:
		s.called = true
	case opTableGet, opTableSize:
		s.within(i.at, "table", i.a, len(m.tables))
	case opTableSet:
		s.changes(i.at, i.a)
	default:
		switch {
		case i.op>>8 == 0xfd:
			s.stack.wide = true
			return priceOf(i.op)
		case i.op >= opLoad && i.op <= opStores:
			return priceOf(i.op)
		case i.op>>8 == 0xfc && i.op >= opMemoryInit:
			return s.bulk(i)
		}
	}
	return 1
}

// priceOf is what an instruction costs that works on values and memory.
func priceOf(op uint16) int32 {
	switch {
	case op >= opLoad && op <= opStores, op >= opV128Load && op <= opV128Store, op >= opV128LoadLane && op <= opV128LoadZero:
		return 1 + perAccess
	}
	return 1
}

// beyond is what n locals cost.
func beyond(n int) int32 { return int32(max(0, n-freeLocals) / 2) }

func (s *scan) call(i *instr) int32 {
	s.within(i.at, "function", i.a, len(s.m.funcs))
	if s.broken {
		return 1
	}
	kind := s.m.funcs[i.a]
	if int64(kind) >= int64(len(s.m.types)) {
		return 1 // refused already
	}
	carried := s.passes(i.at, &s.m.types[kind], 0)
	defined := int(i.a) - s.m.imported.funcs
	if defined >= 0 && s.m.price[defined] > 0 {
		return 1 + carried + s.m.price[defined]
	}
	s.called, s.p.calls = true, true
	if defined < 0 && !s.m.o.exact {
		return 1 + carried + small
	}
	return 1 + carried
}

// changes notes that a table changes, so that it must be saved.
func (s *scan) changes(at int, i uint32) {
	s.within(at, "table", i, len(s.m.tables))
	if int64(i) < int64(len(s.m.tables)) {
		s.m.changed[i] = true
	}
}

func (s *scan) bulk(i *instr) int32 {
	m := s.m
	switch i.op {
	case opMemoryInit, opDataDrop:
		if m.dataCount < 0 {
			s.refusef(i.at, "it uses a data segment, and their count is not announced")
		}
		s.within(i.at, "data segment", i.a, int(m.dataCount))
	case opTableInit:
		s.within(i.at, "element segment", i.a, len(m.elements))
		s.changes(i.at, i.b)
	case opElemDrop:
		s.within(i.at, "element segment", i.a, len(m.elements))
	case opTableCopy:
		s.changes(i.at, i.a)
		s.within(i.at, "table", i.b, len(m.tables))
	case opTableGrow, opTableFill:
		s.changes(i.at, i.a)
	case opTableSize:
		s.within(i.at, "table", i.a, len(m.tables))
	}
	switch i.op {
	case opDataDrop:
		m.drops.data = true
	case opElemDrop:
		m.drops.elements = true
	case opTableGrow:
		s.called = true
		if int64(i.a) < int64(len(m.grown)) {
			m.grown[i.a] = true
		}
	case opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill:
		s.p.scratch = true
		return 1 + perBulk
	}
	return 1
}

// smallPrice is what a function costs whose callers pay for it, 0 for any other: a few instructions, none of which
// loops, calls, or works by length.
func (m *module) smallPrice(body [2]int) int32 {
	if body[1]-body[0] > 8*small || m.o.exact {
		return 0
	}
	r := reader{src: m.src, p: body[0], end: body[1]}
	for n := r.u32(); n > 0 && r.bad == ""; n-- {
		r.u32()
		r.byte()
	}
	price := int32(0)
	for i := (instr{}); r.bad == "" && r.more(); {
		r.next(&i)
		switch {
		case i.op == opLoop, i.op == opCall, i.op == opCallIndirect, i.op == opMemoryGrow, i.op == opRefFunc,
			i.op >= opMemoryInit && i.op <= opTableFill:
			return 0
		case i.op == opNop, i.op == opBlock, i.op == opElse, i.op == opEnd:
		default:
			price += priceOf(i.op)
		}
	}
	if r.bad != "" || price > small {
		return 0
	}
	return max(price, 1)
}
