package meter

import "fmt"

// Opcodes that the rewriter handles. Those behind a prefix have it in their high byte.
const (
	opUnreachable  = 0x00
	opNop          = 0x01
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opSelect       = 0x1b
	opSelectType   = 0x1c
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opTableSet     = 0x26
	opLoad         = 0x28 // first load
	opStores       = 0x3e // last store
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI64LtS       = 0x53
	opI32GtU       = 0x4b
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI64Add       = 0x7c
	opI64Sub       = 0x7d
	opI64Mul       = 0x7e
	opI64Or        = 0x84
	opI64ShrU      = 0x88
	opI64ExtendU   = 0xad
	opI32Wrap      = 0xa7
	opRefNull      = 0xd0
	opRefFunc      = 0xd2

	opMemoryInit = 0xfc08
	opDataDrop   = 0xfc09
	opMemoryCopy = 0xfc0a
	opMemoryFill = 0xfc0b
	opTableInit  = 0xfc0c
	opElemDrop   = 0xfc0d
	opTableCopy  = 0xfc0e
	opTableGrow  = 0xfc0f
	opTableSize  = 0xfc10
	opTableFill  = 0xfc11

	opV128Load     = 0xfd00 // first vector load
	opV128Store    = 0xfd0b
	opV128Const    = 0xfd0c
	opV128LoadLane = 0xfd54 // first of the lane loads and stores and zero-extending loads
	opV128LoadZero = 0xfd5d
)

// Value types.
const (
	typeI32       = 0x7f
	typeI64       = 0x7e
	typeF32       = 0x7d
	typeF64       = 0x7c
	typeV128      = 0x7b
	typeFuncref   = 0x70
	typeExternref = 0x6f
	typeFunc      = 0x60
	blockVoid     = 0x40
)

// immediateKind is the format of an instruction's immediates.
type immediateKind uint8

const (
	unknownOpcode immediateKind = iota
	noImmediates
	blockType
	label
	labels
	index // one index
	callIndirect
	types
	address  // alignment and offset
	zero     // one byte that is 0
	zeroes   // two memory indexes
	number32 // signed, of 32 bits
	number64 // signed, of 64 bits
	bytes4
	bytes8
	bytes16
	heap // a reference type
	lane
	addressLane
	indexZero // an index and a byte that is 0
	indexes   // two indexes
)

// immediateKinds has the formats of the known one-byte opcodes.
var immediateKinds = func() (s [256]immediateKind) {
	set := func(from, to int, as immediateKind) {
		for op := from; op <= to; op++ {
			s[op] = as
		}
	}
	set(0x00, 0x01, noImmediates)
	set(0x02, 0x04, blockType)
	s[opElse], s[opEnd] = noImmediates, noImmediates
	set(0x0c, 0x0d, label)
	s[opBrTable] = labels
	s[opReturn] = noImmediates
	s[opCall] = index
	s[opCallIndirect] = callIndirect
	set(0x1a, 0x1b, noImmediates)
	s[opSelectType] = types
	set(0x20, 0x26, index)
	set(0x28, 0x3e, address)
	set(0x3f, 0x40, zero)
	s[opI32Const], s[opI64Const], s[opF32Const], s[opF64Const] = number32, number64, bytes4, bytes8
	set(0x45, 0xc4, noImmediates)
	s[opRefNull], s[0xd1], s[opRefFunc] = heap, noImmediates, index
	return s
}()

// bulkImmediates has the formats behind prefix 0xfc.
var bulkImmediates = [...]immediateKind{
	noImmediates, noImmediates, noImmediates, noImmediates, noImmediates, noImmediates, noImmediates, noImmediates, // saturating conversions
	indexZero, index, zeroes, zero, indexes, index, indexes, index, index, index,
}

// vectorImmediates returns the format of an opcode behind prefix 0xfd.
func vectorImmediates(sub byte) immediateKind {
	switch sub {
	case 0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee:
		return unknownOpcode // not assigned
	}
	switch {
	case sub <= 0x0b, sub == 0x5c, sub == 0x5d:
		return address
	case sub <= 0x0d:
		return bytes16
	case sub >= 0x15 && sub <= 0x22:
		return lane
	case sub >= 0x54 && sub <= 0x5b:
		return addressLane
	}
	return noImmediates
}

// instruction is one decoded instruction. The labels of a br_table are in the reader.
type instruction struct {
	op      uint16
	at, end int
	a, b    uint32 // indexes; for a branch a is the label, for br_table the default
	block   int64  // block type: negative for a value type or none, else a type index
}

// next reads one instruction. An unknown one is an error of the reader.
func (r *reader) next(i *instruction) {
	i.at = r.pos
	first := r.byte()
	i.op = uint16(first)
	as := immediateKinds[first]
	switch {
	case as == noImmediates:
		i.end = r.pos
		return
	case as == index || as == label:
		i.a = r.u32()
		i.end = r.pos
		return
	case as == unknownOpcode:
		as = r.readPrefixed(i, first)
	}
	r.immediates(i, as)
	i.end = r.pos
}

