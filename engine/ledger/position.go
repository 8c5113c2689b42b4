package ledger

import (
	"fmt"
	"strconv"
	"strings"
)

// position is the place of an entry's first row: the event's, or the plan's where there is no event. Positions grow in the order of
// recording.
type position struct{ slot, row uint32 }

func (p position) id() EntryID { return EntryID(fmt.Sprintf("%d-%d", p.slot, p.row)) }

func (p position) before(o position) bool {
	return p.slot < o.slot || p.slot == o.slot && p.row < o.row
}

// parsePosition parses the id of an entry that is no dead letter.
func parsePosition(id EntryID) (p position, ok bool) {
	a, b, found := strings.Cut(string(id), "-")
	slot, err1 := strconv.ParseUint(a, 10, 32)
	row, err2 := strconv.ParseUint(b, 10, 32)
	return position{slot: uint32(slot), row: uint32(row)}, found && err1 == nil && err2 == nil
}

// stepPosition is the place of a step.
type stepPosition struct {
	position
	step uint32
}

const letterPrefix = "dead-"

// letterID returns the id of a dead letter.
func letterID(number uint64) EntryID {
	return EntryID(letterPrefix + strconv.FormatUint(number, 10))
}

// parseLetter parses the id of a dead letter.
func parseLetter(id EntryID) (number uint64, ok bool) {
	text, found := strings.CutPrefix(string(id), letterPrefix)
	number, err := strconv.ParseUint(text, 10, 64)
	return number, found && err == nil
}

const (
	maxSteps   = 4096     // actions of one event
	maxHistory = 8        // of a step, the last attempts
	maxReason  = 512      // bytes of a reason
	maxRow     = 16 << 20 // bytes of one call's rows
)

func truncateReason(reason string) string {
	if len(reason) > maxReason {
		return strings.ToValidUTF8(reason[:maxReason], "")
	}
	return reason
}
