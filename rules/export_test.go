package rules

// Shared counts the module instances that two Sets have in common.
func (s *Set) Shared(other *Set) (n int) {
	theirs := map[*sharedModule]bool{}
	for _, h := range other.hooks {
		for i := range h.rules {
			if m, ok := h.rules[i].program.(*sharedModule); ok {
				theirs[m] = true
			}
		}
	}
	for _, h := range s.hooks {
		for i := range h.rules {
			if m, ok := h.rules[i].program.(*sharedModule); ok && theirs[m] {
				n++
			}
		}
	}
	return n
}

// Plain removes the index of the hook, so that it evaluates every rule, and reports whether it had
// one.
func (h *Hook) Plain() (indexed bool) {
	for _, groups := range []map[string]*group{h.on.byType, h.on.byPrefix} {
		for _, g := range groups {
			indexed = indexed || g.index != nil
			g.index = nil
		}
	}
	return indexed
}
