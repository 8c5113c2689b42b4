package ledger_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

func FuzzRow(f *testing.F) {
	key, rows := ledger.Rows()
	for _, row := range rows {
		f.Add(key, row)
	}
	f.Fuzz(func(t *testing.T, key, row []byte) {
		_ = ledger.ReadRow(key, row)
		if len(row) > 0 {
			_ = ledger.ReadBody(row[0], row[1:]) // without a checksum in the way
		}
	})
}

// FuzzPages reads files in which a few bytes were changed.
func FuzzPages(f *testing.F) {
	_, whole := newSmallLedger(f)
	want, err := ledger.Audit(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), uint64(1), uint32(4096+16), uint64(1), uint32(0))
	f.Add(uint32(3*4096), uint64(1<<40), uint32(3*4096+8), uint64(2), uint32(5*4096))
	f.Fuzz(func(t *testing.T, at1 uint32, xor1 uint64, at2 uint32, xor2 uint64, cut uint32) {
		file := bytes.Clone(whole)
		for i := range 8 {
			file[(int(at1)+i)%len(file)] ^= byte(xor1 >> (8 * i))
			file[(int(at2)+i)%len(file)] ^= byte(xor2 >> (8 * i))
		}
		file = file[:len(file)-int(cut)%len(file)]
		got, err := ledger.Audit(bytes.NewReader(file), int64(len(file)))
		if err == nil && got != want {
			t.Error("other rows, and nobody noticed")
		}
	})
}

// newSmallLedger makes a closed ledger with rows of every kind, and returns its path and the part
// of its file that is in use.
func newSmallLedger(t testing.TB) (ledger.Options, []byte) {
	t.Helper()
	o := newOptions(t)
	c := newClock()
	o.Now = c.now
	l := openLedger(t, o)
	for i := range 12 {
		accept(t, l, delivery(i, 3*i, 3*i+1, 3*i+2))
		if i%4 == 3 {
			c.move(3600e9)
		}
	}
	for i, task := range claim(t, l, 20) {
		must(t, l.Plan(t.Context(), task, "r1", []ledger.Action{action("siem", task.ID.String())}[:i%2]))
	}
	for i, s := range take(t, l, "siem", 8) {
		switch i % 4 {
		case 0:
			must(t, l.Done(t.Context(), s.ID))
		case 1:
			must(t, l.Retry(t.Context(), s.ID, c.now().Add(60e9), "500"))
		case 2:
			must(t, l.Bury(t.Context(), s.ID, "410"))
		}
	}
	must(t, l.Queue(t.Context(), "signup", ledger.Key("signup", "1"), "r1", []ledger.Action{action("siem", "k")}))
	l.Note(ledger.Key("signup", "1"))
	must(t, l.Close())
	file, err := os.ReadFile(o.Path)
	must(t, err)
	used := len(file)
	for used > 0 && bytes.Count(file[used-4096:used], []byte{0}) == 4096 {
		used -= 4096
	}
	return o, file[:used]
}
