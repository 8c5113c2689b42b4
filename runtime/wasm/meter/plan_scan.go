package meter

import "fmt"

// Placement of charges. A charge point pays for all code that certainly follows it, calls or not,
// and for up to maxSpeculative units behind a branch that may not be taken. Straight code checks
// its fuel every checkInterval units.
const (
	maxSpeculative = 32
	checkInterval  = 1_000
	maxInlinePrice = 16 // largest price of a function that its callers pay for

	maxLeafFrame = 4 << 10 // native frame of a leaf function whose depth is not counted
)

// chargePoint subtracts a cost from the fuel before the instruction at an offset.
type chargePoint struct {
	at    int // offset in the upload
	cost  int32
	check bool // call Yield if the fuel is used up

	speculative     bool  // code charged from now on is behind a branch
	speculativeCost int32 // units charged since then
}

// plan describes a function before it is rewritten.
type plan struct {
	charges       []chargePoint
	diverges      []bool // by if: its body never reaches its end
	params        int
	locals        uint32 // with parameters
	localDecls    [2]int // start and end of the local declarations, without their count
	localGroups   uint32 // count of the local declarations
	code          int    // offset of the first instruction
	end           int
	callerPays    bool // not rewritten; callers pay for it
	countsDepth   bool // calls functions that may call on, or has a large frame
	branchesToEnd bool
	needsScratch  bool // has bulk operations
	frame         int  // bytes of native stack for a call
}

// block is an open block.
type block struct {
	op          uint16
	unreachable bool
	branched    bool // a branch targets its label
	charge      int  // charge point in force at its begin, -1: none
	charges     int  // number of charge points at its begin
	ifIndex     int  // for an if: its index
	loopCharge  int  // for a loop: the charge point at its head
	base        int  // stack values below its own
	localSets   int  // local.set instructions before it
	params      []byte
	results     []byte
}

// scanner reads a function's body, checks every index against the upload and makes the plan.
type scanner struct {
	m             *module
	fn            int // function index, imports included
	r             reader
	plan          *plan
	blocks        []block
	current       int // charge point in force, -1: none
	unreachable   bool
	called        bool // a call was read
	mustCheck     bool // the next charge point checks the fuel
	sinceCheck    int  // units since the last check
	loopCount     int
	blockCount    int
	branchTargets int // of all br_tables
	stack         stackModel
	invalid       bool
}

func (s *scanner) place() string { return fmt.Sprintf("function %d", s.fn) }

func (s *scanner) rejectf(at int, format string, args ...any) {
	s.invalid = true
	s.m.rejectf(at, s.place(), format, args...)
}

func (s *scanner) checkIndex(at int, what string, i uint32, n int) {
	if int64(i) >= int64(n) {
		s.rejectf(at, "there is no %s %d", what, i)
	}
}

// function makes the plan of one function.
func (s *scanner) function(body [2]int) {
	s.r.src, s.r.pos, s.r.end, s.r.failure = s.m.src, body[0], body[1], ""
	kind := &s.m.types[s.m.funcs[s.fn]]
	s.blocks = append(s.blocks[:0], block{op: opBlock, charge: -1, results: kind.results})
	s.unreachable, s.called, s.mustCheck, s.sinceCheck, s.invalid = false, false, false, 0, false
	s.loopCount, s.blockCount, s.branchTargets, s.stack = 0, 0, 0, stackModel{}
	s.noteVectors(kind.params)
	l := &s.m.options.Limits
	s.checkMax(body[0], "bytes", body[1]-body[0], l.Body)
	s.locals()
	s.plan.code, s.plan.end = s.r.pos, body[1]
	s.openCharge(s.r.pos, true)
	if !s.m.options.exact {
		s.charge(s.r.pos, localsPrice(int(s.plan.locals)))
	}
	s.walk()
	if s.r.failure != "" {
		s.rejectf(s.r.pos, "%s", s.r.failure)
		return
	}
	if s.r.pos != s.r.end {
		s.rejectf(s.r.pos, "it has %d bytes behind its end", s.r.end-s.r.pos)
	}
	s.checkTotals(body[0])
}

