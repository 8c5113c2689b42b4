package ledger

import "math/bits"

// index finds an id's number among a slot's ids by a keyed fingerprint: open addressing, 12 bytes a place. Two ids may share a
// fingerprint, so a hit is a candidate only, to be compared with the id in the row.
type index struct {
	prints  []uint64 // 0 is a free place
	numbers []uint32
	used    int
}

const indexLoad = 80 // percent of the places taken before the index grows

func (x *index) add(print uint64, number uint32) {
	if x.used*100 >= len(x.prints)*indexLoad {
		x.resize(max(64, len(x.prints)*3/2))
	}
	x.place(print|1, number)
	x.used++
}

func (x *index) place(print uint64, number uint32) {
	at := x.home(print)
	for x.prints[at] != 0 {
		if at++; at == len(x.prints) {
			at = 0
		}
	}
	x.prints[at], x.numbers[at] = print, number
}

func (x *index) home(print uint64) int {
	hi, _ := bits.Mul64(print, uint64(len(x.prints)))
	return int(hi)
}

// find hands every candidate for print to is, until one says yes.
func (x *index) find(print uint64, is func(number uint32) bool) bool {
	if x.used == 0 {
		return false
	}
	print |= 1
	at := x.home(print)
	for x.prints[at] != 0 {
		if x.prints[at] == print && is(x.numbers[at]) {
			return true
		}
		if at++; at == len(x.prints) {
			at = 0
		}
	}
	return false
}

// trim gives back the room of an index that will not grow any more.
func (x *index) trim() { x.resize(x.used*100/indexLoad + 1) }

func (x *index) resize(places int) {
	old := *x
	x.prints, x.numbers = make([]uint64, places), make([]uint32, places)
	for i, print := range old.prints {
		if print != 0 {
			x.place(print, old.numbers[i])
		}
	}
}

func (x *index) bytes() int64 { return int64(len(x.prints)) * 12 }
