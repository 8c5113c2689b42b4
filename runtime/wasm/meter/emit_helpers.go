package meter

// Where things are in the rewritten module. Types, tables and globals that are added come last; the one import that is
// added moves every function of the upload's own by one.
func (m *module) yieldIndex() uint32  { return uint32(m.imported.funcs) }
func (m *module) fuelGlobal() uint32  { return uint32(len(m.globals)) }
func (m *module) depthGlobal() uint32 { return m.fuelGlobal() + 1 }

// softDepthGlobal is the global with the depth at which the host is told, or the guest ended.
func (m *module) softDepthGlobal() uint32 { return m.fuelGlobal() + 2 }

func (m *module) newIndex(fn uint32) uint32 {
	if int(fn) < m.imported.funcs {
		return fn
	}
	return fn + 1
}

// callerPays says whether a function is one whose callers pay for it.
func (m *module) callerPays(fn uint32) bool {
	return int(fn) >= m.imported.funcs && m.inlinePrice[int(fn)-m.imported.funcs] > 0
}

// helper is a function that is added.
type helper struct {
	kind uint32 // its type
	body []byte // declarations of locals and code
}

type helperKey struct {
	op   uint16
	a, b uint32
}

// typeIndex finds a type, or adds it.
func (m *module) typeIndex(params, results []byte) uint32 {
	key := string(params) + ">" + string(results)
	if m.typeOf == nil {
		m.typeOf = make(map[string]uint32)
		for i, t := range m.types {
			m.typeOf[string(t.params)+">"+string(t.results)] = uint32(i)
		}
	}
	i, ok := m.typeOf[key]
	if !ok {
		i = uint32(len(m.types) + len(m.addedTypes))
		m.addedTypes = append(m.addedTypes, funcType{params, results})
		m.typeOf[key] = i
	}
	return i
}

func (m *module) appendBlockType(b, results []byte) []byte {
	switch len(results) {
	case 0:
		return append(b, blockVoid)
	case 1:
		return append(b, results[0])
	}
	return appendS64(b, int64(m.typeIndex(nil, results)))
}

// addHelper is the index of a helper, which is written when it is first wanted.
func (m *module) addHelper(key helperKey, kind uint32, write func() []byte) uint32 {
	i, ok := m.helperIndex[key]
	if !ok {
		i = uint32(len(m.funcs) + 1 + len(m.helpers))
		m.helperIndex[key] = i
		m.helpers = append(m.helpers, helper{kind: kind, body: write()})
	}
	return i
}

// chunkedHelper is a function that does a bulk operation in pieces, with a look between them, and its type.
func (m *module) chunkedHelper(i *instruction) (fn, kind uint32) {
	params := []byte{typeI32, typeI32, typeI32}
	if i.op == opTableFill {
		params[1] = m.tables[i.a].elem
	}
	kind = m.typeIndex(params, nil)
	return m.addHelper(helperKey{i.op, i.a, i.b}, kind, func() []byte { return m.chunkedBody(i) }), kind
}

// chunkedBody writes it: destination, source or value, length, of which the length is more than one piece. As without it,
// nothing is done when the whole does not fit: an operation of no length at the far end traps then.
func (m *module) chunkedBody(i *instruction) []byte {
	var c codeWriter
	c.opcodes(0) // no locals
	op := m.src[i.at:i.end]
	piece, moves, backward := int64(chunk), i.op != opMemoryFill && i.op != opTableFill, i.op == opMemoryCopy || i.op == opTableCopy
	if i.op >= opTableInit {
		piece = chunkRefs
	}
	c.checkWrap(moves)
	c.opcodes(opIf, blockVoid)
	c.wholeOperation(op)
	c.opcodes(opReturn, opEnd)
	c.farEnd(moves)
	c.i32Const(0)
	c.opcodes(op...)
	if backward {
		c.copyBackward(m, op, piece)
	}
	c.opcodes(opLoop, blockVoid)
	c.indexed(opLocalGet, 0)
	c.indexed(opLocalGet, 1)
	c.i32Const(piece)
	c.opcodes(op...)
	c.increment(0, piece)
	if moves {
		c.increment(1, piece)
	}
	c.increment(2, -piece)
	c.repeatLoop(m, piece)
	c.wholeOperation(op)
	c.opcodes(opEnd)
	return c.out
}

