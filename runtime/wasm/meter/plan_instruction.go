package meter

// instruction checks an instruction's indexes, records its effect on function and module, and
// returns its price.
func (s *scanner) instruction(i *instruction) int32 {
	m := s.m
	switch i.op {
	case opLocalGet, opLocalSet, opLocalTee:
		if i.a >= s.plan.locals {
			s.rejectf(i.at, "there is no local %d", i.a)
		}
		if i.op != opLocalGet && !s.unreachable {
			s.stack.localSets++
			s.defineLocals(1)
		}
	case opGlobalGet, opGlobalSet:
		s.checkIndex(i.at, "global", i.a, len(m.globals))
		s.stack.hasVectors = s.stack.hasVectors || int64(i.a) < int64(len(m.globals)) && m.globals[i.a].kind == typeV128
	case opRefFunc:
		s.checkIndex(i.at, "function", i.a, len(m.funcs))
		if int64(i.a) < int64(len(m.funcs)) && !m.declared[i.a] {
			s.rejectf(i.at, "function %d is not declared for a reference", i.a)
		}
		return 1 + perReference
	case opCall:
		return s.call(i)
	case opCallIndirect:
		s.checkIndex(i.at, "type", i.a, len(m.types))
		s.checkIndex(i.at, "table", i.b, len(m.tables))
		if s.invalid {
			return 1
		}
		s.called, s.plan.countsDepth = true, true
		carried := s.callPrice(i.at, &m.types[i.a], 1)
		if m.options.exact {
			return 1
		}
		return 1 + maxInlinePrice + carried
	case opMemoryGrow:
		s.called = true
	case opTableGet, opTableSize:
		s.checkIndex(i.at, "table", i.a, len(m.tables))
	case opTableSet:
		s.noteTableChange(i.at, i.a)
	default:
		switch {
		case i.op>>8 == 0xfd:
			s.stack.hasVectors = true
			return instructionPrice(i.op)
		case i.op >= opLoad && i.op <= opStores:
			return instructionPrice(i.op)
		case i.op>>8 == 0xfc && i.op >= opMemoryInit:
			return s.bulk(i)
		}
	}
	return 1
}

// instructionPrice is the price of an instruction on values and memory.
func instructionPrice(op uint16) int32 {
	switch {
	case op >= opLoad && op <= opStores, op >= opV128Load && op <= opV128Store, op >= opV128LoadLane && op <= opV128LoadZero:
		return 1 + perAccess
	}
	return 1
}

// localsPrice is the price of n locals.
func localsPrice(n int) int32 { return int32(max(0, n-freeLocals) / 2) }

func (s *scanner) call(i *instruction) int32 {
	s.checkIndex(i.at, "function", i.a, len(s.m.funcs))
	if s.invalid {
		return 1
	}
	kind := s.m.funcs[i.a]
	if int64(kind) >= int64(len(s.m.types)) {
		return 1 // already rejected
	}
	carried := s.callPrice(i.at, &s.m.types[kind], 0)
	defined := int(i.a) - s.m.imported.funcs
	if defined >= 0 && s.m.inlinePrice[defined] > 0 {
		return 1 + carried + s.m.inlinePrice[defined]
	}
	s.called, s.plan.countsDepth = true, true
	if defined < 0 && !s.m.options.exact {
		return 1 + carried + maxInlinePrice
	}
	return 1 + carried
}

// noteTableChange records that a table changes and must be saved.
func (s *scanner) noteTableChange(at int, i uint32) {
	s.checkIndex(at, "table", i, len(s.m.tables))
	if int64(i) < int64(len(s.m.tables)) {
		s.m.changedTables[i] = true
	}
}

func (s *scanner) bulk(i *instruction) int32 {
	m := s.m
	switch i.op {
	case opMemoryInit, opDataDrop:
		if m.dataCount < 0 {
			s.rejectf(i.at, "it uses a data segment, and their count is not announced")
		}
		s.checkIndex(i.at, "data segment", i.a, int(m.dataCount))
	case opTableInit:
		s.checkIndex(i.at, "element segment", i.a, len(m.elements))
		s.noteTableChange(i.at, i.b)
	case opElemDrop:
		s.checkIndex(i.at, "element segment", i.a, len(m.elements))
	case opTableCopy:
		s.noteTableChange(i.at, i.a)
		s.checkIndex(i.at, "table", i.b, len(m.tables))
	case opTableGrow, opTableFill:
		s.noteTableChange(i.at, i.a)
	case opTableSize:
		s.checkIndex(i.at, "table", i.a, len(m.tables))
	}
	switch i.op {
	case opDataDrop:
		m.droppedSegments.data = true
	case opElemDrop:
		m.droppedSegments.elements = true
	case opTableGrow:
		s.called = true
		if int64(i.a) < int64(len(m.grownTables)) {
			m.grownTables[i.a] = true
		}
	case opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill:
		s.plan.needsScratch = true
		return 1 + perBulk
	}
	return 1
}

// computeInlinePrice returns the price of a function whose callers pay for it: one of a few
// instructions without loops, calls and bulk operations. For any other function it returns 0.
func (m *module) computeInlinePrice(body [2]int) int32 {
	if body[1]-body[0] > 8*maxInlinePrice || m.options.exact {
		return 0
	}
	r := reader{src: m.src, pos: body[0], end: body[1]}
	for n := r.u32(); n > 0 && r.failure == ""; n-- {
		r.u32()
		r.byte()
	}
	price := int32(0)
	for i := (instruction{}); r.failure == "" && r.more(); {
		r.next(&i)
		switch {
		case i.op == opLoop, i.op == opCall, i.op == opCallIndirect, i.op == opMemoryGrow, i.op == opRefFunc,
			i.op >= opMemoryInit && i.op <= opTableFill:
			return 0
		case i.op == opNop, i.op == opBlock, i.op == opElse, i.op == opEnd:
		default:
			price += instructionPrice(i.op)
		}
	}
	if r.failure != "" || price > maxInlinePrice {
		return 0
	}
	return max(price, 1)
}
