package rules

import "github.com/tenterhook/tenterhook/runtime"

// These functions charge the Meter per element, even if nothing is emitted; otherwise a long list
// of nulls would run for free.

// elements calls do with each value of a list until it fails.
func elements(v runtime.Value, m *runtime.Meter, do func(runtime.Value) error) error {
	for n := range v.Node().Elements() { // At(i) in a loop would be quadratic
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

// members calls do with each name and value of an object until it fails.
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

// appendMetered appends the transformed name of a payload. It charges the Meter for the name first,
// and for escapes once their length is known.
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

// stringSet is a set of texts that allocates only beyond a few elements.
type stringSet struct {
	first [8]string
	n     int
	more  map[string]bool
}

// add adds name and returns false if it is present already.
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
