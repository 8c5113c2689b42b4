package meter

import "fmt"

// Where the count is taken. A mark charges for all that is sure to follow it, calls or not, and for a little of what
// follows only perhaps: up to ahead units behind a branch that may not be taken. Straight code is looked at every so
// many units as well.
const (
	ahead    = 32
	straight = 1_000
	small    = 16 // units of a function that its callers pay for: no loops, no calls

	leafFrame = 4 << 10 // bytes of the native stack that a function may take uncounted when it calls nothing
)

// mark is a place in a function where cost is taken from the fuel, before the instruction at that offset.
type mark struct {
	at    int // offset in the upload
	cost  int32
	check bool // and yield is asked when it is used up

	perhaps bool  // what is added from now on is behind a branch
	ahead   int32 // units that were
}

// plan is what is known of a function before any of it is written.
type plan struct {
	marks   []mark
	leaving []bool // of each if, in order: nothing comes out of it but by its condition being false
	params  int
	locals  uint32 // with the parameters
	decls   [2]int // where the declarations of locals are, without their count
	groups  uint32 // and their count
	code    int    // where the instructions begin
	end     int
	small   bool // it is left as it is; who calls it pays
	calls   bool // it calls what may call on
	branchy bool // something branches to its end
	scratch bool // it has bulk operations
	frame   int  // bytes of the native stack that a call takes
}

// frame is a block that is open.
type frame struct {
	op       uint16
	dead     bool // nothing reaches it
	branched bool // something branches to its label
	mark     int  // the mark in force when it began, -1: none
	marks    int  // how many there were
	number   int  // of an if: which one
	head     int  // of a loop: the mark at its head
	base     int  // values on the stack below its own
	sets     int  // of locals, before it
	params   []byte
	results  []byte
}

// scan reads a function's body: it checks every index against the upload and makes the plan.
type scan struct {
	m      *module
	fn     int // index among all functions
	r      reader
	p      *plan
	frames []frame
	mark   int // in force, -1: none
	dead   bool
	called bool // something was called already
	look   bool // the next mark checks
	run    int  // units since the last mark that checks
	loops  int
	blocks int
	jumps  int // targets of br_tables
	stack  stack
	broken bool
}

func (s *scan) place() string { return fmt.Sprintf("function %d", s.fn) }

func (s *scan) refusef(at int, format string, args ...any) {
	s.broken = true
	s.m.refusef(at, s.place(), format, args...)
}

func (s *scan) within(at int, what string, i uint32, n int) {
	if int64(i) >= int64(n) {
		s.refusef(at, "there is no %s %d", what, i)
	}
}

// function makes the plan of one function.
func (s *scan) function(body [2]int) {
	s.r.src, s.r.p, s.r.end, s.r.bad = s.m.src, body[0], body[1], ""
	kind := &s.m.types[s.m.funcs[s.fn]]
	s.frames = append(s.frames[:0], frame{op: opBlock, mark: -1, results: kind.results})
	s.dead, s.called, s.look, s.run, s.broken = false, false, false, 0, false
	s.loops, s.blocks, s.jumps, s.stack = 0, 0, 0, stack{}
	s.sees(kind.params)
	l := &s.m.o.Limits
	s.most(body[0], "bytes", body[1]-body[0], l.Body)
	s.locals()
	s.p.code, s.p.end = s.r.p, body[1]
	s.open(s.r.p, true)
	if !s.m.o.exact {
		s.charge(s.r.p, beyond(int(s.p.locals)))
	}
	s.walk()
	if s.r.bad != "" {
		s.refusef(s.r.p, "%s", s.r.bad)
		return
	}
	if s.r.p != s.r.end {
		s.refusef(s.r.p, "it has %d bytes behind its end", s.r.end-s.r.p)
	}
	s.sums(body[0])
}

