package meter

// Where the fuel is known: in the function's local, in the global, or in both. At every label it is in the local at
// least; calls and the ends of functions want it in the global. It is moved only when it is not where it is wanted.
const (
	inLocal = 1 << iota
	inGlobal
	inBoth = inLocal | inGlobal
)

// flow is a block that is open in what is written.
type flow struct {
	op       uint16
	dead     bool
	branched bool
	leaving  bool
	where    uint8 // the fuel is, at its label
	before   uint8 // where it was when an if began
}

// emit writes the rewritten body of a function.
type emit struct {
	code
	m      *module
	r      reader
	p      *plan
	from   int // what comes before is written
	mark   int // the next one
	number int // the next if
	frames []flow
	dead   bool
	where  uint8
	weight int64 // what a call of it counts against the depth
	entry  bool  // the host may call it

	fuel, deep, scratch uint32 // locals that are added
}

// function writes one function's body: declarations of locals and code.
func (e *emit) function(p *plan, results []byte, entry bool) {
	e.p, e.out, e.mark, e.number, e.dead = p, e.out[:0], 0, 0, false
	e.frames = append(e.frames[:0], flow{op: opBlock, where: inBoth})
	e.r.src, e.r.p, e.r.end, e.from = e.m.src, p.code, p.end, p.code
	e.entry = entry && p.calls
	e.locals()
	e.where = inBoth
	if !p.small {
		e.where = inGlobal
		if p.calls {
			e.enter()
		}
		if p.branchy {
			e.op(opBlock)
			e.out = e.m.appendBlockType(e.out, results)
		}
	}
	var i instr
	for len(e.frames) > 0 {
		e.r.next(&i)
		e.marks(i.at)
		e.instruction(&i)
	}
	e.copy(e.r.end)
}

func (e *emit) locals() {
	p := e.p
	if p.small {
		e.out = append(appendU32(e.out, p.groups), e.m.src[p.decls[0]:p.decls[1]]...)
		return
	}
	n := p.groups + 1
	e.fuel = p.locals
	next := p.locals + 1
	if p.calls {
		e.deep, next, n = next, next+1, n+1
	}
	if p.scratch {
		e.scratch, n = next, n+1
	}
	e.out = append(appendU32(e.out, n), e.m.src[p.decls[0]:p.decls[1]]...)
	e.out = append(e.out, 1, typeI64)
	for range n - p.groups - 1 {
		e.out = append(e.out, 1, typeI32)
	}
}

// copy writes what comes before an offset as it is; replace does, and leaves the instruction there out.
func (e *emit) copy(to int)      { e.out = append(e.out, e.m.src[e.from:to]...); e.from = to }
func (e *emit) replace(i *instr) { e.copy(i.at); e.from = i.end }

func (e *emit) label(label uint32) *flow { return &e.frames[len(e.frames)-1-int(label)] }

// die notes that nothing reaches what follows, up to the end of the block.
func (e *emit) die() { e.dead, e.where = true, inBoth }

// enter counts how deep calls are nested. A function is told by the global; it tells those it calls, and leaves the
// global alone on its way out, unless the host called it.
func (e *emit) enter() {
	e.weight = 1 + int64(e.p.frame)/depthUnit
	e.with(opGlobalGet, e.m.depth())
	e.number32(e.weight)
	e.op(opI32Add)
	e.with(opLocalTee, e.deep)
	e.with(opGlobalGet, e.m.shallow())
	e.op(opI32GtU, opIf, blockVoid)
	e.with(opLocalGet, e.deep)
	e.with(opCall, e.m.deeper())
	e.op(opEnd)
}

// toLocal sees to it that the local has the fuel.
func (e *emit) toLocal() {
	if e.where&inLocal == 0 {
		e.with(opGlobalGet, e.m.fuel())
		e.with(opLocalSet, e.fuel)
		e.where = inBoth
	}
}

// toGlobal sees to it that the global has it.
func (e *emit) toGlobal() {
	if e.where&inGlobal == 0 {
		e.with(opLocalGet, e.fuel)
		e.with(opGlobalSet, e.m.fuel())
		e.where = inBoth
	}
}