// checkTotals checks the function's totals against the limits, and adds them to the module's.
func (s *scanner) checkTotals(at int) {
	l, m := &s.m.options.Limits, s.m
	values := int(s.plan.locals) + s.stack.peak
	s.checkMax(at, "locals times loops", s.loopCount*values, l.LocalLoops)
	s.checkMax(at, "locals times blocks", s.blockCount*values, l.LocalBlocks)
	s.checkMax(at, "targets of all br_tables", s.branchTargets, l.BrTables)
	s.plan.frame = s.frameBytes()
	s.plan.countsDepth = s.plan.countsDepth || s.plan.frame > maxLeafFrame
	before := m.totals
	m.totals.locals += int(s.plan.locals)
	m.totals.moves += s.stack.moves
	if before.locals <= l.AllLocals { // report it once
		m.checkMax(at, s.place(), "locals of all functions so far", m.totals.locals, l.AllLocals)
	}
	if before.moves <= l.Moves {
		m.checkMax(at, s.place(), "values that calls, branches and joins carry so far", m.totals.moves, l.Moves)
	}
}

func (s *scanner) checkMax(at int, what string, n, bound int) {
	if n > bound {
		s.rejectf(at, "%s: %d, want at most %d", what, n, bound)
	}
}

func (s *scanner) locals() {
	total := uint64(s.plan.params)
	at := s.r.pos
	s.plan.localGroups = s.r.u32()
	s.plan.localDecls[0] = s.r.pos
	for n := s.plan.localGroups; n > 0 && s.r.failure == ""; n-- {
		total += uint64(s.r.u32())
		s.stack.hasVectors = s.r.valueType() == typeV128 || s.stack.hasVectors
	}
	s.plan.localDecls[1] = s.r.pos
	if bound := uint64(s.m.options.Limits.Locals); total > bound {
		s.rejectf(at, "locals: %d, want at most %d", total, bound)
		total = bound
	}
	s.plan.locals = uint32(total)
}

// openCharge begins a charge point at an offset.
func (s *scanner) openCharge(at int, check bool) {
	check = check || s.mustCheck
	if check {
		s.mustCheck, s.sinceCheck = false, 0
	}
	s.current = len(s.plan.charges)
	s.plan.charges = append(s.plan.charges, chargePoint{at: at, check: check})
}

// charge adds a cost to the charge point in force, or begins one.
func (s *scanner) charge(at int, cost int32) {
	if s.unreachable || cost == 0 {
		return
	}
	if s.current < 0 || s.m.options.exact {
		s.openCharge(at, false)
	}
	k := &s.plan.charges[s.current]
	if k.speculative {
		if k.speculativeCost+cost > maxSpeculative {
			s.openCharge(at, false)
			k = &s.plan.charges[s.current]
		} else {
			k.speculativeCost += cost
		}
	}
	k.cost += cost
	if s.sinceCheck += int(cost); s.sinceCheck > checkInterval {
		s.current, s.mustCheck, s.sinceCheck = -1, true, 0
	}
}

// markSpeculative notes that the following code may not be reached.
func (s *scanner) markSpeculative() {
	if !s.unreachable && s.current >= 0 {
		s.plan.charges[s.current].speculative = true
	}
}

func (s *scanner) walk() {
	var i instruction
	for len(s.blocks) > 0 {
		s.r.next(&i)
		if s.r.failure != "" {
			return
		}
		switch i.op {
		case opNop:
		case opBlock, opLoop, opIf:
			s.beginBlock(&i)
		case opElse:
			s.elseBranch(&i)
		case opEnd:
			s.endBlock(&i)
		case opBr, opBrIf, opBrTable:
			s.branch(&i)
		case opReturn, opUnreachable:
			s.charge(i.at, 1)
			s.unreachable = true
		default:
			s.charge(i.at, s.instruction(&i))
			if i.op != opCall && i.op != opCallIndirect {
				s.push(i.at, stackDelta(i.op))
			}
		}
	}
}

func (s *scanner) beginBlock(i *instruction) {
	params, results := s.blockType(i)
	s.blockCount++
	if len(s.blocks) == s.m.options.Limits.Nesting+1 {
		s.rejectf(i.at, "blocks are nested deeper than %d", s.m.options.Limits.Nesting)
	}
	f := block{op: i.op, unreachable: s.unreachable, ifIndex: len(s.plan.diverges), localSets: s.stack.localSets, params: params, results: results}
	switch i.op {
	case opIf:
		s.charge(i.at, 1)
		s.push(i.at, -1)
		s.markSpeculative()
		s.plan.diverges = append(s.plan.diverges, false)
	case opLoop:
		s.loopCount++
	}
	f.charge, f.charges = s.current, len(s.plan.charges)
	if i.op == opLoop && !s.unreachable {
		if s.current == 0 && !s.called && !s.plan.charges[0].speculative {
			s.plan.charges[0].check = false // the loop's own check follows at once
		}
		s.openCharge(i.end, true)
		f.loopCharge = s.current
	}
	s.push(i.at, -len(params))
	f.base = s.stack.height
	s.blocks = append(s.blocks, f)
	s.resetHeight(&f, len(params))
}

