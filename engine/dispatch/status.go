package dispatch

import (
	"cmp"
	"slices"
	"time"
)

// DestinationStatus is the current state of a destination's lane.
type DestinationStatus struct {
	Name     string        `json:"name"`
	Carrier  string        `json:"carrier,omitempty"` // http, file or stdout
	Breaker  string        `json:"breaker,omitempty"` // closed, half-open or open
	InFlight int           `json:"inFlight"`
	Open     int           `json:"open"`                      // unfinished steps
	Rest     time.Duration `json:"restNanoseconds,omitempty"` // remaining pause
	Absent   bool          `json:"absent,omitempty"`          // not in the live Set
}

// Destinations lists the state of every lane by name. It omits destinations that are not in the
// live Set and have no open steps.
func (d *Dispatch) Destinations() []DestinationStatus {
	open := d.o.Ledger.Destinations()
	list := []DestinationStatus{}
	for _, l := range d.sortedLanes() {
		s := l.status()
		if s.Open = open[s.Name]; s.Open > 0 || !s.Absent {
			list = append(list, s)
		}
	}
	return list
}

func (d *Dispatch) sortedLanes() []*lane {
	d.mu.Lock()
	defer d.mu.Unlock()
	lanes := make([]*lane, 0, len(d.lanes))
	for _, l := range d.lanes {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b *lane) int { return cmp.Compare(a.name, b.name) })
	return lanes
}

func (l *lane) status() DestinationStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := DestinationStatus{Name: l.name, Absent: l.outlet == nil && l.name != rulesLane}
	if l.outlet == nil {
		return s
	}
	for _, state := range l.outlet.States() { // exactly one
		s.Carrier, s.Breaker, s.InFlight, s.Rest = state.Carrier, state.Breaker, state.InFlight, state.Rest
	}
	return s
}
