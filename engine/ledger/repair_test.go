package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
	bolt "go.etcd.io/bbolt"
)

// TestFlips flips a bit in every seventh byte of a file, or in every one for `make crash`: either
// it is noticed, or every row is unchanged.
func TestFlips(t *testing.T) {
	o, file := newSmallLedger(t)
	want, err := ledger.Audit(bytes.NewReader(file), int64(len(file)))
	must(t, err)
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	step := 7
	if testing.Short() {
		step = 199
	}
	if os.Getenv(rounds) != "" {
		step = 1
	}
	noticed, harmless := 0, 0
	for at := random.IntN(step); at < len(file); at += step {
		bit := byte(1) << random.IntN(8)
		file[at] ^= bit
		got, err := ledger.Audit(bytes.NewReader(file), int64(len(file)))
		switch {
		case err != nil && !errors.Is(err, ledger.ErrDamaged):
			t.Fatalf("seed %d: byte %d: %v", seed, at, err)
		case err != nil:
			noticed++
		case got != want:
			t.Fatalf("seed %d: a flip of %#x at byte %d gives other rows, and nobody noticed", seed, bit, at)
		default:
			if harmless++; harmless%500 == 0 {
				checkOpens(t, o, file)
			}
		}
		file[at] ^= bit
	}
	t.Logf("%d flips: %d noticed, %d harmless", noticed+harmless, noticed, harmless)
}

// checkOpens shows that bbolt, too, can live with a file that was let in.
func checkOpens(t *testing.T, o ledger.Options, file []byte) {
	t.Helper()
	dir := t.TempDir()
	for _, ext := range []string{"", ".id"} {
		copied, err := os.ReadFile(o.Path + ext)
		must(t, err)
		if ext == "" {
			copy(copied, file)
		}
		must(t, os.WriteFile(filepath.Join(dir, "ledger.db"+ext), copied, 0o600))
	}
	o.Path = filepath.Join(dir, "ledger.db")
	l := openLedger(t, o)
	accept(t, l, delivery(1000, 1000))
	must(t, l.Close())
	if _, err := ledger.Check(o.Path); err != nil {
		t.Fatal(err)
	}
	checkWithBolt(t, o.Path)
}

// checkWithBolt has bbolt check a file of which the ledger says that it is whole.
func checkWithBolt(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	must(t, err)
	defer db.Close()
	must(t, db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	}))
}

func TestTruncated(t *testing.T) {
	o, file := newSmallLedger(t)
	for size := 0; size < len(file); size += 1021 {
		must(t, os.WriteFile(o.Path, file[:size], 0o600))
		_, err := ledger.Open(o)
		if !errors.Is(err, ledger.ErrDamaged) && !(size == 0 && errors.Is(err, ledger.ErrMissing)) {
			t.Fatalf("%d of %d bytes: %v", size, len(file), err)
		}
		if !strings.Contains(err.Error(), "ledger repair") {
			t.Errorf("nobody says what to do: %v", err)
		}
	}
	must(t, os.WriteFile(o.Path, file, 0o600)) // nothing but zeros is missing
	openLedger(t, o)
}

// TestRefused opens files that differ from the acknowledged state.
func TestRefused(t *testing.T) {
	write := func(path string, file []byte) func(t *testing.T, o ledger.Options) {
		return func(t *testing.T, o ledger.Options) { must(t, os.WriteFile(o.Path+path, file, 0o600)) }
	}
	flip := func(at int64) func(t *testing.T, o ledger.Options) {
		return func(t *testing.T, o ledger.Options) {
			file, err := os.ReadFile(o.Path)
			must(t, err)
			file[at] ^= 1
			must(t, os.WriteFile(o.Path, file, 0o600))
		}
	}
	other, otherFile := newSmallLedger(t)
	_ = other
	for _, test := range []struct {
		name string
		do   func(t *testing.T, o ledger.Options)
		want error
	}{
		{"emptied", write("", nil), ledger.ErrMissing},
		{"removed", func(t *testing.T, o ledger.Options) { must(t, os.Remove(o.Path)) }, ledger.ErrMissing},
		{"another's", write("", otherFile), ledger.ErrSwapped},
		{"without identity", func(t *testing.T, o ledger.Options) { must(t, os.Remove(o.Path+".id")) }, ledger.ErrSwapped},
		{"identity emptied", write(".id", nil), ledger.ErrSwapped},
		{"identity damaged", write(".id", []byte("tenterhook ledger 1 ?")), ledger.ErrDamaged},
		{"first meta page", flip(16 + 48), ledger.ErrDamaged},
		{"second meta page", flip(4096 + 16 + 20), ledger.ErrDamaged},
		{"a text", write("", bytes.Repeat([]byte("not a ledger "), 5000)), ledger.ErrDamaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, _ := newSmallLedger(t)
			test.do(t, o)
			_, err := ledger.Open(o)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), "ledger repair") {
				t.Errorf("%v, want %v and what to do", err, test.want)
			}
			if _, err := ledger.Check(o.Path); err == nil {
				t.Error("check finds nothing wrong")
			}
			if _, err := ledger.Repair(o.Path, time.Now()); err != nil {
				t.Fatal(err)
			}
			l := openLedger(t, o)
			accept(t, l, delivery(1001, 1001))
		})
	}
	t.Run("rolled back", func(t *testing.T) {
		o, _ := newSmallLedger(t)
		old, err := os.ReadFile(o.Path)
		must(t, err)
		l := openLedger(t, o)
		accept(t, l, delivery(1001, 1001))
		must(t, l.Close())
		must(t, os.WriteFile(o.Path, old, 0o600))
		if _, err := ledger.Open(o); !errors.Is(err, ledger.ErrRolledBack) {
			t.Errorf("%v", err)
		}
	})
	t.Run("locked", func(t *testing.T) {
		o := newOptions(t)
		openLedger(t, o)
		if _, err := ledger.Open(o); !errors.Is(err, ledger.ErrLocked) {
			t.Errorf("%v", err)
		}
		if _, err := ledger.Check(o.Path); !errors.Is(err, ledger.ErrLocked) {
			t.Errorf("%v", err)
		}
	})
}

