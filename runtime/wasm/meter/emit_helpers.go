package meter

// Indexes in the rewritten module. Added types, tables and globals come last. The added import
// shifts the index of every function that the upload defines by one.
func (m *module) yieldIndex() uint32  { return uint32(m.imported.funcs) }
func (m *module) fuelGlobal() uint32  { return uint32(len(m.globals)) }
func (m *module) depthGlobal() uint32 { return m.fuelGlobal() + 1 }

// softDepthGlobal is the global with the depth at which the host is called.
func (m *module) softDepthGlobal() uint32 { return m.fuelGlobal() + 2 }

func (m *module) newIndex(fn uint32) uint32 {
	if int(fn) < m.imported.funcs {
		return fn
	}
	return fn + 1
}

// callerPays reports whether callers pay for the function.
func (m *module) callerPays(fn uint32) bool {
	return int(fn) >= m.imported.funcs && m.inlinePrice[int(fn)-m.imported.funcs] > 0
}

// helper is an added function.
type helper struct {
	kind uint32 // its type
	body []byte // local declarations and code
}

type helperKey struct {
	op   uint16
	a, b uint32
}

// typeIndex finds or adds a function type.
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

// addHelper returns the index of a helper, and writes it at first use.
func (m *module) addHelper(key helperKey, kind uint32, write func() []byte) uint32 {
	i, ok := m.helperIndex[key]
	if !ok {
		i = uint32(len(m.funcs) + 1 + len(m.helpers))
		m.helperIndex[key] = i
		m.helpers = append(m.helpers, helper{kind: kind, body: write()})
	}
	return i
}

// chunkedHelper is a helper that runs a bulk operation in chunks and calls the host between them.
// It also returns the helper's type.
func (m *module) chunkedHelper(i *instruction) (fn, kind uint32) {
	params := []byte{typeI32, typeI32, typeI32}
	if i.op == opTableFill {
		params[1] = m.tables[i.a].elem
	}
	kind = m.typeIndex(params, nil)
	return m.addHelper(helperKey{i.op, i.a, i.b}, kind, func() []byte { return m.chunkedBody(i) }), kind
}

// chunkedBody writes that helper. Its parameters are destination, source or value, and length,
// which is more than one chunk. A bulk operation out of bounds must trap before it writes anything,
// so an operation of length 0 at the far end comes first.
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
	c.opcodeIndex(opLocalGet, 0)
	c.opcodeIndex(opLocalGet, 1)
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

// copyBackward writes a copy to a higher offset in chunks from the end.
func (c *codeWriter) copyBackward(m *module, op []byte, piece int64) {
	c.opcodeIndex(opLocalGet, 0)
	c.opcodeIndex(opLocalGet, 1)
	c.opcodes(opI32GtU, opIf, blockVoid, opLoop, blockVoid)
	c.increment(2, -piece)
	c.farEnd(true)
	c.i32Const(piece)
	c.opcodes(op...)
	c.repeatLoop(m, piece)
	c.wholeOperation(op)
	c.opcodes(opReturn, opEnd)
}

// checkWrap writes a condition: destination or source plus length exceeds 32 bits.
func (c *codeWriter) checkWrap(moves bool) {
	c.opcodeIndex(opLocalGet, 0)
	c.opcodes(opI64ExtendU)
	c.opcodeIndex(opLocalGet, 2)
	c.opcodes(opI64ExtendU, opI64Add)
	if moves {
		c.opcodeIndex(opLocalGet, 1)
		c.opcodes(opI64ExtendU)
		c.opcodeIndex(opLocalGet, 2)
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
	c.opcodeIndex(opLocalGet, 1)
}

func (c *codeWriter) wholeOperation(op []byte) {
	c.opcodeIndex(opLocalGet, 0)
	c.opcodeIndex(opLocalGet, 1)
	c.opcodeIndex(opLocalGet, 2)
	c.opcodes(op...)
}

// repeatLoop calls the host and repeats the loop while more than one chunk is left.
func (c *codeWriter) repeatLoop(m *module, piece int64) {
	c.callYield(m)
	c.opcodeIndex(opLocalGet, 2)
	c.i32Const(piece)
	c.opcodes(opI32GtU)
	c.opcodeIndex(opBrIf, 0)
	c.opcodes(opEnd)
}

// growHelper is a helper that charges for growing a memory or table, and grows it up to its
// maximum.
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
		c.opcodeIndex(opLocalGet, n)
		c.i32Const(int64(int32(most)))
		c.opcodes(size...)
		c.opcodes(opI32Sub, opI32GtU, opIf, blockVoid)
		c.i64Const(perGrow)
		c.spendFuel(m, n+1)
		c.i32Const(-1)
		c.opcodes(opReturn, opEnd)
		c.opcodeIndex(opLocalGet, n)
		c.opcodes(opI64ExtendU)
		c.i64Const(each)
		c.opcodes(opI64Mul)
		c.i64Const(perGrow)
		c.opcodes(opI64Add)
		c.spendFuel(m, n+1)
		for p := range n + 1 {
			c.opcodeIndex(opLocalGet, p)
		}
		c.opcodes(m.src[i.at:i.end]...)
		c.opcodes(opEnd)
		return c.out
	}
	return m.addHelper(helperKey{i.op, i.a, 0}, m.typeIndex(params, []byte{typeI32}), write)
}

// depthHelper is a helper for depths beyond the soft limit: it calls the host once for this, and
// again if the hard limit is exceeded.
func (m *module) depthHelper() uint32 {
	return m.addHelper(helperKey{op: opCall}, m.typeIndex([]byte{typeI32}, nil), func() []byte {
		c := codeWriter{out: []byte{0}}
		c.opcodeIndex(opLocalGet, 0)
		c.i32Const(int64(m.options.Depth))
		c.opcodes(opI32GtU, opIf, blockVoid)
		c.i64Const(TooDeep)
		c.opcodeIndex(opCall, m.yieldIndex())
		c.opcodes(opDrop, opUnreachable, opEnd)
		c.i32Const(int64(m.options.Depth))
		c.opcodeIndex(opGlobalSet, m.softDepthGlobal())
		c.i64Const(StackGrown)
		c.opcodeIndex(opCall, m.yieldIndex())
		c.opcodes(opDrop, opEnd)
		return c.out
	})
}

// softDepth is the initial soft limit of the depth.
func (m *module) softDepth() int64 { return int64(min(m.options.Depth, softDepthUnits)) }

// maxMemory is the maximum of the memory in pages, which the host's allocator enforces.
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

// maxTable is the maximum of a table that grows.
func (m *module) maxTable(i int) uint32 {
	t := m.tables[i]
	most := uint32(m.options.Limits.Table)
	if t.bounded {
		most = min(most, t.max)
	}
	return most
}

// savedState lists the mutable globals and changing tables, which Save and Restore copy to and from
// shadows behind the upload's own.
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

// saveOrRestore writes Save, or Restore if back is set.
func (m *module) saveOrRestore(s savedState, back bool) []byte {
	c := codeWriter{out: []byte{0}}
	for n, own := range s.globals {
		from, to := uint32(own), m.softDepthGlobal()+1+uint32(n)
		if back {
			from, to = to, from
		}
		c.opcodeIndex(opGlobalGet, from)
		c.opcodeIndex(opGlobalSet, to)
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
		c.opcodeIndex(opGlobalSet, m.depthGlobal())
		c.i32Const(m.softDepth())
		c.opcodeIndex(opGlobalSet, m.softDepthGlobal())
	}
	c.opcodes(opEnd)
	return c.out
}

// zeroExpr is the initial value of an added global, as an expression.
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