// blockType returns the parameters and results of a block.
func (s *scanner) blockType(i *instruction) (params, results []byte) {
	if i.block >= 0 {
		if i.block >= int64(len(s.m.types)) {
			s.rejectf(i.at, "there is no type %d", i.block)
			return nil, nil
		}
		t := &s.m.types[i.block]
		s.checkMax(i.at, "parameters of a block", len(t.params), s.m.options.Limits.Results)
		return t.params, t.results
	}
	switch b := byte(i.block & 0x7f); {
	case i.block < -64:
	case b == blockVoid:
		return nil, nil
	case b >= typeV128, b == typeFuncref, b == typeExternref:
		return nil, oneType[b:][:1]
	}
	s.rejectf(i.at, "there is no type of block %d", i.block)
	return nil, nil
}

func (s *scanner) elseBranch(i *instruction) {
	f := &s.blocks[len(s.blocks)-1]
	if f.op != opIf {
		s.rejectf(i.at, "an else has no if")
		return
	}
	s.checkBlockResults(i.at, f)
	f.op = opElse
	f.branched = f.branched || !s.unreachable
	s.unreachable, s.current = f.unreachable, f.charge
	s.resetHeight(f, len(f.params))
}

func (s *scanner) endBlock(i *instruction) {
	f := s.blocks[len(s.blocks)-1]
	s.checkBlockResults(i.at, &f)
	s.blocks = s.blocks[:len(s.blocks)-1]
	s.resetHeight(&f, len(f.results))
	if len(s.blocks) == 0 {
		s.plan.branchesToEnd = f.branched
		return
	}
	if f.unreachable {
		s.unreachable = true
		return
	}
	s.afterBlock(i, &f)
}

// afterBlock sets the state behind the end of a reachable block.
func (s *scanner) afterBlock(i *instruction, f *block) {
	inside := len(s.plan.charges) > f.charges
	switch {
	case f.op == opLoop:
		s.plan.charges[f.loopCharge].cost += s.joinPrice(f)
		s.spillLocals() // the next iteration may repeat a call
		s.current = -1
		return
	case f.op == opBlock && !f.branched:
		return
	case f.op == opIf && s.unreachable && !f.branched:
		s.plan.diverges[f.ifIndex] = true
		s.unreachable, s.current = false, f.charge
		return
	}
	s.unreachable = s.unreachable && !f.branched && f.op != opIf
	s.current = f.charge
	if inside {
		s.current = -1
	}
	if !s.unreachable {
		s.charge(i.end, s.joinPrice(f))
	}
}

func (s *scanner) branch(i *instruction) {
	s.charge(i.at, 1+s.carryPrice(s.arity(i.a)))
	if i.op != opBr {
		s.push(i.at, -1)
	}
	if i.op != opBrTable {
		s.branchTarget(i.at, i.a)
	} else {
		n := len(s.r.targets) - 1
		s.branchTargets += n
		s.checkMax(i.at, "targets of a br_table", n, s.m.options.Limits.BrTable)
		for _, t := range s.r.targets {
			s.branchTarget(i.at, t)
		}
	}
	if i.op != opBr {
		s.markSpeculative()
	}
	if i.op != opBrIf {
		s.unreachable = true
	}
}

func (s *scanner) branchTarget(at int, label uint32) {
	if int64(label) >= int64(len(s.blocks)) {
		s.rejectf(at, "there is no block %d to branch to", label)
		return
	}
	if !s.unreachable {
		s.blocks[len(s.blocks)-1-int(label)].branched = true
	}
}

// arity is the number of 8-byte values that a branch to a label carries. The targets of a br_table
// carry the same.
func (s *scanner) arity(label uint32) int {
	if int64(label) >= int64(len(s.blocks)) {
		return 0
	}
	f := &s.blocks[len(s.blocks)-1-int(label)]
	if f.op == opLoop {
		return valueWords(f.params)
	}
	return valueWords(f.results)
}