// sums holds what the function comes to as a whole against the limits, and adds it to the module's.
func (s *scan) sums(at int) {
	l, m := &s.m.o.Limits, s.m
	values := int(s.p.locals) + s.stack.peak
	s.most(at, "locals times loops", s.loops*values, l.LocalLoops)
	s.most(at, "locals times blocks", s.blocks*values, l.LocalBlocks)
	s.most(at, "targets of all br_tables", s.jumps, l.BrTables)
	s.p.frame = s.frameBytes()
	s.p.calls = s.p.calls || s.p.frame > leafFrame
	before := m.sum
	m.sum.locals += int(s.p.locals)
	m.sum.moves += s.stack.moves
	if before.locals <= l.AllLocals { // it is said once
		m.most(at, s.place(), "locals of all functions so far", m.sum.locals, l.AllLocals)
	}
	if before.moves <= l.Moves {
		m.most(at, s.place(), "values that calls, branches and joins carry so far", m.sum.moves, l.Moves)
	}
}

func (s *scan) most(at int, what string, n, bound int) {
	if n > bound {
		s.refusef(at, "%s: %d, want at most %d", what, n, bound)
	}
}

func (s *scan) locals() {
	total := uint64(s.p.params)
	at := s.r.p
	s.p.groups = s.r.u32()
	s.p.decls[0] = s.r.p
	for n := s.p.groups; n > 0 && s.r.bad == ""; n-- {
		total += uint64(s.r.u32())
		s.stack.wide = s.r.valueType() == typeV128 || s.stack.wide
	}
	s.p.decls[1] = s.r.p
	if bound := uint64(s.m.o.Limits.Locals); total > bound {
		s.refusef(at, "locals: %d, want at most %d", total, bound)
		total = bound
	}
	s.p.locals = uint32(total)
}

// open begins a mark at an offset.
func (s *scan) open(at int, check bool) {
	check = check || s.look
	if check {
		s.look, s.run = false, 0
	}
	s.mark = len(s.p.marks)
	s.p.marks = append(s.p.marks, mark{at: at, check: check})
}

// charge adds to the mark in force, or begins one.
func (s *scan) charge(at int, cost int32) {
	if s.dead || cost == 0 {
		return
	}
	if s.mark < 0 || s.m.o.exact {
		s.open(at, false)
	}
	k := &s.p.marks[s.mark]
	if k.perhaps {
		if k.ahead+cost > ahead {
			s.open(at, false)
			k = &s.p.marks[s.mark]
		} else {
			k.ahead += cost
		}
	}
	k.cost += cost
	if s.run += int(cost); s.run > straight {
		s.mark, s.look, s.run = -1, true, 0
	}
}

// perhaps notes that what follows may not be reached.
func (s *scan) perhaps() {
	if !s.dead && s.mark >= 0 {
		s.p.marks[s.mark].perhaps = true
	}
}

func (s *scan) walk() {
	var i instr
	for len(s.frames) > 0 {
		s.r.next(&i)
		if s.r.bad != "" {
			return
		}
		switch i.op {
		case opNop:
		case opBlock, opLoop, opIf:
			s.begin(&i)
		case opElse:
			s.otherwise(&i)
		case opEnd:
			s.end(&i)
		case opBr, opBrIf, opBrTable:
			s.branch(&i)
		case opReturn, opUnreachable:
			s.charge(i.at, 1)
			s.dead = true
		default:
			s.charge(i.at, s.instruction(&i))
			if i.op != opCall && i.op != opCallIndirect {
				s.push(i.at, delta(i.op))
			}
		}
	}
}

func (s *scan) begin(i *instr) {
	params, results := s.blockType(i)
	s.blocks++
	if len(s.frames) == s.m.o.Limits.Nesting+1 {
		s.refusef(i.at, "blocks are nested deeper than %d", s.m.o.Limits.Nesting)
	}
	f := frame{op: i.op, dead: s.dead, number: len(s.p.leaving), sets: s.stack.sets, params: params, results: results}
	switch i.op {
	case opIf:
		s.charge(i.at, 1)
		s.push(i.at, -1)
		s.perhaps()
		s.p.leaving = append(s.p.leaving, false)
	case opLoop:
		s.loops++
	}
	f.mark, f.marks = s.mark, len(s.p.marks)
	if i.op == opLoop && !s.dead {
		if s.mark == 0 && !s.called && !s.p.marks[0].perhaps {
			s.p.marks[0].check = false // the loop's own comes at once
		}
		s.open(i.end, true)
		f.head = s.mark
	}
	s.push(i.at, -len(params))
	f.base = s.stack.height
	s.frames = append(s.frames, f)
	s.below(&f, len(params))
}

