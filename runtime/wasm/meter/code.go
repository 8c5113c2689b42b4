package meter

// code is instructions that are being written.
type code struct{ out []byte }

func (c *code) op(ops ...byte)         { c.out = append(c.out, ops...) }
func (c *code) with(op byte, i uint32) { c.out = appendU32(append(c.out, op), i) }
func (c *code) number32(n int64)       { c.out = appendS64(append(c.out, opI32Const), n) }
func (c *code) number64(n int64)       { c.out = appendS64(append(c.out, opI64Const), n) }

// sum writes the sum of two locals, i32.
func (c *code) sum(a, b uint32) {
	c.with(opLocalGet, a)
	c.with(opLocalGet, b)
	c.op(opI32Add)
}

// step adds a constant to a local.
func (c *code) step(local uint32, n int64) {
	c.with(opLocalGet, local)
	c.number32(n)
	c.op(opI32Add)
	c.with(opLocalSet, local)
}

// tick lets the host look, in a function that keeps its fuel in the global.
func (c *code) tick(m *module) {
	c.with(opGlobalGet, m.fuel())
	c.with(opCall, m.yield())
	c.with(opGlobalSet, m.fuel())
}

// spend takes what is on top of the stack, i64, from the fuel in the global, and lets the host look when it is used up.
// scratch is a local of that type.
func (c *code) spend(m *module, scratch uint32) {
	c.with(opLocalSet, scratch)
	c.with(opGlobalGet, m.fuel())
	c.with(opLocalGet, scratch)
	c.op(opI64Sub)
	c.with(opGlobalSet, m.fuel())
	c.with(opGlobalGet, m.fuel())
	c.number64(0)
	c.op(opI64LtS, opIf, blockVoid)
	c.tick(m)
	c.op(opEnd)
}