// leave makes the globals what who called expects.
func (e *emit) leave() {
	e.toGlobal()
	if e.entry {
		e.with(opLocalGet, e.deep)
		e.number32(e.weight)
		e.op(opI32Sub)
		e.with(opGlobalSet, e.m.depth())
	}
}

// marks charges for what begins at an offset.
func (e *emit) marks(at int) {
	for ; e.mark < len(e.p.marks) && e.p.marks[e.mark].at == at; e.mark++ {
		k := &e.p.marks[e.mark]
		if e.p.small || k.cost == 0 && !k.check {
			continue
		}
		e.copy(at)
		e.toLocal()
		if k.cost > 0 {
			e.with(opLocalGet, e.fuel)
			e.number64(int64(k.cost))
			e.op(opI64Sub)
			e.with(opLocalSet, e.fuel)
		}
		e.where = inLocal
		if k.check {
			e.check()
		}
	}
}

// check asks for the next slice when this one is used up.
func (e *emit) check() {
	e.with(opLocalGet, e.fuel)
	e.number64(0)
	e.out = append(e.out, opI64LtS, opIf, blockVoid)
	e.with(opLocalGet, e.fuel)
	e.with(opCall, e.m.yield())
	e.with(opLocalSet, e.fuel)
	e.op(opEnd)
}

func (e *emit) instruction(i *instr) {
	switch i.op {
	case opBlock, opLoop, opIf:
		e.begin(i)
	case opElse:
		e.otherwise(i)
	case opEnd:
		e.end(i)
	case opBr, opBrIf, opBrTable:
		e.branch(i)
	case opReturn:
		if !e.dead {
			e.copy(i.at)
			e.leave()
		}
		e.die()
	case opUnreachable:
		e.die()
	case opRefFunc:
		e.replace(i)
		e.with(opRefFunc, e.m.moved(i.a))
	case opCall, opCallIndirect:
		e.call(i)
	case opMemoryGrow, opTableGrow:
		e.grow(i)
	case opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill:
		e.bulk(i)
	}
}

func (e *emit) begin(i *instr) {
	f := flow{op: i.op, dead: e.dead, where: inBoth}
	if i.op == opIf {
		f.leaving = e.p.leaving[e.number]
		e.number++
	}
	if !e.dead && (i.op == opLoop || i.op == opIf && !f.leaving) {
		e.copy(i.at)
		e.toLocal()
	}
	f.before = e.where
	if i.op == opLoop && !e.dead {
		e.where = inLocal // as it is when it comes round
	}
	e.frames = append(e.frames, f)
}

// join notes where the fuel is when f's label is reached from here.
func (e *emit) join(f *flow) {
	f.where &= e.where
	f.branched = true
}

func (e *emit) otherwise(i *instr) {
	f := &e.frames[len(e.frames)-1]
	if !e.dead {
		e.copy(i.at)
		e.toLocal()
		e.join(f)
	}
	f.op = opElse
	e.dead, e.where = f.dead, f.before
}

func (e *emit) end(i *instr) {
	f := &e.frames[len(e.frames)-1]
	switch {
	case f.dead:
		e.die()
	case f.op == opLoop:
	case f.op == opIf && f.leaving:
		e.dead, e.where = false, f.before
	default:
		e.endBlock(i, f)
	}
	e.frames = e.frames[:len(e.frames)-1]
	if len(e.frames) == 0 {
		e.last(i)
	}
}

// endBlock is the end of a block whose label is behind it.
func (e *emit) endBlock(i *instr, f *flow) {
	if f.op == opIf { // its condition may have been false
		f.where &= f.before
		f.branched = true
	}
	if !f.branched {
		return
	}
	if !e.dead {
		e.copy(i.at)
		e.toLocal()
		e.join(f)
	}
	e.dead, e.where = false, f.where
}

// last is the end of the function.
func (e *emit) last(i *instr) {
	e.copy(i.at)
	if e.p.small {
		return
	}
	if e.p.branchy {
		e.op(opEnd)
	}
	if !e.dead {
		e.leave()
	}
}

func (e *emit) branch(i *instr) {
	if e.dead {
		return
	}
	e.copy(i.at)
	e.toLocal()
	if i.op == opBrTable {
		for _, t := range e.r.targets {
			e.join(e.label(t))
		}
	} else {
		e.join(e.label(i.a))
	}
	if i.op != opBrIf {
		e.die()
	}
}
