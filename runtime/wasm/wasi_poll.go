package wasm

import (
	"encoding/binary"
	"math"
)

// Records of poll_oneoff: subscriptions and events.
const (
	subscriptionSize, eventSize = 48, 32
	maxSubscriptions            = 1 << 10
	eventClock                  = 0
)

// pollOneoff answers poll_oneoff at once: timeouts have passed, and files are not open.
func (in *instance) pollOneoff(stack []uint64) {
	from, to, count := uint64(uint32(stack[0])), uint64(uint32(stack[1])), uint64(uint32(stack[2]))
	if count == 0 || count > maxSubscriptions {
		in.returnErrno(stack, wasiInval)
		return
	}
	in.charge(int64(count) * 100)
	subscriptions, events := in.memoryAt(from, count*subscriptionSize), in.memoryAt(to, count*eventSize)
	sleep, n := in.shortestTimeout(subscriptions), 0
	for s := subscriptions; len(s) > 0; s = s[subscriptionSize:] {
		kind, errno := s[8], uint16(wasiBadf)
		if kind == eventClock {
			if in.timeoutOf(s) > sleep {
				continue
			}
			errno = wasiSuccess
		}
		user := binary.LittleEndian.Uint64(s)
		event := events[n*eventSize : (n+1)*eventSize]
		clear(event)
		binary.LittleEndian.PutUint64(event, user)
		binary.LittleEndian.PutUint16(event[8:], errno)
		event[10] = kind
		n++
	}
	in.clock.advance(sleep)
	in.put32(stack[3], uint32(n))
	in.returnErrno(stack, wasiSuccess)
}

// shortestTimeout returns the time until the first subscription fires, in nanoseconds.
func (in *instance) shortestTimeout(subscriptions []byte) int64 {
	shortest := int64(math.MaxInt64)
	for s := subscriptions; len(s) > 0; s = s[subscriptionSize:] {
		if s[8] != eventClock {
			return 0
		}
		shortest = min(shortest, in.timeoutOf(s))
	}
	return shortest
}

// timeoutOf returns the remaining time of a clock subscription.
func (in *instance) timeoutOf(s []byte) int64 {
	timeout := int64(min(binary.LittleEndian.Uint64(s[24:]), math.MaxInt64))
	if s[40]&1 == 0 { // relative
		return timeout
	}
	now := in.clock.monotonic
	if binary.LittleEndian.Uint32(s[16:]) == 0 {
		now = in.clock.wall
	}
	return max(timeout-now, 0)
}

// clock has the readings of a run's clocks, in nanoseconds.
type clock struct {
	wall      int64 // since 1970
	monotonic int64
}

// advance advances both clocks, up to their maximum.
func (c *clock) advance(by int64) {
	c.wall, c.monotonic = addSaturating(c.wall, by), addSaturating(c.monotonic, by)
}

func addSaturating(at, by int64) int64 {
	if by > math.MaxInt64/2-max(at, 0) {
		return math.MaxInt64 / 2
	}
	return at + by
}