// readPrefixed reads an opcode behind a prefix. wazero reads a vector opcode as one byte and takes
// a second byte for a nop. So only the shortest form is accepted: any other would be a different
// program for the rewriter than for the compiler.
func (r *reader) readPrefixed(i *instruction, first byte) immediateKind {
	if first != 0xfc && first != 0xfd {
		if r.failure == "" {
			r.fail(i.at, proposalOf(first))
		}
		return noImmediates
	}
	sub := r.u32()
	if n := len(appendU32(nil, sub)); r.failure == "" && first == 0xfd && r.pos-i.at != n+1 {
		r.fail(i.at, "an opcode is not written in its shortest form")
	}
	switch {
	case r.failure != "":
		return noImmediates
	case first == 0xfc && sub < uint32(len(bulkImmediates)):
		i.op = 0xfc00 | uint16(sub)
		return bulkImmediates[sub]
	case first == 0xfd && sub < 0x100 && vectorImmediates(byte(sub)) != unknownOpcode:
		i.op = 0xfd00 | uint16(sub)
		return vectorImmediates(byte(sub))
	case first == 0xfd && sub >= 0x100 && sub <= 0x13f:
		r.fail(i.at, "it uses relaxed SIMD")
	default:
		r.fail(i.at, fmt.Sprintf("there is no instruction %#x %#x", first, sub))
	}
	return noImmediates
}

func (r *reader) immediates(i *instruction, as immediateKind) {
	switch as {
	case index:
		i.a = r.u32()
	case blockType:
		i.block = r.s33()
	case labels:
		r.readBranchTable(i)
	case callIndirect, indexes:
		i.a, i.b = r.u32(), r.u32()
	case types:
		for n := r.u32(); n > 0 && r.failure == ""; n-- {
			r.valueType()
		}
	case address, addressLane:
		r.readMemArg()
		if as == addressLane {
			r.byte()
		}
	case zeroes:
		r.readMemoryIndex()
		r.readMemoryIndex()
	case zero:
		r.readMemoryIndex()
	case indexZero:
		i.a = r.u32()
		r.readMemoryIndex()
	case heap:
		r.refType()
	default:
		r.constant(as)
	}
}

func (r *reader) constant(as immediateKind) {
	switch as {
	case number32:
		r.s32()
	case number64:
		r.s64()
	case bytes4:
		r.bytes(4)
	case bytes8:
		r.bytes(8)
	case bytes16:
		r.bytes(16)
	case lane:
		r.byte()
	}
}

// readBranchTable reads a br_table's labels; i.a is the last one, the default.
func (r *reader) readBranchTable(i *instruction) {
	r.targets = r.targets[:0]
	n := r.u32()
	if uint64(n) >= uint64(r.end-r.pos) { // a label has at least one byte
		r.fail(r.pos, "it ends too soon")
		return
	}
	for range n + 1 {
		i.a = r.u32()
		r.targets = append(r.targets, i.a)
	}
}

func (r *reader) readMemArg() {
	at := r.pos
	switch align := r.u32(); {
	case align&^0x3f == 0x40:
		r.fail(at, "it uses multiple memories")
	case align >= 32:
		r.fail(at, "an alignment is out of range")
	}
	r.u32()
}

// readMemoryIndex reads a memory's index, which must be one byte of 0.
func (r *reader) readMemoryIndex() {
	if at := r.pos; r.byte() != 0 {
		r.fail(at, "it uses multiple memories, or a memory's index of more than one byte")
	}
}

func (r *reader) valueType() byte {
	at := r.pos
	switch b := r.byte(); b {
	case typeI32, typeI64, typeF32, typeF64, typeV128, typeFuncref, typeExternref:
		return b
	case 0x63, 0x64:
		r.fail(at, "it uses typed function references")
	case 0x69, 0x74:
		r.fail(at, "it uses exceptions")
	case 0x65, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73, 0x77, 0x78:
		r.fail(at, "it uses garbage-collected types")
	default:
		r.fail(at, fmt.Sprintf("there is no type %#x", b))
	}
	return 0
}

func (r *reader) refType() byte {
	at := r.pos
	b := r.valueType()
	if r.failure == "" && b != typeFuncref && b != typeExternref {
		r.fail(at, fmt.Sprintf("%s is not a type of reference", typeName(b)))
	}
	return b
}

// proposalOf names the WebAssembly proposal that an unsupported opcode belongs to.
func proposalOf(op byte) string {
	switch op {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return "it uses exceptions"
	case 0x12, 0x13:
		return "it uses tail calls"
	case 0x14, 0x15, 0xd4, 0xd5, 0xd6:
		return "it uses typed function references"
	case 0xd3, 0xfb:
		return "it uses garbage-collected types"
	case 0xfe:
		return "it uses threads"
	}
	return fmt.Sprintf("there is no instruction %#x", op)
}

func typeName(b byte) string {
	switch b {
	case typeI32:
		return "i32"
	case typeI64:
		return "i64"
	case typeF32:
		return "f32"
	case typeF64:
		return "f64"
	case typeV128:
		return "v128"
	case typeFuncref:
		return "funcref"
	case typeExternref:
		return "externref"
	}
	return fmt.Sprintf("type %#x", b)
}
