package runtime

import "time"

// Budget limits a run. A zero field means the default; no value means without limit.
type Budget struct {
	Time   time.Duration // wall clock
	Fuel   int64         // steps: one for each operator, and one for each 64 bytes touched
	Memory int64         // bytes reserved at the same time
	Output int64         // bytes of draft
}

// Default is the budget of a hook that names none.
var Default = Budget{Time: time.Second, Fuel: 50_000_000, Memory: 16 << 20, Output: 256 << 10}

// Max bounds every budget: Okta waits for 3 s (hooks.md section 1), of which a call has 2 s here,
// and reads less than 256 KB.
var Max = Budget{Time: 2 * time.Second, Fuel: 2_000_000_000, Memory: 256 << 20, Output: 256 << 10}

// Within is b with zero fields taken from outer and no field above outer: a rule's budget inside
// its hook's. A zero field of outer is the default.
func (b Budget) Within(outer Budget) Budget {
	return Budget{
		Time:   time.Duration(within(int64(b.Time), int64(outer.Time), int64(Default.Time))),
		Fuel:   within(b.Fuel, outer.Fuel, Default.Fuel),
		Memory: within(b.Memory, outer.Memory, Default.Memory),
		Output: within(b.Output, outer.Output, Default.Output),
	}
}

func within(b, outer, fallback int64) int64 {
	if outer <= 0 {
		outer = fallback
	}
	if b <= 0 {
		return outer
	}
	return min(b, outer)
}

// withDefaults is b with defaults in its zero fields, within Max.
func (b Budget) withDefaults() Budget {
	if b.Time <= 0 {
		b.Time = Default.Time
	}
	if b.Fuel <= 0 {
		b.Fuel = Default.Fuel
	}
	if b.Memory <= 0 {
		b.Memory = Default.Memory
	}
	if b.Output <= 0 {
		b.Output = Default.Output
	}
	return b.Within(Max)
}
