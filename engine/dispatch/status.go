package dispatch

import (
	"cmp"
	"slices"
	"time"
)

// Destination is how the lane of a destination is now.
type Destination struct {
	Name     string        `json:"name"`
	Carrier  string        `json:"carrier,omitempty"` // http, file or stdout
	Breaker  string        `json:"breaker,omitempty"` // closed, half-open or open
	InFlight int           `json:"inFlight"`
	Open     int           `json:"open"`                      // steps that are not carried out
	Rest     time.Duration `json:"restNanoseconds,omitempty"` // how long nothing is sent yet
	Absent   bool          `json:"absent,omitempty"`          // the live Set has none of that name
}

// Destinations tells how every lane is, by name.
func (d *Dispatch) Destinations() []Destination {
	open := d.o.Ledger.Destinations()
	list := []Destination{}
	for _, l := range d.every() {
		s := l.look()
		if s.Open = open[s.Name]; s.Open > 0 || !s.Absent {
			list = append(list, s)
		}
	}
	return list
}

// every lists the lanes by name.
func (d *Dispatch) every() []*lane {
	d.mu.Lock()
	defer d.mu.Unlock()
	lanes := make([]*lane, 0, len(d.lanes))
	for _, l := range d.lanes {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b *lane) int { return cmp.Compare(a.name, b.name) })
	return lanes
}

func (l *lane) look() Destination {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Destination{Name: l.name, Absent: l.outlet == nil && l.name != rulesLane}
	if l.outlet == nil {
		return s
	}
	for _, state := range l.outlet.States() { // it has one
		s.Carrier, s.Breaker, s.InFlight, s.Rest = state.Carrier, state.Breaker, state.InFlight, state.Rest
	}
	return s
}
