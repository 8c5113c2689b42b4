package meter

// Where things are in the rewritten module. Types, tables and globals that are added come last; the one import that is
// added moves every function of the upload's own by one.
func (m *module) yield() uint32 { return uint32(m.imported.funcs) }
func (m *module) fuel() uint32  { return uint32(len(m.globals)) }
func (m *module) depth() uint32 { return m.fuel() + 1 }

// shallow is the global with the depth at which the host is told, or the guest ended.
func (m *module) shallow() uint32 { return m.fuel() + 2 }

func (m *module) moved(fn uint32) uint32 {
	if int(fn) < m.imported.funcs {
		return fn
	}
	return fn + 1
}

// paid says whether a function is one whose callers pay for it.
func (m *module) paid(fn uint32) bool {
	return int(fn) >= m.imported.funcs && m.price[int(fn)-m.imported.funcs] > 0
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
		i = uint32(len(m.types) + len(m.added))
		m.added = append(m.added, funcType{params, results})
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

// add is the index of a helper, which is written when it is first wanted.
func (m *module) add(key helperKey, kind uint32, write func() []byte) uint32 {
	i, ok := m.helper[key]
	if !ok {
		i = uint32(len(m.funcs) + 1 + len(m.helpers))
		m.helper[key] = i
		m.helpers = append(m.helpers, helper{kind: kind, body: write()})
	}
	return i
}

// piecewise is a function that does a bulk operation in pieces, with a look between them, and its type.
func (m *module) piecewise(i *instr) (fn, kind uint32) {
	params := []byte{typeI32, typeI32, typeI32}
	if i.op == opTableFill {
		params[1] = m.tables[i.a].elem
	}
	kind = m.typeIndex(params, nil)
	return m.add(helperKey{i.op, i.a, i.b}, kind, func() []byte { return m.pieces(i) }), kind
}

// pieces writes it: destination, source or value, length, of which the length is more than one piece. As without it,
// nothing is done when the whole does not fit: an operation of no length at the far end traps then.
func (m *module) pieces(i *instr) []byte {
	var c code
	c.op(0) // no locals
	op := m.src[i.at:i.end]
	piece, moves, backward := int64(chunk), i.op != opMemoryFill && i.op != opTableFill, i.op == opMemoryCopy || i.op == opTableCopy
	if i.op >= opTableInit {
		piece = chunkRefs
	}
	c.wraps(moves)
	c.op(opIf, blockVoid)
	c.whole(op)
	c.op(opReturn, opEnd)
	c.far(moves)
	c.number32(0)
	c.op(op...)
	if backward {
		c.backward(m, op, piece)
	}
	c.op(opLoop, blockVoid)
	c.with(opLocalGet, 0)
	c.with(opLocalGet, 1)
	c.number32(piece)
	c.op(op...)
	c.step(0, piece)
	if moves {
		c.step(1, piece)
	}
	c.step(2, -piece)
	c.again(m, piece)
	c.whole(op)
	c.op(opEnd)
	return c.out
}

// backward writes a copy to higher offsets, from its far end.
func (c *code) backward(m *module, op []byte, piece int64) {
	c.with(opLocalGet, 0)
	c.with(opLocalGet, 1)
	c.op(opI32GtU, opIf, blockVoid, opLoop, blockVoid)
	c.step(2, -piece)
	c.far(true)
	c.number32(piece)
	c.op(op...)
	c.again(m, piece)
	c.whole(op)
	c.op(opReturn, opEnd)
}

// wraps writes whether destination or source plus length goes beyond 32 bits.
func (c *code) wraps(moves bool) {
	c.with(opLocalGet, 0)
	c.op(opI64ExtendU)
	c.with(opLocalGet, 2)
	c.op(opI64ExtendU, opI64Add)
	if moves {
		c.with(opLocalGet, 1)
		c.op(opI64ExtendU)
		c.with(opLocalGet, 2)
		c.op(opI64ExtendU, opI64Add, opI64Or)
	}
	c.number64(32)
	c.op(opI64ShrU, opI32Wrap)
}

// far writes destination and source plus length, or the value.
func (c *code) far(moves bool) {
	c.sum(0, 2)
	if moves {
		c.sum(1, 2)
		return
	}
	c.with(opLocalGet, 1)
}

func (c *code) whole(op []byte) {
	c.with(opLocalGet, 0)
	c.with(opLocalGet, 1)
	c.with(opLocalGet, 2)
	c.op(op...)
}

// again lets the host look and goes round while there is more than one piece left.
func (c *code) again(m *module, piece int64) {
	c.tick(m)
	c.with(opLocalGet, 2)
	c.number32(piece)
	c.op(opI32GtU)
	c.with(opBrIf, 0)
	c.op(opEnd)
}

// grower is a function that charges for growing a memory or a table, and grows it when it may be so large.
func (m *module) grower(i *instr) uint32 {
	params, size := []byte{typeI32}, []byte{opMemorySize, 0}
	most, each := int64(m.memoryMost()), int64(perPage)
	if i.op == opTableGrow {
		params = []byte{m.tables[i.a].elem, typeI32}
		size = appendU32([]byte{0xfc, byte(opTableSize & 0xff)}, i.a)
		most, each = int64(m.tableMost(int(i.a))), 1
	}
	n := uint32(len(params) - 1)
	write := func() []byte {
		c := code{out: []byte{1, 1, typeI64}}
		c.with(opLocalGet, n)
		c.number32(int64(int32(most)))
		c.op(size...)
		c.op(opI32Sub, opI32GtU, opIf, blockVoid)
		c.number64(perGrow)
		c.spend(m, n+1)
		c.number32(-1)
		c.op(opReturn, opEnd)
		c.with(opLocalGet, n)
		c.op(opI64ExtendU)
		c.number64(each)
		c.op(opI64Mul)
		c.number64(perGrow)
		c.op(opI64Add)
		c.spend(m, n+1)
		for p := range n + 1 {
			c.with(opLocalGet, p)
		}
		c.op(m.src[i.at:i.end]...)
		c.op(opEnd)
		return c.out
	}
	return m.add(helperKey{i.op, i.a, 0}, m.typeIndex(params, []byte{typeI32}), write)
}

// deeper is a function that is told of a depth beyond shallow: the host hears of it once, and of more than there may be.
func (m *module) deeper() uint32 {
	return m.add(helperKey{op: opCall}, m.typeIndex([]byte{typeI32}, nil), func() []byte {
		c := code{out: []byte{0}}
		c.with(opLocalGet, 0)
		c.number32(int64(m.o.Depth))
		c.op(opI32GtU, opIf, blockVoid)
		c.number64(Deep)
		c.with(opCall, m.yield())
		c.op(opDrop, opUnreachable, opEnd)
		c.number32(int64(m.o.Depth))
		c.with(opGlobalSet, m.shallow())
		c.number64(Deeper)
		c.with(opCall, m.yield())
		c.op(opDrop, opEnd)
		return c.out
	})
}

// shallowest is the depth that shallow begins with.
func (m *module) shallowest() int64 { return int64(min(m.o.Depth, shallowUnits)) }

// memoryMost is how many pages the memory may have: what the host's allocator holds it to.
func (m *module) memoryMost() uint32 {
	if m.o.linked || len(m.memories) == 0 {
		return 1 << 16
	}
	l := m.memories[0]
	if l.bounded {
		return min(l.max, m.o.Pages)
	}
	return m.o.Pages
}

// tableMost is how many elements a table may have that grows.
func (m *module) tableMost(i int) uint32 {
	t := m.tables[i]
	most := uint32(m.o.Limits.Table)
	if t.bounded {
		most = min(most, t.max)
	}
	return most
}

// saved is what Save and Restore carry over: the globals and tables that change, to shadows behind the upload's own.
type saved struct {
	globals, tables []int
}

func (m *module) saved() (s saved) {
	for i, g := range m.globals {
		if g.mutable {
			s.globals = append(s.globals, i)
		}
	}
	for i, changed := range m.changed {
		if changed {
			s.tables = append(s.tables, i)
		}
	}
	return s
}

// carry writes Save, or Restore when back.
func (m *module) carry(s saved, back bool) []byte {
	c := code{out: []byte{0}}
	for n, own := range s.globals {
		from, to := uint32(own), m.shallow()+1+uint32(n)
		if back {
			from, to = to, from
		}
		c.with(opGlobalGet, from)
		c.with(opGlobalSet, to)
	}
	for n, own := range s.tables {
		from, to := uint32(own), uint32(len(m.tables)+n)
		if back {
			from, to = to, from
		}
		c.number32(0)
		c.number32(0)
		c.number32(int64(m.tables[own].min))
		c.op(0xfc, byte(opTableCopy&0xff))
		c.out = appendU32(appendU32(c.out, to), from)
	}
	if back {
		c.number32(0)
		c.with(opGlobalSet, m.depth())
		c.number32(m.shallowest())
		c.with(opGlobalSet, m.shallow())
	}
	c.op(opEnd)
	return c.out
}

// nothing is a global's first value, as an expression.
func nothing(kind byte) []byte {
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
