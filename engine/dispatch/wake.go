package dispatch

import "slices"

// Wake has the destinations of these names tried at once, although they failed and are left alone: an operator knows that they are
// well again, or wants to know. No name means all. Each begins with one attempt at a time, and
// rests again when they fail.
func (d *Dispatch) Wake(names ...string) {
	for _, s := range d.Destinations() {
		if s.Breaker == "open" && (len(names) == 0 || slices.Contains(names, s.Name)) {
			d.wakeLane(s.Name)
		}
	}
}

// wakeLane opens a destination anew, as it is.
func (d *Dispatch) wakeLane(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.lanes[name]; l != nil {
		d.log.Info("a destination is tried before its rest is over", "destination", name)
		l.setHealthy(false)
		l.setSpec(d.spec(name))
	}
}