// blockType is what a block takes and gives.
func (s *scan) blockType(i *instr) (params, results []byte) {
	if i.block >= 0 {
		if i.block >= int64(len(s.m.types)) {
			s.refusef(i.at, "there is no type %d", i.block)
			return nil, nil
		}
		t := &s.m.types[i.block]
		s.most(i.at, "parameters of a block", len(t.params), s.m.o.Limits.Results)
		return t.params, t.results
	}
	switch b := byte(i.block & 0x7f); {
	case i.block < -64:
	case b == blockVoid:
		return nil, nil
	case b >= typeV128, b == typeFuncref, b == typeExternref:
		return nil, oneType[b:][:1]
	}
	s.refusef(i.at, "there is no type of block %d", i.block)
	return nil, nil
}

func (s *scan) otherwise(i *instr) {
	f := &s.frames[len(s.frames)-1]
	if f.op != opIf {
		s.refusef(i.at, "an else has no if")
		return
	}
	s.settle(i.at, f)
	f.op = opElse
	f.branched = f.branched || !s.dead
	s.dead, s.mark = f.dead, f.mark
	s.below(f, len(f.params))
}

func (s *scan) end(i *instr) {
	f := s.frames[len(s.frames)-1]
	s.settle(i.at, &f)
	s.frames = s.frames[:len(s.frames)-1]
	s.below(&f, len(f.results))
	if len(s.frames) == 0 {
		s.p.branchy = f.branched
		return
	}
	if f.dead {
		s.dead = true
		return
	}
	s.after(i, &f)
}

// after is what is known behind the end of a block that was not dead.
func (s *scan) after(i *instr, f *frame) {
	inside := len(s.p.marks) > f.marks
	switch {
	case f.op == opLoop:
		s.p.marks[f.head].cost += s.joined(f)
		s.keepLocals() // a call further up comes round again
		s.mark = -1
		return
	case f.op == opBlock && !f.branched:
		return
	case f.op == opIf && s.dead && !f.branched:
		s.p.leaving[f.number] = true
		s.dead, s.mark = false, f.mark
		return
	}
	s.dead = s.dead && !f.branched && f.op != opIf
	s.mark = f.mark
	if inside {
		s.mark = -1
	}
	if !s.dead {
		s.charge(i.end, s.joined(f))
	}
}

func (s *scan) branch(i *instr) {
	s.charge(i.at, 1+s.carried(s.arity(i.a)))
	if i.op != opBr {
		s.push(i.at, -1)
	}
	if i.op != opBrTable {
		s.target(i.at, i.a)
	} else {
		n := len(s.r.targets) - 1
		s.jumps += n
		s.most(i.at, "targets of a br_table", n, s.m.o.Limits.BrTable)
		for _, t := range s.r.targets {
			s.target(i.at, t)
		}
	}
	if i.op != opBr {
		s.perhaps()
	}
	if i.op != opBrIf {
		s.dead = true
	}
}

func (s *scan) target(at int, label uint32) {
	if int64(label) >= int64(len(s.frames)) {
		s.refusef(at, "there is no block %d to branch to", label)
		return
	}
	if !s.dead {
		s.frames[len(s.frames)-1-int(label)].branched = true
	}
}

// arity is how many values of 8 bytes a branch to a label carries. Those of a br_table carry the same.
func (s *scan) arity(label uint32) int {
	if int64(label) >= int64(len(s.frames)) {
		return 0
	}
	f := &s.frames[len(s.frames)-1-int(label)]
	if f.op == opLoop {
		return moves(f.params)
	}
	return moves(f.results)
}
