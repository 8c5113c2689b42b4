package runtime

// Layout says how much of each kind of scratch the expressions of one hook need together. Version grows with it, so that
// a Run sees that it has to grow too.
type Layout struct {
	Slots, Cells, Locals int
	Version              int
}

// Scratch is what the expressions of one event share: values found in the document, the hook's lets once they are
// known, variables, and memory for texts and lists that are built. All of it is good until the Run begins again.
type Scratch struct {
	Slots  []Slot  // by path into the document
	Cells  []Cell  // by let
	Locals []Value // variables of the expression under way
	Missed bool    // an operator has decided on something that is missing
	Draws  uint64  // how often chance was asked, see Run.Seed
	Masked bool    // what carries a secret is written as [secret], for a trace

	filled  []int32 // the Slots that are known
	layout  *Layout
	version int
	text    []byte // the chunk texts are being cut from
	values  []Value
}

// Slot is a value of the document, once it was looked for.
type Slot struct {
	Value Value
	Known bool
}

// Cell is a let, once it was computed.
type Cell struct {
	Value  Value
	Err    error // a *value* error: it is the same for everybody who asks
	Known  bool
	Missed bool // as in Scratch, while it was computed
}

// Resize makes room for what l needs. Scratch that served another layout since the Run began is emptied first.
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

// What a Run keeps for the next event: more than this is given back.
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

// SetSlot keeps the value of Slot i.
func (s *Scratch) SetSlot(i int, v Value) {
	s.Slots[i] = Slot{v, true}
	s.filled = append(s.filled, int32(i))
}

// clearSlots empties the Slots that were found: a large policy has many, and an event looks at few.
func (s *Scratch) clearSlots() {
	for _, i := range s.filled {
		s.Slots[i] = Slot{}
	}
	s.filled = s.filled[:0]
}

// Text gives n bytes to build a text in: length 0, capacity n. The caller has asked the Meter.
func (s *Scratch) Text(n int) []byte {
	if n > cap(s.text)-len(s.text) {
		s.text = make([]byte, 0, max(n, min(2*cap(s.text), maxKeptText), 4<<10))
	}
	at := len(s.text)
	s.text = s.text[:at+n]
	return s.text[at:at:len(s.text)]
}

// Values gives room for n values to build a list in: length 0, capacity n. The caller has asked the Meter.
func (s *Scratch) Values(n int) []Value {
	if n > cap(s.values)-len(s.values) {
		s.values = make([]Value, 0, max(n, min(2*cap(s.values), maxKeptValues), 64))
	}
	at := len(s.values)
	s.values = s.values[:at+n]
	return s.values[at:at:len(s.values)]
}
