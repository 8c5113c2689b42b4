package meter

// Linked allows modules to import memories, tables and globals, as the specification's tests do.
func Linked(o Options) Options {
	o.linked = true
	return o
}

// Exact charges every instruction when it is reached, and nothing else: the slow, obvious way to
// count.
func Exact(o Options) Options {
	o.exact = true
	return o
}

const LinkedDepth = linkedDepth
