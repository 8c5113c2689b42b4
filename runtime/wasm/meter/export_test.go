package meter

// Linked is o for modules that import memories, tables and globals from each other, as the specification's tests do.
func Linked(o Options) Options {
	o.linked = true
	return o
}

// Exact is o with every instruction charged when it is reached and not before, and nothing else: the slow, obvious way
// to count.
func Exact(o Options) Options {
	o.exact = true
	return o
}

const LinkedDepth = linkedDepth
