package rules

import "github.com/tenterhook/tenterhook/runtime"

// What a payload makes long is paid for, element by element, whether anything comes of it or not: a list of nulls says
// nothing and would take as long as its sender likes.

// elements walks a list's values until do fails.
func elements(v runtime.Value, m *runtime.Meter, do func(runtime.Value) error) error {
	for n := range v.Node().Elements() { // At is no way through: it walks to each element anew
		if !m.Spend(1) {
			return m.Err()
		}
		if err := do(runtime.NodeOf(n)); err != nil {
			return err
		}
	}
	for _, item := range v.Items() {
		if !m.Spend(1) {
			return m.Err()
		}
		if err := do(item); err != nil {
			return err
		}
	}
	return nil
}

// members walks an object's names and values until do fails.
func members(v runtime.Value, m *runtime.Meter, do func(name string, value runtime.Value) error) error {
	for name, n := range v.Node().Members() {
		if !m.Spend(1) {
			return m.Err()
		}
		if err := do(name, runtime.NodeOf(n)); err != nil {
			return err
		}
	}
	built := v.Items()
	for i := 0; i+1 < len(built); i += 2 {
		if !m.Spend(1) {
			return m.Err()
		}
		if err := do(built[i].Text(), built[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// appendMetered appends what is made of a payload's name. The Meter is asked for the name first, and for the rest once it is known
// how long the escapes have made it.
func appendMetered(dst []byte, r *runtime.Run, name string, add func(dst []byte, name string) []byte) ([]byte, error) {
	if !r.Meter.Emit(int64(len(name))) {
		return dst, r.Meter.Err()
	}
	free := len(dst) + len(name)
	if dst = add(dst, name); !r.Meter.Emit(int64(len(dst) - free)) {
		return dst, r.Meter.Err()
	}
	return dst, nil
}

// stringSet is a set of texts, which allocates only when it has more than a few.
type stringSet struct {
	first [8]string
	n     int
	more  map[string]bool
}

// add puts name in; false when it is in already.
func (s *stringSet) add(name string) bool {
	for _, one := range s.first[:s.n] {
		if one == name {
			return false
		}
	}
	if s.more[name] {
		return false
	}
	if s.n < len(s.first) {
		s.first[s.n] = name
		s.n++
		return true
	}
	if s.more == nil {
		s.more = map[string]bool{}
	}
	s.more[name] = true
	return true
}
