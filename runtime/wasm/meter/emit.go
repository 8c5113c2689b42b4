package meter

// Where the fuel counter is valid: in the function's local, in the global, or both. At labels it
// must be in the local; at calls and the end of the function in the global. It is copied only when
// needed.
const (
	inLocal = 1 << iota
	inGlobal
	inBoth = inLocal | inGlobal
)

// openBlock is an open block of the function being written.
type openBlock struct {
	op          uint16
	unreachable bool
	branched    bool
	diverges    bool
	fuelIn      uint8 // where the fuel is at the block's label
	fuelBefore  uint8 // where the fuel was before an if
}

// bodyWriter writes the rewritten body of a function.
type bodyWriter struct {
	codeWriter
	m           *module
	r           reader
	plan        *plan
	from        int // source offset up to which everything is written
	nextCharge  int // index into plan.charges
	nextIf      int // index into plan.diverges
	frames      []openBlock
	unreachable bool
	fuelIn      uint8
	weight      int64 // added to the depth by a call of the function
	entry       bool  // exported or start function, so the host may call it

	fuel, depth, scratch uint32 // added locals
}

// function writes one function's body: local declarations and code.
func (e *bodyWriter) function(p *plan, results []byte, entry bool) {
	e.plan, e.out, e.nextCharge, e.nextIf, e.unreachable = p, e.out[:0], 0, 0, false
	e.frames = append(e.frames[:0], openBlock{op: opBlock, fuelIn: inBoth})
	e.r.src, e.r.pos, e.r.end, e.from = e.m.src, p.code, p.end, p.code
	e.entry = entry && p.countsDepth
	e.locals()
	e.fuelIn = inBoth
	if !p.callerPays {
		e.fuelIn = inGlobal
		if p.countsDepth {
			e.countDepth()
		}
		if p.branchesToEnd {
			e.opcodes(opBlock)
			e.out = e.m.appendBlockType(e.out, results)
		}
	}
	var i instruction
	for len(e.frames) > 0 {
		e.r.next(&i)
		e.chargeAt(i.at)
		e.instruction(&i)
	}
	e.copyUntil(e.r.end)
}

func (e *bodyWriter) locals() {
	p := e.plan
	if p.callerPays {
		e.out = append(appendU32(e.out, p.localGroups), e.m.src[p.localDecls[0]:p.localDecls[1]]...)
		return
	}
	n := p.localGroups + 1
	e.fuel = p.locals
	next := p.locals + 1
	if p.countsDepth {
		e.depth, next, n = next, next+1, n+1
	}
	if p.needsScratch {
		e.scratch, n = next, n+1
	}
	e.out = append(appendU32(e.out, n), e.m.src[p.localDecls[0]:p.localDecls[1]]...)
	e.out = append(e.out, 1, typeI64)
	for range n - p.localGroups - 1 {
		e.out = append(e.out, 1, typeI32)
	}
}

// copyUntil copies the source up to an offset. skip also drops the instruction there.
func (e *bodyWriter) copyUntil(to int)    { e.out = append(e.out, e.m.src[e.from:to]...); e.from = to }
func (e *bodyWriter) skip(i *instruction) { e.copyUntil(i.at); e.from = i.end }

func (e *bodyWriter) label(label uint32) *openBlock { return &e.frames[len(e.frames)-1-int(label)] }

// markUnreachable notes that the rest of the block is unreachable.
func (e *bodyWriter) markUnreachable() { e.unreachable, e.fuelIn = true, inBoth }

// countDepth counts the depth of nested calls. The global passes the caller's depth. A function
// does not restore the global at its end unless the host called it.
func (e *bodyWriter) countDepth() {
	e.weight = 1 + int64(e.plan.frame)/depthUnit
	e.opcodeIndex(opGlobalGet, e.m.depthGlobal())
	e.i32Const(e.weight)
	e.opcodes(opI32Add)
	e.opcodeIndex(opLocalTee, e.depth)
	e.opcodeIndex(opGlobalGet, e.m.softDepthGlobal())
	e.opcodes(opI32GtU, opIf, blockVoid)
	e.opcodeIndex(opLocalGet, e.depth)
	e.opcodeIndex(opCall, e.m.depthHelper())
	e.opcodes(opEnd)
}

// toLocal makes the fuel in the local valid.
func (e *bodyWriter) toLocal() {
	if e.fuelIn&inLocal == 0 {
		e.opcodeIndex(opGlobalGet, e.m.fuelGlobal())
		e.opcodeIndex(opLocalSet, e.fuel)
		e.fuelIn = inBoth
	}
}

// toGlobal makes the fuel in the global valid.
func (e *bodyWriter) toGlobal() {
	if e.fuelIn&inGlobal == 0 {
		e.opcodeIndex(opLocalGet, e.fuel)
		e.opcodeIndex(opGlobalSet, e.m.fuelGlobal())
		e.fuelIn = inBoth
	}
}

// restoreGlobals sets the globals as the caller expects them.
func (e *bodyWriter) restoreGlobals() {
	e.toGlobal()
	if e.entry {
		e.opcodeIndex(opLocalGet, e.depth)
		e.i32Const(e.weight)
		e.opcodes(opI32Sub)
		e.opcodeIndex(opGlobalSet, e.m.depthGlobal())
	}
}