// copyBackward writes a copy to higher offsets, from its far end.
func (c *codeWriter) copyBackward(m *module, op []byte, piece int64) {
	c.indexed(opLocalGet, 0)
	c.indexed(opLocalGet, 1)
	c.opcodes(opI32GtU, opIf, blockVoid, opLoop, blockVoid)
	c.increment(2, -piece)
	c.farEnd(true)
	c.i32Const(piece)
	c.opcodes(op...)
	c.repeatLoop(m, piece)
	c.wholeOperation(op)
	c.opcodes(opReturn, opEnd)
}

// checkWrap writes whether destination or source plus length goes beyond 32 bits.
func (c *codeWriter) checkWrap(moves bool) {
	c.indexed(opLocalGet, 0)
	c.opcodes(opI64ExtendU)
	c.indexed(opLocalGet, 2)
	c.opcodes(opI64ExtendU, opI64Add)
	if moves {
		c.indexed(opLocalGet, 1)
		c.opcodes(opI64ExtendU)
		c.indexed(opLocalGet, 2)
		c.opcodes(opI64ExtendU, opI64Add, opI64Or)
	}
	c.i64Const(32)
	c.opcodes(opI64ShrU, opI32Wrap)
}

// farEnd writes destination and source plus length, or the value.
func (c *codeWriter) farEnd(moves bool) {
	c.addLocals(0, 2)
	if moves {
		c.addLocals(1, 2)
		return
	}
	c.indexed(opLocalGet, 1)
}

func (c *codeWriter) wholeOperation(op []byte) {
	c.indexed(opLocalGet, 0)
	c.indexed(opLocalGet, 1)
	c.indexed(opLocalGet, 2)
	c.opcodes(op...)
}

// repeatLoop lets the host look and goes round while there is more than one piece left.
func (c *codeWriter) repeatLoop(m *module, piece int64) {
	c.callYield(m)
	c.indexed(opLocalGet, 2)
	c.i32Const(piece)
	c.opcodes(opI32GtU)
	c.indexed(opBrIf, 0)
	c.opcodes(opEnd)
}

// growHelper is a function that charges for growing a memory or a table, and grows it when it may be so large.
func (m *module) growHelper(i *instruction) uint32 {
	params, size := []byte{typeI32}, []byte{opMemorySize, 0}
	most, each := int64(m.maxMemory()), int64(perPage)
	if i.op == opTableGrow {
		params = []byte{m.tables[i.a].elem, typeI32}
		size = appendU32([]byte{0xfc, byte(opTableSize & 0xff)}, i.a)
		most, each = int64(m.maxTable(int(i.a))), 1
	}
	n := uint32(len(params) - 1)
	write := func() []byte {
		c := codeWriter{out: []byte{1, 1, typeI64}}
		c.indexed(opLocalGet, n)
		c.i32Const(int64(int32(most)))
		c.opcodes(size...)
		c.opcodes(opI32Sub, opI32GtU, opIf, blockVoid)
		c.i64Const(perGrow)
		c.spendFuel(m, n+1)
		c.i32Const(-1)
		c.opcodes(opReturn, opEnd)
		c.indexed(opLocalGet, n)
		c.opcodes(opI64ExtendU)
		c.i64Const(each)
		c.opcodes(opI64Mul)
		c.i64Const(perGrow)
		c.opcodes(opI64Add)
		c.spendFuel(m, n+1)
		for p := range n + 1 {
			c.indexed(opLocalGet, p)
		}
		c.opcodes(m.src[i.at:i.end]...)
		c.opcodes(opEnd)
		return c.out
	}
	return m.addHelper(helperKey{i.op, i.a, 0}, m.typeIndex(params, []byte{typeI32}), write)
}

