package meter

// call writes a call. What it calls finds the fuel in the global and leaves it there.
func (e *emit) call(i *instr) {
	pays := i.op == opCall && e.m.paid(i.a) // the callee's price is in ours
	if !e.dead && !pays {
		e.copy(i.at)
		e.toGlobal()
		e.with(opLocalGet, e.deep)
		e.with(opGlobalSet, e.m.depth())
		e.where = inGlobal
	}
	if i.op == opCall {
		e.replace(i)
		e.with(opCall, e.m.moved(i.a))
	}
}

// grow writes a call of what charges for growing before it grows.
func (e *emit) grow(i *instr) {
	if e.dead {
		return
	}
	e.replace(i)
	e.toGlobal()
	e.with(opCall, e.m.grower(i))
	e.where = inGlobal
}

// bulk writes an operation that works by length, which is on top of the stack: it is charged and looked at before, and
// done in pieces when it is long.
func (e *emit) bulk(i *instr) {
	if e.dead {
		return
	}
	e.replace(i)
	e.toLocal()
	refs := i.op >= opTableInit
	e.with(opLocalTee, e.scratch)
	e.with(opLocalGet, e.fuel)
	e.with(opLocalGet, e.scratch)
	e.op(opI64ExtendU)
	long := int64(chunkRefs)
	if !refs {
		e.number64(bulkShift)
		e.op(opI64ShrU)
		long = chunk
	}
	e.op(opI64Sub)
	e.with(opLocalSet, e.fuel)
	e.where = inLocal
	e.check()
	e.with(opLocalGet, e.scratch)
	e.number32(long)
	e.op(opI32GtU)
	helper, t := e.m.piecewise(i)
	e.out = appendS64(append(e.out, opIf), int64(t))
	e.toGlobal()
	e.with(opCall, helper)
	e.with(opGlobalGet, e.m.fuel())
	e.with(opLocalSet, e.fuel)
	e.op(opElse)
	e.out = append(e.out, e.m.src[i.at:i.end]...)
	e.op(opEnd)
	e.where = inLocal
}