// chargeAt writes the charges for the code that begins at an offset.
func (e *bodyWriter) chargeAt(at int) {
	for ; e.nextCharge < len(e.plan.charges) && e.plan.charges[e.nextCharge].at == at; e.nextCharge++ {
		k := &e.plan.charges[e.nextCharge]
		if e.plan.callerPays || k.cost == 0 && !k.check {
			continue
		}
		e.copyUntil(at)
		e.toLocal()
		if k.cost > 0 {
			e.opcodeIndex(opLocalGet, e.fuel)
			e.i64Const(int64(k.cost))
			e.opcodes(opI64Sub)
			e.opcodeIndex(opLocalSet, e.fuel)
		}
		e.fuelIn = inLocal
		if k.check {
			e.checkFuel()
		}
	}
}

// checkFuel asks for the next slice if this one is used up.
func (e *bodyWriter) checkFuel() {
	e.opcodeIndex(opLocalGet, e.fuel)
	e.i64Const(0)
	e.out = append(e.out, opI64LtS, opIf, blockVoid)
	e.opcodeIndex(opLocalGet, e.fuel)
	e.opcodeIndex(opCall, e.m.yieldIndex())
	e.opcodeIndex(opLocalSet, e.fuel)
	e.opcodes(opEnd)
}

func (e *bodyWriter) instruction(i *instruction) {
	switch i.op {
	case opBlock, opLoop, opIf:
		e.beginBlock(i)
	case opElse:
		e.elseBranch(i)
	case opEnd:
		e.endBlock(i)
	case opBr, opBrIf, opBrTable:
		e.branch(i)
	case opReturn:
		if !e.unreachable {
			e.copyUntil(i.at)
			e.restoreGlobals()
		}
		e.markUnreachable()
	case opUnreachable:
		e.markUnreachable()
	case opRefFunc:
		e.skip(i)
		e.opcodeIndex(opRefFunc, e.m.newIndex(i.a))
	case opCall, opCallIndirect:
		e.call(i)
	case opMemoryGrow, opTableGrow:
		e.grow(i)
	case opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill:
		e.bulk(i)
	}
}

func (e *bodyWriter) beginBlock(i *instruction) {
	f := openBlock{op: i.op, unreachable: e.unreachable, fuelIn: inBoth}
	if i.op == opIf {
		f.diverges = e.plan.diverges[e.nextIf]
		e.nextIf++
	}
	if !e.unreachable && (i.op == opLoop || i.op == opIf && !f.diverges) {
		e.copyUntil(i.at)
		e.toLocal()
	}
	f.fuelBefore = e.fuelIn
	if i.op == opLoop && !e.unreachable {
		e.fuelIn = inLocal // valid at the next iteration
	}
	e.frames = append(e.frames, f)
}

// joinLabel records where the fuel is when code branches to f's label from here.
func (e *bodyWriter) joinLabel(f *openBlock) {
	f.fuelIn &= e.fuelIn
	f.branched = true
}

func (e *bodyWriter) elseBranch(i *instruction) {
	f := &e.frames[len(e.frames)-1]
	if !e.unreachable {
		e.copyUntil(i.at)
		e.toLocal()
		e.joinLabel(f)
	}
	f.op = opElse
	e.unreachable, e.fuelIn = f.unreachable, f.fuelBefore
}

func (e *bodyWriter) endBlock(i *instruction) {
	f := &e.frames[len(e.frames)-1]
	switch {
	case f.unreachable:
		e.markUnreachable()
	case f.op == opLoop:
	case f.op == opIf && f.diverges:
		e.unreachable, e.fuelIn = false, f.fuelBefore
	default:
		e.endForwardBlock(i, f)
	}
	e.frames = e.frames[:len(e.frames)-1]
	if len(e.frames) == 0 {
		e.endFunction(i)
	}
}

// endForwardBlock ends a block whose label is at its end.
func (e *bodyWriter) endForwardBlock(i *instruction, f *openBlock) {
	if f.op == opIf { // the condition may be false
		f.fuelIn &= f.fuelBefore
		f.branched = true
	}
	if !f.branched {
		return
	}
	if !e.unreachable {
		e.copyUntil(i.at)
		e.toLocal()
		e.joinLabel(f)
	}
	e.unreachable, e.fuelIn = false, f.fuelIn
}

// endFunction ends the function.
func (e *bodyWriter) endFunction(i *instruction) {
	e.copyUntil(i.at)
	if e.plan.callerPays {
		return
	}
	if e.plan.branchesToEnd {
		e.opcodes(opEnd)
	}
	if !e.unreachable {
		e.restoreGlobals()
	}
}

func (e *bodyWriter) branch(i *instruction) {
	if e.unreachable {
		return
	}
	e.copyUntil(i.at)
	e.toLocal()
	if i.op == opBrTable {
		for _, t := range e.r.targets {
			e.joinLabel(e.label(t))
		}
	} else {
		e.joinLabel(e.label(i.a))
	}
	if i.op != opBrIf {
		e.markUnreachable()
	}
}
