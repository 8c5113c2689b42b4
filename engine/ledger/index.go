package ledger

import "math/bits"

// index maps the keyed fingerprints of a slot's ids to their numbers: open addressing with 12 bytes
// per place. Ids may share a fingerprint, so each hit is compared with the id in the row.
//
// The places are sorted, because a fingerprint's home slot grows with it. So a search for a missing
// id, which nearly every search is, ends at the first greater fingerprint.
type index struct {
	fingerprints []uint64 // 0 is a free place
	numbers      []uint32
	count        int
	homes        int // home slots; behind them lie the overflow places of the last ones
}

const (
	indexLoad  = 80 // percent of the home slots in use before the index grows
	indexSpill = 16 // capacity for overflow places
)

func (x *index) add(print uint64, number uint32) {
	if x.count*100 >= x.homes*indexLoad {
		x.resize(max(64, x.homes*3/2))
	}
	x.insert(print|1, number)
	x.count++
}

// insert inserts a fingerprint in order and shifts those behind it.
func (x *index) insert(print uint64, number uint32) {
	at := x.home(print)
	for at < len(x.fingerprints) && x.fingerprints[at] != 0 && x.fingerprints[at] <= print {
		at++
	}
	free := at
	for free < len(x.fingerprints) && x.fingerprints[free] != 0 {
		free++
	}
	if free == len(x.fingerprints) {
		x.fingerprints, x.numbers = append(x.fingerprints, 0), append(x.numbers, 0)
	}
	copy(x.fingerprints[at+1:free+1], x.fingerprints[at:free])
	copy(x.numbers[at+1:free+1], x.numbers[at:free])
	x.fingerprints[at], x.numbers[at] = print, number
}

func (x *index) home(print uint64) int {
	hi, _ := bits.Mul64(print, uint64(x.homes))
	return int(hi)
}

// find calls is for every candidate until it returns true.
func (x *index) find(print uint64, is func(number uint32) bool) bool {
	if x.count == 0 {
		return false
	}
	print |= 1
	for at := x.home(print); at < len(x.fingerprints) && x.fingerprints[at] != 0 && x.fingerprints[at] <= print; at++ {
		if x.fingerprints[at] == print && is(x.numbers[at]) {
			return true
		}
	}
	return false
}

// trim releases the spare memory of an index that will not grow.
func (x *index) trim() { x.resize(x.count*100/indexLoad + 1) }

// resize changes the number of home slots. Entries come in order, so none is shifted.
func (x *index) resize(homes int) {
	old := *x
	x.homes, x.fingerprints, x.numbers = homes, make([]uint64, homes, homes+indexSpill), make([]uint32, homes, homes+indexSpill)
	next := 0 // the first place behind those filled so far
	for i, print := range old.fingerprints {
		if print == 0 {
			continue
		}
		at := max(next, x.home(print))
		if at == len(x.fingerprints) {
			x.fingerprints, x.numbers = append(x.fingerprints, 0), append(x.numbers, 0)
		}
		x.fingerprints[at], x.numbers[at] = print, old.numbers[i]
		next = at + 1
	}
}

func (x *index) bytes() int64 { return int64(cap(x.fingerprints)) * 12 }
