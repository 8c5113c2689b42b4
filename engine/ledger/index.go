package ledger

import "math/bits"

// index finds an id's number among a slot's ids by a keyed fingerprint: open addressing, 12 bytes a place. Two ids may share a
// fingerprint, so a hit is a candidate only, to be compared with the id in the row.
//
// A fingerprint's home grows with it, and the places are kept in order; so a search for what is not there, which is what nearly
// every search is for, ends at the first greater one.
type index struct {
	prints  []uint64 // 0 is a free place
	numbers []uint32
	used    int
	homes   int // the places that are a home; behind them lie those for what the last homes have too much
}

const (
	indexLoad  = 80 // percent of the homes taken before the index grows
	indexSpill = 16 // places behind the homes that are made room for
)

func (x *index) add(print uint64, number uint32) {
	if x.used*100 >= x.homes*indexLoad {
		x.resize(max(64, x.homes*3/2))
	}
	x.place(print|1, number)
	x.used++
}

// place puts a fingerprint into its order, and pushes on what comes after it.
func (x *index) place(print uint64, number uint32) {
	at := x.home(print)
	for at < len(x.prints) && x.prints[at] != 0 && x.prints[at] <= print {
		at++
	}
	free := at
	for free < len(x.prints) && x.prints[free] != 0 {
		free++
	}
	if free == len(x.prints) {
		x.prints, x.numbers = append(x.prints, 0), append(x.numbers, 0)
	}
	copy(x.prints[at+1:free+1], x.prints[at:free])
	copy(x.numbers[at+1:free+1], x.numbers[at:free])
	x.prints[at], x.numbers[at] = print, number
}

func (x *index) home(print uint64) int {
	hi, _ := bits.Mul64(print, uint64(x.homes))
	return int(hi)
}

// find hands every candidate for print to is, until one says yes.
func (x *index) find(print uint64, is func(number uint32) bool) bool {
	if x.used == 0 {
		return false
	}
	print |= 1
	for at := x.home(print); at < len(x.prints) && x.prints[at] != 0 && x.prints[at] <= print; at++ {
		if x.prints[at] == print && is(x.numbers[at]) {
			return true
		}
	}
	return false
}

// trim gives back the room of an index that will not grow any more.
func (x *index) trim() { x.resize(x.used*100/indexLoad + 1) }

// resize makes so many homes. What was there comes in its order, so nothing is pushed on.
func (x *index) resize(homes int) {
	old := *x
	x.homes, x.prints, x.numbers = homes, make([]uint64, homes, homes+indexSpill), make([]uint32, homes, homes+indexSpill)
	next := 0 // everything so far lies before it
	for i, print := range old.prints {
		if print == 0 {
			continue
		}
		at := max(next, x.home(print))
		if at == len(x.prints) {
			x.prints, x.numbers = append(x.prints, 0), append(x.numbers, 0)
		}
		x.prints[at], x.numbers[at] = print, old.numbers[i]
		next = at + 1
	}
}

func (x *index) bytes() int64 { return int64(cap(x.prints)) * 12 }