// TestRepair repairs a file with one damaged page after the other: what the page did not have is
// there again.
func TestRepair(t *testing.T) {
	o, file := newSmallLedger(t)
	whole := listFile(t, o, file)
	for page := 0; page < len(file)/4096; page++ {
		t.Run(fmt.Sprint("page ", page), func(t *testing.T) {
			o := ledger.Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Step: 1 << 20}
			damaged := bytes.Clone(file)
			for i := range 64 {
				damaged[page*4096+61*i] ^= 0x55
			}
			must(t, os.WriteFile(o.Path, damaged, 0o600))
			r, err := ledger.Repair(o.Path, time.Now())
			must(t, err)
			kept, err := os.ReadFile(r.Kept)
			must(t, err)
			if !bytes.Equal(kept, damaged) {
				t.Error("the old file was not kept")
			}
			if _, err := ledger.Check(o.Path); err != nil {
				t.Fatal(err)
			}
			checkWithBolt(t, o.Path)
			l := openLedger(t, o)
			got := listStates(t, l, ledger.Filter{})
			if r.Lost == 0 && len(got) != len(whole) {
				t.Errorf("%d entries, there were %d; %+v", len(got), len(whole), r)
			}
			for id, state := range got {
				if r.Lost == 0 && whole[id] != state {
					t.Errorf("%s is %s, it was %s", id, state, whole[id])
				}
			}
			checkKnown(t, l)
			accept(t, l, delivery(1001, 1001))
		})
	}
}

// TestRepairSays repairs ledgers with nothing, something and everything wrong.
func TestRepairSays(t *testing.T) {
	for _, test := range []struct {
		name    string
		damage  func(file []byte) []byte
		healthy bool
		whole   bool
		nothing bool
	}{
		{"healthy", func(file []byte) []byte { return file }, true, true, false},
		{"rows lost", func(file []byte) []byte { return bytes.ReplaceAll(file, []byte("audit"), []byte("AUDIT")) }, false, false, false},
		{"wiped", func(file []byte) []byte { return make([]byte, len(file)) }, false, false, true},
		{"emptied", func([]byte) []byte { return nil }, false, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, _ := newSmallLedger(t)
			file, err := os.ReadFile(o.Path)
			must(t, err)
			damaged := test.damage(file)
			must(t, os.WriteFile(o.Path, damaged, 0o600))
			r, err := ledger.Repair(o.Path, time.Now())
			must(t, err)
			if r.Healthy != test.healthy || r.Whole() != test.whole || (r.Rows+r.IDs+r.Dead == 0) != test.nothing || test.nothing != (r.Commits > 0) {
				t.Errorf("%+v", r)
			}
			if now, err := os.ReadFile(o.Path); err != nil || test.healthy && !bytes.Equal(now, damaged) {
				t.Error("it was changed", err)
			}
			openLedger(t, o)
		})
	}
}

// checkKnown shows that every event that is there is called a duplicate.
func checkKnown(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	for id := range listStates(t, l, ledger.Filter{Hook: "audit"}) {
		if e, err := l.Show(id); err != nil || e.Origin == "" && !l.IsKnown(e.Key) {
			t.Errorf("event %s would be recorded again: %v", id, err)
		}
	}
}

// listFile returns the state of every entry of a ledger's file.
func listFile(t *testing.T, o ledger.Options, file []byte) map[ledger.EntryID]ledger.State {
	t.Helper()
	l := openLedger(t, o)
	all := listStates(t, l, ledger.Filter{})
	must(t, l.Close())
	return all
}

// listStates pages through all that a filter chooses.
func listStates(t testing.TB, l *ledger.Ledger, f ledger.Filter) map[ledger.EntryID]ledger.State {
	t.Helper()
	all := make(map[ledger.EntryID]ledger.State)
	for from := ""; ; {
		p, err := l.List(f, from, 7)
		must(t, err)
		for _, e := range p.Entries {
			if _, twice := all[e.ID]; twice {
				t.Fatalf("%s is listed twice", e.ID)
			}
			all[e.ID] = e.State
		}
		if from = p.Next; from == "" {
			return all
		}
	}
}
