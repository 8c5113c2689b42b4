package meter

import "bytes"

// How many values lie on the operand stack is followed instruction by instruction, types aside: what a call's native frame
// takes, and what is carried where paths join, follows from it.

// deltas is what the one-byte instructions between opDrop and the conversions add to the stack; the others are looked at
// one by one, or add nothing.
var deltas = func() (d [256]int8) {
	set := func(from, to int, as int8) {
		for op := from; op <= to; op++ {
			d[op] = as
		}
	}
	d[opDrop], d[opSelect], d[opSelectType] = -1, -2, -2
	d[opLocalGet], d[opLocalSet], d[opGlobalGet], d[opGlobalSet] = 1, -1, 1, -1
	d[opTableSet] = -2
	set(0x36, 0x3e, -2) // stores
	d[opMemorySize] = 1
	set(opI32Const, opF64Const, 1)
	set(0x46, 0x4f, -1) // comparisons
	set(0x51, 0x66, -1)
	set(0x6a, 0x78, -1) // arithmetic
	set(0x7c, 0x8a, -1)
	set(0x92, 0x98, -1)
	set(0xa0, 0xa6, -1)
	d[opRefNull], d[opRefFunc] = 1, 1
	return d
}()

// bulkDeltas is the same for those behind 0xfc.
var bulkDeltas = [...]int8{0, 0, 0, 0, 0, 0, 0, 0, -3, 0, -3, -3, -3, 0, -3, -1, 1, -3}

// vectorDeltas is the same for those behind 0xfd.
var vectorDeltas = func() (d [256]int8) {
	set := func(as int8, pairs ...int) {
		for i := 0; i < len(pairs); i += 2 {
			for op := pairs[i]; op <= pairs[i+1]; op++ {
				d[op] = as
			}
		}
	}
	d[0x0b], d[0x0c] = -2, 1
	set(-1, 0x0d, 0x0e, 0x17, 0x17, 0x1a, 0x1a, 0x1c, 0x1c, 0x1e, 0x1e, 0x20, 0x20, 0x22, 0x22, 0x23, 0x4c, 0x4e, 0x51)
	set(-2, 0x52, 0x52, 0x58, 0x5b)
	set(-1, 0x54, 0x57, 0x65, 0x66, 0x6b, 0x73, 0x76, 0x79, 0x7b, 0x7b)
	for _, base := range []int{0x80, 0xa0, 0xc0} { // integers of 16, 32 and 64 bits
		set(-1, base+0x02, base+0x02, base+0x05, base+0x06, base+0x0b, base+0x13, base+0x15, base+0x19, base+0x1b, base+0x1f)
	}
	set(-1, 0xba, 0xba, 0xd6, 0xdb, 0xe4, 0xeb, 0xf0, 0xf7)
	return d
}()

// delta is what an instruction adds to the stack that neither branches nor calls.
func delta(op uint16) int {
	switch op >> 8 {
	case 0xfc:
		return int(bulkDeltas[op&0xff])
	case 0xfd:
		return int(vectorDeltas[op&0xff])
	}
	return int(deltas[op])
}

// oneType has each type of value at its own place: a list of one is cut out of it.
var oneType = func() (b [128]byte) {
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

// moves is how many values of 8 bytes a list of types is.
func moves(of []byte) int { return len(of) + bytes.Count(of, []byte{typeV128}) }

// stack is what the operand stack and the locals of a function come to.
type stack struct {
	height int
	peak   int
	base   int  // below it the block that is open may not reach
	kept   int  // so many values from the bottom have a place in the frame
	places int  // that were given out: the compiler uses none twice
	sets   int  // of locals
	defs   int  // values that locals have had: as many sets, and one for each join of paths on which they were set
	fresh  int  // of those, since the last call
	called int  // that were a local's at a call, and are not counted in places
	args   int  // most that one call takes and gives
	moves  int  // values that calls, branches and joins carry
	wide   bool // some may be of 16 bytes
}

// What the compiler is trusted to have in registers as long as nothing is called: so many locals and values together, and
// where there are more locals, the values on top.
const (
	inRegisters = 10
	onTop       = 3
)

// push changes the height.
func (s *scan) push(at, by int) {
	if s.dead {
		return
	}
	k := &s.stack
	if k.height += by; k.height < k.base {
		if !s.broken {
			s.refusef(at, "it takes more values than there are")
		}
		k.height = k.base
	}
	k.peak = max(k.peak, k.height)
	k.kept = min(k.kept, max(k.height-1, 0))
	s.keep(k.height - max(onTop, inRegisters-int(s.p.locals)))
}

// keep gives places to the lowest n values.
func (s *scan) keep(n int) {
	if n > s.stack.kept {
		s.stack.places += n - s.stack.kept
		s.stack.kept = n
	}
}

// define notes that locals have n values more.
func (s *scan) define(n int) {
	s.stack.defs += n
	s.stack.fresh += n
}

// keepLocals gives places to the values that locals have had since the last call: no more than there are locals can be
// wanted after it.
func (s *scan) keepLocals() {
	s.stack.called += min(s.stack.fresh, int(s.p.locals))
	s.stack.fresh = 0
}

// passes is a call of a function of that type: what is left below its parameters is kept. It gives the price of what is
// carried.
func (s *scan) passes(at int, t *funcType, more int) int32 {
	if s.dead {
		return 0
	}
	s.push(at, -len(t.params)-more)
	s.keep(s.stack.height)
	s.keepLocals()
	s.push(at, len(t.results))
	s.sees(t.results)
	n := moves(t.params) + moves(t.results)
	s.stack.args = max(s.stack.args, n)
	return s.carried(n)
}

// carried is the price of n values that a call or a branch carries.
func (s *scan) carried(n int) int32 {
	if s.dead {
		return 0
	}
	s.stack.moves += n
	if s.m.o.exact {
		return 0
	}
	return int32(max(0, n-freeValues))
}

// joined is the price of a label that more than one path leads to: of the locals that were set since f began, those that
// were on one path are carried on the others, wherever they are then.
func (s *scan) joined(f *frame) int32 {
	n := min(int(s.p.locals), s.stack.sets-f.sets)
	s.stack.moves += n
	s.define(n)
	if s.m.o.exact {
		return 0
	}
	return beyond(n)
}

// sees notes values of 16 bytes.
func (s *scan) sees(types []byte) {
	s.stack.wide = s.stack.wide || bytes.IndexByte(types, typeV128) >= 0
}

// settle is the end of a block, whose results are all that is left of it.
func (s *scan) settle(at int, f *frame) {
	if !s.dead && s.stack.height != f.base+len(f.results) && !s.broken {
		s.refusef(at, "a block ends with %d values, want %d", s.stack.height-f.base, len(f.results))
	}
}

// below makes the stack that of the block around f, with so many values of f on it.
func (s *scan) below(f *frame, values int) {
	k := &s.stack
	if k.base = 0; len(s.frames) > 0 {
		k.base = s.frames[len(s.frames)-1].base
	}
	k.kept = min(k.kept, f.base)
	k.height = f.base + values
	k.peak = max(k.peak, k.height)
}

// frameBytes is what a call of the function takes of the native stack, or a little less.
func (s *scan) frameBytes() int {
	k := &s.stack
	s.keepLocals()
	locals := k.called
	if int(s.p.locals)+k.peak > inRegisters {
		locals = k.defs
	}
	n := (int(s.p.locals) + k.places + locals + k.args) * 8
	if k.wide {
		n *= 2
	}
	return n
}
