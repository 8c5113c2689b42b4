package meter

import "bytes"

// A model of the operand stack, without types: it counts the values, to estimate the native frame
// of a call and the values that branches and joins move.

// stackDeltas has the change of height for one-byte instructions from opDrop to the conversions.
// The others are handled one by one, or change nothing.
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

// bulkDeltas is the same behind prefix 0xfc.
var bulkDeltas = [...]int8{0, 0, 0, 0, 0, 0, 0, 0, -3, 0, -3, -3, -3, 0, -3, -1, 1, -3}

// vectorDeltas is the same behind prefix 0xfd.
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

// stackDelta is the change of height by an instruction that neither branches nor calls.
func stackDelta(op uint16) int {
	switch op >> 8 {
	case 0xfc:
		return int(bulkDeltas[op&0xff])
	case 0xfd:
		return int(vectorDeltas[op&0xff])
	}
	return int(stackDeltas[op])
}

// oneType has each value type at its own index, to slice a list of one type out of it.
var oneType = func() (b [128]byte) {
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

// valueWords is the size of a list of types in 8-byte words.
func valueWords(of []byte) int { return len(of) + bytes.Count(of, []byte{typeV128}) }

// stackModel counts the values on the stack and in locals of a function.
type stackModel struct {
	height        int
	peak          int
	base          int  // height of the surrounding block's values
	spilled       int  // lowest values with a slot in the native frame
	frameSlots    int  // slots given out: the compiler reuses none
	localSets     int  // local.set instructions
	definitions   int  // values of locals: one for each set and each join behind one
	sinceCall     int  // definitions since the last call
	spilledLocals int  // locals live at calls, not counted in frameSlots
	maxArguments  int  // of one call, with results
	moves         int  // values that calls, branches and joins carry
	hasVectors    bool // has 16-byte values
}

// Assumed register allocation between calls: so many locals and values stay in registers, and with
// more locals, so many values at the top of the stack.
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

// spill gives frame slots to the lowest n values.
func (s *scanner) spill(n int) {
	if n > s.stack.spilled {
		s.stack.frameSlots += n - s.stack.spilled
		s.stack.spilled = n
	}
}

// defineLocals adds n definitions of locals.
func (s *scanner) defineLocals(n int) {
	s.stack.definitions += n
	s.stack.sinceCall += n
}

// spillLocals gives frame slots to the locals defined since the last call. At most all locals are
// live after it.
func (s *scanner) spillLocals() {
	s.stack.spilledLocals += min(s.stack.sinceCall, int(s.plan.locals))
	s.stack.sinceCall = 0
}

// callPrice applies a call to the model, which spills the values below its arguments. It returns
// the price of arguments and results.
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

// carryPrice is the price of n values that a call or branch carries.
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

// joinPrice is the price of a label with more than one path to it. A local set on one path since f
// began must be moved on the others.
func (s *scanner) joinPrice(f *block) int32 {
	n := min(int(s.plan.locals), s.stack.localSets-f.localSets)
	s.stack.moves += n
	s.defineLocals(n)
	if s.m.options.exact {
		return 0
	}
	return localsPrice(n)
}

// noteVectors records 16-byte values.
func (s *scanner) noteVectors(types []byte) {
	s.stack.hasVectors = s.stack.hasVectors || bytes.IndexByte(types, typeV128) >= 0
}

// checkBlockResults rejects a block that does not end with exactly its results.
func (s *scanner) checkBlockResults(at int, f *block) {
	if !s.unreachable && s.stack.height != f.base+len(f.results) && !s.invalid {
		s.rejectf(at, "a block ends with %d values, want %d", s.stack.height-f.base, len(f.results))
	}
}

// resetHeight returns to the block around f, with so many of f's values on the stack.
func (s *scanner) resetHeight(f *block, values int) {
	k := &s.stack
	if k.base = 0; len(s.blocks) > 0 {
		k.base = s.blocks[len(s.blocks)-1].base
	}
	k.spilled = min(k.spilled, f.base)
	k.height = f.base + values
	k.peak = max(k.peak, k.height)
}

// frameBytes estimates the native frame of a call, a little too low at worst.
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
