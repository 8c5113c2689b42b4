package meter

import "bytes"

// How many values lie on the operand stack is followed instruction by instruction, types aside: what a call's native frame
// takes, and what is carried where paths join, follows from it.

// stackDeltas is what the one-byte instructions between opDrop and the conversions add to the stack; the others are looked at
// one by one, or add nothing.
var stackDeltas = func() (d [256]int8) {
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

// stackDelta is what an instruction adds to the stack that neither branches nor calls.
func stackDelta(op uint16) int {
	switch op >> 8 {
	case 0xfc:
		return int(bulkDeltas[op&0xff])
	case 0xfd:
		return int(vectorDeltas[op&0xff])
	}
	return int(stackDeltas[op])
}

// oneType has each type of value at its own place: a list of one is cut out of it.
var oneType = func() (b [128]byte) {
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

// valueWords is how many values of 8 bytes a list of types is.
func valueWords(of []byte) int { return len(of) + bytes.Count(of, []byte{typeV128}) }

// stackModel is what the operand stack and the locals of a function come to.
type stackModel struct {
	height        int
	peak          int
	base          int  // below it the block that is open may not reach
	spilled       int  // so many values from the bottom have a place in the frame
	frameSlots    int  // that were given out: the compiler uses none twice
	localSets     int  // of locals
	definitions   int  // values that locals have had: as many sets, and one for each join of paths on which they were set
	sinceCall     int  // of those, since the last call
	spilledLocals int  // that were a local's at a call, and are not counted in places
	maxArguments  int  // most that one call takes and gives
	moves         int  // values that calls, branches and joins carry
	hasVectors    bool // some may be of 16 bytes
}

// What the compiler is trusted to have in registers as long as nothing is called: so many locals and values together, and
// where there are more locals, the values on top.
const (
	registers    = 10
	topRegisters = 3
)

// push changes the height.
func (s *scanner) push(at, by int) {
	if s.unreachable {
		return
	}
	k := &s.stack
	if k.height += by; k.height < k.base {
		if !s.invalid {
			s.rejectf(at, "it takes more values than there are")
		}
		k.height = k.base
	}
	k.peak = max(k.peak, k.height)
	k.spilled = min(k.spilled, max(k.height-1, 0))
	s.spill(k.height - max(topRegisters, registers-int(s.plan.locals)))
}

// spill gives places to the lowest n values.
func (s *scanner) spill(n int) {
	if n > s.stack.spilled {
		s.stack.frameSlots += n - s.stack.spilled
		s.stack.spilled = n
	}
}

// defineLocals notes that locals have n values more.
func (s *scanner) defineLocals(n int) {
	s.stack.definitions += n
	s.stack.sinceCall += n
}

// spillLocals gives places to the values that locals have had since the last call: no more than there are locals can be
// wanted after it.
func (s *scanner) spillLocals() {
	s.stack.spilledLocals += min(s.stack.sinceCall, int(s.plan.locals))
	s.stack.sinceCall = 0
}

// callPrice is a call of a function of that type: what is left below its parameters is kept. It gives the price of what is
// carried.
func (s *scanner) callPrice(at int, t *funcType, more int) int32 {
	if s.unreachable {
		return 0
	}
	s.push(at, -len(t.params)-more)
	s.spill(s.stack.height)
	s.spillLocals()
	s.push(at, len(t.results))
	s.noteVectors(t.results)
	n := valueWords(t.params) + valueWords(t.results)
	s.stack.maxArguments = max(s.stack.maxArguments, n)
	return s.carryPrice(n)
}

// carryPrice is the price of n values that a call or a branch carries.
func (s *scanner) carryPrice(n int) int32 {
	if s.unreachable {
		return 0
	}
	s.stack.moves += n
	if s.m.options.exact {
		return 0
	}
	return int32(max(0, n-freeValues))
}

// joinPrice is the price of a label that more than one path leads to: of the locals that were set since f began, those that
// were on one path are carried on the others, wherever they are then.
func (s *scanner) joinPrice(f *block) int32 {
	n := min(int(s.plan.locals), s.stack.localSets-f.localSets)
	s.stack.moves += n
	s.defineLocals(n)
	if s.m.options.exact {
		return 0
	}
	return localsPrice(n)
}

// noteVectors notes values of 16 bytes.
func (s *scanner) noteVectors(types []byte) {
	s.stack.hasVectors = s.stack.hasVectors || bytes.IndexByte(types, typeV128) >= 0
}

// checkBlockResults is the end of a block, whose results are all that is left of it.
func (s *scanner) checkBlockResults(at int, f *block) {
	if !s.unreachable && s.stack.height != f.base+len(f.results) && !s.invalid {
		s.rejectf(at, "a block ends with %d values, want %d", s.stack.height-f.base, len(f.results))
	}
}

// resetHeight makes the stack that of the block around f, with so many values of f on it.
func (s *scanner) resetHeight(f *block, values int) {
	k := &s.stack
	if k.base = 0; len(s.blocks) > 0 {
		k.base = s.blocks[len(s.blocks)-1].base
	}
	k.spilled = min(k.spilled, f.base)
	k.height = f.base + values
	k.peak = max(k.peak, k.height)
}

// frameBytes is what a call of the function takes of the native stack, or a little less.
func (s *scanner) frameBytes() int {
	k := &s.stack
	s.spillLocals()
	locals := k.spilledLocals
	if int(s.plan.locals)+k.peak > registers {
		locals = k.definitions
	}
	n := (int(s.plan.locals) + k.frameSlots + locals + k.maxArguments) * 8
	if k.hasVectors {
		n *= 2
	}
	return n
}
