package meter

import "fmt"

// Where the count is taken. A mark charges for all that is sure to follow it, calls or not, and for a little of what
// follows only perhaps: up to ahead units behind a branch that may not be taken. Straight code is looked at every so
// many units as well.
const (
	ahead    = 32
	straight = 10_000
	small    = 16 // units of a function that its callers pay for: no loops, no calls
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
}

// frame is a block that is open.
type frame struct {
	op       uint16
	dead     bool // nothing reaches it
	branched bool // something branches to its label
	mark     int  // the mark in force when it began, -1: none
	marks    int  // how many there were
	number   int  // of an if: which one
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
	s.frames = append(s.frames[:0], frame{op: opBlock, mark: -1})
	s.dead, s.called, s.look, s.run, s.broken = false, false, false, 0, false
	s.loops, s.blocks, s.jumps = 0, 0, 0
	l := &s.m.o.Limits
	s.most(body[0], "bytes", body[1]-body[0], l.Body)
	s.locals()
	s.p.code, s.p.end = s.r.p, body[1]
	s.open(s.r.p, true)
	if !s.m.o.exact {
		s.charge(s.r.p, max(0, int32(s.p.locals)-freeLocals)/2)
	}
	s.walk()
	if s.r.bad != "" {
		s.refusef(s.r.p, "%s", s.r.bad)
		return
	}
	if s.r.p != s.r.end {
		s.refusef(s.r.p, "it has %d bytes behind its end", s.r.end-s.r.p)
	}
	s.most(body[0], "locals times loops", s.loops*int(s.p.locals), l.LocalLoops)
	s.most(body[0], "locals times blocks", s.blocks*int(s.p.locals), l.LocalBlocks)
	s.most(body[0], "targets of all br_tables", s.jumps, l.BrTables)
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
		s.r.valueType()
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
			s.end()
		case opBr, opBrIf, opBrTable:
			s.branch(&i)
		case opReturn, opUnreachable:
			s.charge(i.at, 1)
			s.dead = true
		default:
			s.charge(i.at, s.instruction(&i))
		}
	}
}

func (s *scan) begin(i *instr) {
	s.blockType(i)
	s.blocks++
	if len(s.frames) == s.m.o.Limits.Nesting+1 {
		s.refusef(i.at, "blocks are nested deeper than %d", s.m.o.Limits.Nesting)
	}
	f := frame{op: i.op, dead: s.dead, number: len(s.p.leaving)}
	switch i.op {
	case opIf:
		s.charge(i.at, 1)
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
	}
	s.frames = append(s.frames, f)
}

func (s *scan) blockType(i *instr) {
	if i.block >= 0 {
		if i.block >= int64(len(s.m.types)) {
			s.refusef(i.at, "there is no type %d", i.block)
		}
		return
	}
	switch b := byte(i.block & 0x7f); {
	case i.block < -64:
	case b == blockVoid, b >= typeV128, b == typeFuncref, b == typeExternref:
		return
	}
	s.refusef(i.at, "there is no type of block %d", i.block)
}

func (s *scan) otherwise(i *instr) {
	f := &s.frames[len(s.frames)-1]
	if f.op != opIf {
		s.refusef(i.at, "an else has no if")
		return
	}
	f.op = opElse
	f.branched = f.branched || !s.dead
	s.dead, s.mark = f.dead, f.mark
}

func (s *scan) end() {
	f := s.frames[len(s.frames)-1]
	s.frames = s.frames[:len(s.frames)-1]
	if len(s.frames) == 0 {
		s.p.branchy = f.branched
		return
	}
	if f.dead {
		s.dead = true
		return
	}
	inside := len(s.p.marks) > f.marks
	switch f.op {
	case opLoop:
		s.mark = -1
		return
	case opIf:
		leaving := s.dead && !f.branched
		s.p.leaving[f.number] = leaving
		if leaving || !inside {
			s.mark = f.mark
		} else {
			s.mark = -1
		}
		s.dead = false
		return
	}
	if f.op == opBlock && !f.branched {
		return
	}
	s.dead = s.dead && !f.branched
	s.mark = f.mark
	if inside {
		s.mark = -1
	}
}

func (s *scan) branch(i *instr) {
	s.charge(i.at, 1)
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
