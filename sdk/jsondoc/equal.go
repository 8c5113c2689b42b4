package jsondoc

// Equal reports whether a and b are the same JSON: numbers by value (1 is 1.0 and 10e-1), strings
// by content, arrays in order, objects in any order. A missing node equals only a missing node, not
// null. Equal takes time proportional to the smaller of the two, in any order of members, and does
// not allocate.
func Equal(a, b Node) bool {
	kind := a.Kind()
	if kind != b.Kind() {
		return false
	}
	switch kind {
	case Number:
		return sameNumber(a.Raw(), b.Raw())
	case String:
		return a.Text() == b.Text()
	case Array:
		return a.Len() == b.Len() && equalElements(a, b)
	case Object:
		return a.Len() == b.Len() && equalMembers(a, b)
	}
	return true
}

func equalElements(a, b Node) bool {
	end := a.node().link
	for a.i, b.i = a.i+1, b.i+1; a.i < end; a.i, b.i = a.d.nextValue(a.i), b.d.nextValue(b.i) {
		if !Equal(a, b) {
			return false
		}
	}
	return true
}

// equalMembers looks each member of a up in b. Both have the same number of unique names, so b has
// no others.
func equalMembers(a, b Node) bool {
	for i, end := a.i+1, a.node().link; i < end; i = a.d.nodes[i].link {
		other := b.Get(a.d.nameOf(i))
		if other.d == nil || !Equal(Node{a.d, i + 1}, other) {
			return false
		}
	}
	return true
}
