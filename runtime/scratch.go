package runtime

// Layout is how much scratch the expressions of one hook need together. Version changes with it, so
// that a Run notices.
type Layout struct {
	Slots, Cells, Locals int
	Version              int
}

// Scratch is shared by the expressions of one event: values found in the document, computed lets,
// variables, and memory for built texts and lists. It is valid until the Run begins again.
type Scratch struct {
	Slots  []Slot  // by path into the document
	Cells  []Cell  // by let
	Locals []Value // variables of the current expression
	Missed bool    // an operator decided on a missing value
	Draws  uint64  // how many random blocks were drawn, see Run.Seed
	Masked bool    // secret values are written as [secret], for a trace

	filled  []int32 // the Slots that are known
	layout  *Layout
	version int
	text    []byte // the chunk that texts are cut from
	values  []Value
}

// Slot is a value of the document, once it was read.
type Slot struct {
	Value Value
	Known bool
}

// Cell is a let, once it was computed.
type Cell struct {
	Value  Value
	Err    error // a value error, the same for every reader
	Known  bool
	Missed bool // as in Scratch, while the let was computed
}

// Resize makes room for l. Scratch that served another layout since the Run began is cleared first.
func (s *Scratch) Resize(l *Layout) {
	if s.layout != l || s.version != l.Version {
		s.resize(l)
	}
}

func (s *Scratch) resize(l *Layout) {
	if s.layout != nil && s.layout != l {
		s.clearSlots()
		clear(s.Cells)
		clear(s.Locals)
	}
	s.layout, s.version = l, l.Version
	if n := l.Slots - len(s.Slots); n > 0 {
		s.Slots = append(s.Slots, make([]Slot, n)...)
	}
	if n := l.Cells - len(s.Cells); n > 0 {
		s.Cells = append(s.Cells, make([]Cell, n)...)
	}
	if n := l.Locals - len(s.Locals); n > 0 {
		s.Locals = append(s.Locals, make([]Value, n)...)
	}
}

// Memory beyond these limits is not kept for the next event.
const (
	maxKeptText   = 64 << 10
	maxKeptValues = 1 << 10
)

func (s *Scratch) reset() {
	s.clearSlots()
	clear(s.Cells)
	clear(s.Locals)
	clear(s.text)
	clear(s.values)
	s.text, s.values = s.text[:0], s.values[:0]
	if cap(s.text) > maxKeptText {
		s.text = nil
	}
	if cap(s.values) > maxKeptValues {
		s.values = nil
	}
	s.Missed, s.Draws, s.layout = false, 0, nil // a pool must not keep an old Set alive
}

// SetSlot stores the value of Slot i.
func (s *Scratch) SetSlot(i int, v Value) {
	s.Slots[i] = Slot{v, true}
	s.filled = append(s.filled, int32(i))
}

// clearSlots clears the filled Slots only: a large policy has many, and an event reads few.
func (s *Scratch) clearSlots() {
	for _, i := range s.filled {
		s.Slots[i] = Slot{}
	}
	s.filled = s.filled[:0]
}

// Text is memory for a text: length 0, capacity n. The caller has reserved it.
func (s *Scratch) Text(n int) []byte {
	if n > cap(s.text)-len(s.text) {
		s.text = make([]byte, 0, max(n, min(2*cap(s.text), maxKeptText), 4<<10))
	}
	at := len(s.text)
	s.text = s.text[:at+n]
	return s.text[at:at:len(s.text)]
}

// Values is memory for a list: length 0, capacity n. The caller has reserved it.
func (s *Scratch) Values(n int) []Value {
	if n > cap(s.values)-len(s.values) {
		s.values = make([]Value, 0, max(n, min(2*cap(s.values), maxKeptValues), 64))
	}
	at := len(s.values)
	s.values = s.values[:at+n]
	return s.values[at:at:len(s.values)]
}