// depthHelper is a function that is told of a depth beyond shallow: the host hears of it once, and of more than there may be.
func (m *module) depthHelper() uint32 {
	return m.addHelper(helperKey{op: opCall}, m.typeIndex([]byte{typeI32}, nil), func() []byte {
		c := codeWriter{out: []byte{0}}
		c.indexed(opLocalGet, 0)
		c.i32Const(int64(m.options.Depth))
		c.opcodes(opI32GtU, opIf, blockVoid)
		c.i64Const(TooDeep)
		c.indexed(opCall, m.yieldIndex())
		c.opcodes(opDrop, opUnreachable, opEnd)
		c.i32Const(int64(m.options.Depth))
		c.indexed(opGlobalSet, m.softDepthGlobal())
		c.i64Const(StackGrown)
		c.indexed(opCall, m.yieldIndex())
		c.opcodes(opDrop, opEnd)
		return c.out
	})
}

// softDepth is the depth that shallow begins with.
func (m *module) softDepth() int64 { return int64(min(m.options.Depth, softDepthUnits)) }

// maxMemory is how many pages the memory may have: what the host's allocator holds it to.
func (m *module) maxMemory() uint32 {
	if m.options.linked || len(m.memories) == 0 {
		return 1 << 16
	}
	l := m.memories[0]
	if l.bounded {
		return min(l.max, m.options.Pages)
	}
	return m.options.Pages
}

// maxTable is how many elements a table may have that grows.
func (m *module) maxTable(i int) uint32 {
	t := m.tables[i]
	most := uint32(m.options.Limits.Table)
	if t.bounded {
		most = min(most, t.max)
	}
	return most
}

// savedState is what Save and Restore carry over: the globals and tables that change, to shadows behind the upload's own.
type savedState struct {
	globals, tables []int
}

func (m *module) savedState() (s savedState) {
	for i, g := range m.globals {
		if g.mutable {
			s.globals = append(s.globals, i)
		}
	}
	for i, changed := range m.changedTables {
		if changed {
			s.tables = append(s.tables, i)
		}
	}
	return s
}

// saveOrRestore writes Save, or Restore when back.
func (m *module) saveOrRestore(s savedState, back bool) []byte {
	c := codeWriter{out: []byte{0}}
	for n, own := range s.globals {
		from, to := uint32(own), m.softDepthGlobal()+1+uint32(n)
		if back {
			from, to = to, from
		}
		c.indexed(opGlobalGet, from)
		c.indexed(opGlobalSet, to)
	}
	for n, own := range s.tables {
		from, to := uint32(own), uint32(len(m.tables)+n)
		if back {
			from, to = to, from
		}
		c.i32Const(0)
		c.i32Const(0)
		c.i32Const(int64(m.tables[own].min))
		c.opcodes(0xfc, byte(opTableCopy&0xff))
		c.out = appendU32(appendU32(c.out, to), from)
	}
	if back {
		c.i32Const(0)
		c.indexed(opGlobalSet, m.depthGlobal())
		c.i32Const(m.softDepth())
		c.indexed(opGlobalSet, m.softDepthGlobal())
	}
	c.opcodes(opEnd)
	return c.out
}

// zeroExpr is a global's first value, as an expression.
func zeroExpr(kind byte) []byte {
	switch kind {
	case typeI32, typeI64:
		return []byte{opI32Const + (typeI32 - kind), 0, opEnd}
	case typeF32:
		return []byte{opF32Const, 0, 0, 0, 0, opEnd}
	case typeF64:
		return []byte{opF64Const, 0, 0, 0, 0, 0, 0, 0, 0, opEnd}
	case typeV128:
		return append(append([]byte{0xfd, byte(opV128Const & 0xff)}, make([]byte, 16)...), opEnd)
	}
	return []byte{opRefNull, kind, opEnd}
}
