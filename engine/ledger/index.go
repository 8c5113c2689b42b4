package ledger

import "math/bits"

// index finds an id's number among a slot's ids by a keyed fingerprint: open addressing, 12 bytes a place. Two ids may share a
// fingerprint, so a hit is a candidate only, to be compared with the id in the row.
//
// A fingerprint's home grows with it, and the places are kept in order; so a search for what is not there, which is what nearly
// every search is for, ends at the first greater one.
type index struct {
	fingerprints []uint64 // 0 is a free place
	numbers      []uint32
	count        int
	homes        int // the places that are a home; behind them lie those for what the last homes have too much
}

const (
	indexLoad  = 80 // percent of the homes taken before the index grows
	indexSpill = 16 // places behind the homes that are made room for
)

func (x *index) add(print uint64, number uint32) {
	if x.count*100 >= x.homes*indexLoad {
		x.resize(max(64, x.homes*3/2))
	}
	x.insert(print|1, number)
	x.count++
}

// insert puts a fingerprint into its order, and pushes on what comes after it.
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

// find hands every candidate for print to is, until one says yes.
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

// trim gives back the room of an index that will not grow any more.
func (x *index) trim() { x.resize(x.count*100/indexLoad + 1) }

// resize makes so many homes. What was there comes in its order, so nothing is pushed on.
func (x *index) resize(homes int) {
	old := *x
	x.homes, x.fingerprints, x.numbers = homes, make([]uint64, homes, homes+indexSpill), make([]uint32, homes, homes+indexSpill)
	next := 0 // everything so far lies before it
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
