package expr

import (
	"fmt"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
)

// zoneFunc is the zone of a call; nil for a name that is no zone.
type zoneFunc func(r *runtime.Run, args []runtime.Value) *time.Location

// bindZone is the zone in argument i, UTC without one. A constant one is resolved here, any other in
// each call.
func bindZone(e *Env, args []runtime.Value, i int) (zoneFunc, error) {
	zone := time.UTC
	switch {
	case i >= len(args):
	case args[i].IsNull():
		return func(r *runtime.Run, args []runtime.Value) *time.Location { return e.callZone(r, args[i].Text()) }, nil
	default:
		name := args[i].Text()
		if name == "" || name == "Local" {
			return nil, fmt.Errorf("want a time zone's name such as Europe/Berlin, got %q", name)
		}
		if zone = loadZone(name); zone == nil {
			return nil, fmt.Errorf("unknown time zone %q: want a name such as Europe/Berlin", name)
		}
	}
	return func(*runtime.Run, []runtime.Value) *time.Location { return zone }, nil
}

// callZone resolves a name that a caller may have chosen.
func (e *Env) callZone(r *runtime.Run, name string) *time.Location {
	if zone, ok := e.zones.Load(name); ok {
		return zone.(*time.Location)
	}
	charge(r, 20)
	zone := loadZone(name)
	if zone == nil {
		r.Scratch.Missed = true
		return nil
	}
	e.zones.Store(strings.Clone(name), zone)
	return zone
}

// loadZone is nil for a name that no zone has.
func loadZone(name string) *time.Location {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/"
	if name == "" || name == "Local" || len(name) > 40 || strings.Trim(name, letters) != "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}
