package meter

// nameSectionBytes returns a name section with the upload's function names under their new indexes,
// for traces of traps. It returns nil if the upload's is unreadable: nothing depends on it.
func (m *module) nameSectionBytes() []byte {
	r := reader{src: m.src, pos: m.nameSection[0], end: m.nameSection[1]}
	for r.more() && r.failure == "" {
		id := r.byte()
		part := r.subReader(r.u32())
		if id == 1 && part.failure == "" {
			return m.functionNames(&part)
		}
	}
	return nil
}

func (m *module) functionNames(r *reader) []byte {
	n := r.u32()
	b := appendU32(nil, n)
	last := int64(-1)
	for ; n > 0 && r.failure == ""; n-- {
		fn, name := r.u32(), r.name()
		if int64(fn) <= last || int(fn) >= len(m.funcs) || len(name) > m.options.Limits.Name {
			return nil
		}
		last = int64(fn)
		b = appendName(appendU32(b, m.newIndex(fn)), name)
	}
	if r.failure != "" || r.more() {
		return nil
	}
	return append(appendU32(append(appendName(nil, "name"), 1), uint32(len(b))), b...)
}
