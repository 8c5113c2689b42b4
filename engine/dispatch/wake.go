package dispatch

import "slices"

// Wake lets destinations of these names be tried at once although their breaker is open: an
// operator knows that they have recovered, or wants to know. No name means all. Each begins with
// one attempt at a time, and its breaker opens again after failures.
func (d *Dispatch) Wake(names ...string) {
	for _, s := range d.Destinations() {
		if s.Breaker == "open" && (len(names) == 0 || slices.Contains(names, s.Name)) {
			d.wakeLane(s.Name)
		}
	}
}

// wakeLane opens the same destination again, with a closed breaker.
func (d *Dispatch) wakeLane(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.lanes[name]; l != nil {
		d.log.Info("a destination is tried while its breaker is open", "destination", name)
		l.setHealthy(false)
		l.setSpec(d.spec(name))
	}
}
