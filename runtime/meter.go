package runtime

import "time"

// sliceUnits is how many units are spent between two looks at the clock: a few microseconds of work.
const sliceUnits = 512

// Meter is what is left of a Budget: one for a hook's whole chain, used by one goroutine. A limit that is nested in it
// ends sooner; what is spent inside counts for both. Once the Meter has said no it keeps saying no, until the limit
// that said it ends.
type Meter struct {
	left     int64     // units before the next look at the clock
	issued   int64     // units of all slices handed out so far
	start    time.Time // has a monotonic reading
	excluded time.Duration
	reserved int64
	output   int64
	limit    Limit
}

// Limit is what a Meter stops at. Nest gives back the outer one, for End.
type Limit struct {
	time   time.Duration // since the Meter's start
	fuel   int64         // total units
	memory int64         // bytes held
	output int64         // bytes written
	err    error
}

// Start begins a budget at now, to end at the deadline if that comes sooner; the zero deadline is none. The budget's
// defaults are filled in and its size is capped.
func (m *Meter) Start(b Budget, now, deadline time.Time) {
	b = b.withDefaults()
	if !deadline.IsZero() {
		b.Time = min(b.Time, deadline.Sub(now))
	}
	if now == now.Round(0) { // no monotonic reading: an instant that a test made up
		now = time.Now()
	}
	*m = Meter{start: now, limit: Limit{time: b.Time, fuel: b.Fuel, memory: b.Memory, output: b.Output}}
}

// Spend takes n units, and is false when they are not there. It must be asked before the work is done.
func (m *Meter) Spend(n int64) bool {
	m.left -= n
	return m.left >= 0 || m.refill()
}

// refill is the slow path of Spend: the clock is read and a new slice handed out.
func (m *Meter) refill() bool {
	if m.limit.err != nil {
		m.left = -1
		return false
	}
	spent := m.issued - m.left
	if spent > m.limit.fuel || spent < 0 {
		return m.stop(ErrFuel)
	}
	if time.Since(m.start) >= m.limit.time {
		return m.stop(ErrTime)
	}
	m.left = min(sliceUnits, m.limit.fuel-spent)
	m.issued = spent + m.left
	return true
}

func (m *Meter) stop(err error) bool {
	m.limit.err = err
	m.issued, m.left = m.Spent()-1, -1
	return false
}

// Reserve takes room for bytes that are about to be allocated, and is false when there is none.
func (m *Meter) Reserve(bytes int64) bool {
	if m.limit.err != nil {
		return false
	}
	if bytes > m.limit.memory-m.reserved {
		return m.stop(ErrMemory)
	}
	m.reserved += bytes
	return m.Spend(1 + bytes>>10)
}

// Release gives back bytes that were held.
func (m *Meter) Release(bytes int64) { m.reserved -= bytes }

// Emit takes room for bytes of draft, and is false when there is none.
func (m *Meter) Emit(bytes int64) bool {
	if m.limit.err != nil {
		return false
	}
	if bytes > m.limit.output-m.output {
		return m.stop(ErrOutput)
	}
	m.output += bytes
	return m.Spend(1 + bytes>>6)
}

// Err is why the Meter said no, nil as long as it has not.
func (m *Meter) Err() error { return m.limit.err }

// Spent is how many units were asked for so far.
func (m *Meter) Spent() int64 { return m.issued - m.left }

// Left is how many units the limit still has: what may be handed out to be accounted for later. It is 0 once the Meter has
// said no.
func (m *Meter) Left() int64 {
	if m.limit.err != nil {
		return 0
	}
	return max(m.limit.fuel-m.Spent(), 0)
}

// Deadline is when the limit's time is up. It has a monotonic reading.
func (m *Meter) Deadline() time.Time { return m.start.Add(m.limit.time) }

// CheckTime reads the clock, whatever is left of the slice in hand, and is false when the time is up or the Meter has said no.
func (m *Meter) CheckTime() bool {
	if m.limit.err != nil {
		return false
	}
	m.issued, m.left = m.Spent(), 0
	return m.refill()
}

// maxExcluded is how much of a run's waiting is pardoned.
const maxExcluded = time.Minute

// ExcludeTime takes d out of the time that has passed: a wait, of a run that nobody waits for. What has not passed yet is pardoned
// beforehand, to the limits that are nested too. It comes to a minute at most, so that nothing goes on for ever.
func (m *Meter) ExcludeTime(d time.Duration) {
	d = min(d, maxExcluded-m.excluded)
	m.start, m.excluded = m.start.Add(d), m.excluded+d
}

// Expire says no from here on, for want of time: whoever was to wait has found that it takes longer.
func (m *Meter) Expire() {
	if m.limit.err == nil {
		m.stop(ErrTime)
	}
}

// Nest begins a smaller budget inside what is left; a zero field of b adds no limit. End, given what Nest returned,
// ends it.
func (m *Meter) Nest(b Budget) Limit {
	outer, spent := m.limit, m.Spent()
	if b.Time > 0 { // what was pardoned beforehand is in the inner limit too
		m.limit.time = min(outer.time, max(0, time.Since(m.start))+b.Time)
	}
	if b.Fuel > 0 {
		m.limit.fuel = min(outer.fuel, spent+b.Fuel)
	}
	if b.Memory > 0 {
		m.limit.memory = min(outer.memory, m.reserved+b.Memory)
	}
	if b.Output > 0 {
		m.limit.output = min(outer.output, m.output+b.Output)
	}
	if m.left > 0 { // the slice in hand was cut for the outer limit
		m.issued, m.left = spent, 0
	}
	return outer
}

// End ends the limit that Nest began and goes back to the outer one. Whether that has run out is found at the next
// Spend; it is so at once when the outer one had.
func (m *Meter) End(outer Limit) {
	spent := m.Spent()
	m.limit = outer
	m.issued, m.left = spent, 0
}
