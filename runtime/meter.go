package runtime

import "time"

// sliceUnits is how many units are spent between two readings of the clock: a few microseconds of
// work.
const sliceUnits = 512

// Meter counts the spending of a Budget: one for a hook's whole chain, used by one goroutine. A
// nested limit ends sooner; units spent inside it count for both. Once a limit is exhausted, every
// request fails until that limit ends.
type Meter struct {
	left     int64     // units before the next reading of the clock
	issued   int64     // units of all slices so far
	start    time.Time // with a monotonic reading
	excluded time.Duration
	reserved int64
	output   int64
	limit    Limit
}

// Limit is where a Meter stops. Nest returns the outer one for End.
type Limit struct {
	time   time.Duration // since the Meter's start
	fuel   int64         // total units
	memory int64         // bytes reserved
	output int64         // bytes written
	err    error
}

// Start begins a budget at now. It ends at the deadline if that comes sooner; a zero deadline is
// none. Defaults are filled in and Max applies.
func (m *Meter) Start(b Budget, now, deadline time.Time) {
	b = b.withDefaults()
	if !deadline.IsZero() {
		b.Time = min(b.Time, deadline.Sub(now))
	}
	if now == now.Round(0) { // no monotonic reading: a time made up by a test
		now = time.Now()
	}
	*m = Meter{start: now, limit: Limit{time: b.Time, fuel: b.Fuel, memory: b.Memory, output: b.Output}}
}

// Spend takes n units; false when the limit is exhausted. Call it before the work.
func (m *Meter) Spend(n int64) bool {
	m.left -= n
	return m.left >= 0 || m.refill()
}

// refill is the slow path of Spend: it reads the clock and begins a new slice.
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

// Reserve reserves bytes that are about to be allocated; false when the limit is exhausted.
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

// Release returns reserved bytes.
func (m *Meter) Release(bytes int64) { m.reserved -= bytes }

// Emit counts bytes of draft; false when the limit is exhausted.
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

// Err is the reason why the limit is exhausted, nil while it is not.
func (m *Meter) Err() error { return m.limit.err }

// Spent is the number of units asked for so far.
func (m *Meter) Spent() int64 { return m.issued - m.left }

// Left is the number of units that the limit still has, for work that is accounted for later. It is
// 0 when the limit is exhausted.
func (m *Meter) Left() int64 {
	if m.limit.err != nil {
		return 0
	}
	return max(m.limit.fuel-m.Spent(), 0)
}

// Deadline is when the limit's time ends. It has a monotonic reading.
func (m *Meter) Deadline() time.Time { return m.start.Add(m.limit.time) }

// CheckTime reads the clock even in the middle of a slice; false when the limit is exhausted.
func (m *Meter) CheckTime() bool {
	if m.limit.err != nil {
		return false
	}
	m.issued, m.left = m.Spent(), 0
	return m.refill()
}

// maxExcluded limits the waiting of a run that is not counted.
const maxExcluded = time.Minute

// ExcludeTime takes d out of the time that counts: the waiting of a run in the background. Time
// ahead can be excluded too, also for nested limits. The total is at most a minute, so that every
// run ends.
func (m *Meter) ExcludeTime(d time.Duration) {
	d = min(d, maxExcluded-m.excluded)
	m.start, m.excluded = m.start.Add(d), m.excluded+d
}

// Expire exhausts the limit for want of time: a wait turned out to take longer than is left.
func (m *Meter) Expire() {
	if m.limit.err == nil {
		m.stop(ErrTime)
	}
}

// Nest begins a smaller limit inside the current one; a zero field of b adds none. End ends it,
// given the Limit that Nest returned.
func (m *Meter) Nest(b Budget) Limit {
	outer, spent := m.limit, m.Spent()
	if b.Time > 0 { // time excluded ahead counts for the inner limit too
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
	if m.left > 0 { // the current slice was for the outer limit
		m.issued, m.left = spent, 0
	}
	return outer
}

// End goes back to the outer limit of Nest. Whether that is exhausted shows at the next Spend; at
// once when it was before.
func (m *Meter) End(outer Limit) {
	spent := m.Spent()
	m.limit = outer
	m.issued, m.left = spent, 0
}
