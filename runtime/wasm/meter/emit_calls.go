package meter

// call writes a call. The callee reads the fuel from the global and leaves it there.
func (e *bodyWriter) call(i *instruction) {
	pays := i.op == opCall && e.m.callerPays(i.a) // the charge here includes the callee
	if !e.unreachable && !pays {
		e.copyUntil(i.at)
		e.toGlobal()
		e.opcodeIndex(opLocalGet, e.depth)
		e.opcodeIndex(opGlobalSet, e.m.depthGlobal())
		e.fuelIn = inGlobal
	}
	if i.op == opCall {
		e.skip(i)
		e.opcodeIndex(opCall, e.m.newIndex(i.a))
	}
}

// grow replaces memory.grow and table.grow by a helper that charges before it grows.
func (e *bodyWriter) grow(i *instruction) {
	if e.unreachable {
		return
	}
	e.skip(i)
	e.toGlobal()
	e.opcodeIndex(opCall, e.m.growHelper(i))
	e.fuelIn = inGlobal
}

// bulk writes a bulk operation, whose length is on top of the stack: charged and checked first, and
// in chunks if it is long.
func (e *bodyWriter) bulk(i *instruction) {
	if e.unreachable {
		return
	}
	e.skip(i)
	e.toLocal()
	refs := i.op >= opTableInit
	e.opcodeIndex(opLocalTee, e.scratch)
	e.opcodeIndex(opLocalGet, e.fuel)
	e.opcodeIndex(opLocalGet, e.scratch)
	e.opcodes(opI64ExtendU)
	long := int64(chunkRefs)
	if !refs {
		e.i64Const(bulkShift)
		e.opcodes(opI64ShrU)
		long = chunk
	}
	e.opcodes(opI64Sub)
	e.opcodeIndex(opLocalSet, e.fuel)
	e.fuelIn = inLocal
	e.checkFuel()
	e.opcodeIndex(opLocalGet, e.scratch)
	e.i32Const(long)
	e.opcodes(opI32GtU)
	helper, t := e.m.chunkedHelper(i)
	e.out = appendS64(append(e.out, opIf), int64(t))
	e.toGlobal()
	e.opcodeIndex(opCall, helper)
	e.opcodeIndex(opGlobalGet, e.m.fuelGlobal())
	e.opcodeIndex(opLocalSet, e.fuel)
	e.opcodes(opElse)
	e.out = append(e.out, e.m.src[i.at:i.end]...)
	e.opcodes(opEnd)
	e.fuelIn = inLocal
}
