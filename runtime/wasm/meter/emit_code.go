package meter

// codeWriter appends instructions.
type codeWriter struct{ out []byte }

func (c *codeWriter) opcodes(ops ...byte)           { c.out = append(c.out, ops...) }
func (c *codeWriter) opcodeIndex(op byte, i uint32) { c.out = appendU32(append(c.out, op), i) }
func (c *codeWriter) i32Const(n int64)              { c.out = appendS64(append(c.out, opI32Const), n) }
func (c *codeWriter) i64Const(n int64)              { c.out = appendS64(append(c.out, opI64Const), n) }

// addLocals writes the sum of two i32 locals.
func (c *codeWriter) addLocals(a, b uint32) {
	c.opcodeIndex(opLocalGet, a)
	c.opcodeIndex(opLocalGet, b)
	c.opcodes(opI32Add)
}

// increment adds a constant to a local.
func (c *codeWriter) increment(local uint32, n int64) {
	c.opcodeIndex(opLocalGet, local)
	c.i32Const(n)
	c.opcodes(opI32Add)
	c.opcodeIndex(opLocalSet, local)
}

// callYield calls the host, in a function that keeps its fuel in the global.
func (c *codeWriter) callYield(m *module) {
	c.opcodeIndex(opGlobalGet, m.fuelGlobal())
	c.opcodeIndex(opCall, m.yieldIndex())
	c.opcodeIndex(opGlobalSet, m.fuelGlobal())
}

// spendFuel subtracts the i64 on top of the stack from the fuel in the global, and calls the host
// if it is used up. scratch is an i64 local.
func (c *codeWriter) spendFuel(m *module, scratch uint32) {
	c.opcodeIndex(opLocalSet, scratch)
	c.opcodeIndex(opGlobalGet, m.fuelGlobal())
	c.opcodeIndex(opLocalGet, scratch)
	c.opcodes(opI64Sub)
	c.opcodeIndex(opGlobalSet, m.fuelGlobal())
	c.opcodeIndex(opGlobalGet, m.fuelGlobal())
	c.i64Const(0)
	c.opcodes(opI64LtS, opIf, blockVoid)
	c.callYield(m)
	c.opcodes(opEnd)
}
