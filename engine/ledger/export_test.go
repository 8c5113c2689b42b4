package ledger

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"
)

// WithFile has bbolt get its file from open.
func (o Options) WithFile(open func(string, int, os.FileMode) (*os.File, error)) Options {
	o.open = open
	return o
}

// WithoutSync acknowledges before the sync: the control of the crash tests, which must be
// caught.
func (o Options) WithoutSync() Options {
	o.noSync = true
	return o
}

// Audit reads a file, and returns a digest of every row in it.
func Audit(file io.ReaderAt, size int64) ([32]byte, error) {
	h := sha256.New()
	a := &audit{}
	a.row = func(s *slot, n uint32, k kind, body []byte) error {
		fmt.Fprintln(h, s.number, n, k, body)
		return nil
	}
	a.idsRow = func(s *slot, first uint32, body []byte) { fmt.Fprintln(h, s.number, first, body) }
	err := a.run(file, size)
	fmt.Fprintln(h, a.uuid, a.state.row(), a.dead)
	return [32]byte(h.Sum(nil)), err
}

// ReadRow reads a row as every reader of rows does.
func ReadRow(key, row []byte) error {
	h, body, err := openRow(key, row)
	if err != nil {
		return err
	}
	return ReadBody(byte(h.kind), body)
}

// ReadBody reads a body as one of that kind.
func ReadBody(k byte, body []byte) (err error) {
	switch kind(k) {
	case kindEvent:
		_, err = readEvent(body)
	case kindPlan, kindRedriven:
		_, err = readPlan(kind(k), body)
	case kindMarks:
		err = readMarks(body, func(mark) error { return nil })
	case kindIDs:
		_, _, err = readIDs(body)
	case kindDead:
		_, err = readDead(body)
	case kindState:
		_, err = readState(body)
	}
	return err
}

// Rows returns rows of every kind, with their key.
func Rows() (key []byte, rows [][]byte) {
	key = key32(1)
	id := Key("h", "1")
	rows = [][]byte{
		eventRow(id, time0, "h", []byte(`{"a":1}`)),
		planRow(planBody{event: 1, id: id, hook: "h", revision: "r", actions: []Action{{"d", "k", []byte("spec")}, {"e", "l", nil}}}),
		planRow(planBody{letter: &letter{number: 1}, id: id, hook: "h", revision: "r", actions: []Action{{"d", "k", []byte("spec")}}}),
		mark{row: 1, step: 1, out: outRetry, delay: 5, reason: "500"}.append(mark{row: 1, out: outDone}.append(newRow(kindMarks, 0))),
		append(newRow(kindIDs, 0), id[:]...),
		deadRow(deadBody{id: id, hook: "h", action: Action{"d", "k", []byte("spec")}, attempts: 3, history: []Attempt{{time0, "500"}}}),
		state{epoch: 3, sequence: 9, slots: []*slot{{number: 1, rows: 4}, {number: 2}}}.row(),
	}
	for _, row := range rows {
		seal(row, key, 1, 1)
	}
	return key, rows
}

var time0 = time.Unix(1_800_000_000, 0)
