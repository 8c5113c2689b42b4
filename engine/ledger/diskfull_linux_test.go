package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// fullDisk is a ledger on a disk that is too small for its work.
type fullDisk struct {
	*testing.T
	o     ledger.Options
	l     *ledger.Ledger
	clock *clock
	rest  string // another program's file, which takes the space that the ledger has not got
	known []ledger.ID
	next  int
	most  int // deliveries, where the disk would have space for more
}

func newFullDisk(t *testing.T, size string) *fullDisk {
	dir := mount(t, "-t", "tmpfs", "-o", "size="+size, "tmpfs")
	d := &fullDisk{T: t, clock: newClock(), rest: filepath.Join(dir, "rest")}
	d.o = ledger.Options{Path: filepath.Join(dir, "ledger.db"), Step: 1 << 20, Now: d.clock.now}
	d.l = openLedger(t, d.o)
	return d
}

// fill accepts deliveries of so many events until one is refused.
func (d *fullDisk) fill(events, size int) (accepted int) {
	d.Helper()
	for len(d.known) < d.most {
		n := d.next
		d.next++
		v := ledger.Delivery{Hook: "h", ID: ledger.Key("h", fmt.Sprint(n))}
		for i := range events {
			v.Events = append(v.Events, ledger.Event{ID: ledger.EventKey("h", fmt.Sprint(n, i)), Payload: bytes.Repeat([]byte{'x'}, size)})
		}
		_, err := d.l.Accept(d.Context(), v)
		must(d, d.l.Broken())
		if errors.Is(err, ledger.ErrSpace) {
			return accepted
		}
		must(d, err)
		accepted++
		d.known = append(d.known, v.ID)
	}
	return accepted
}

// plan plans all recorded events, and returns how many plans did not fit.
func (d *fullDisk) plan(size int) (refused int) {
	d.Helper()
	for {
		tasks := claim(d, d.l, 50)
		if len(tasks) == 0 {
			return refused
		}
		for _, task := range tasks {
			a := ledger.Action{Destination: "siem", Key: task.ID.String(), Spec: bytes.Repeat([]byte{'s'}, size)}
			if err := d.l.Plan(d.Context(), task, "r", []ledger.Action{a}); errors.Is(err, ledger.ErrSpace) {
				refused++
			} else {
				must(d, err)
			}
		}
		must(d, d.l.Broken())
	}
}

// fail makes attempts at all due steps that end without success.
func (d *fullDisk) fail() int {
	d.Helper()
	d.clock.move(time.Hour)
	steps := take(d, d.l, "siem", 1<<20)
	for _, s := range steps {
		must(d, d.l.Retry(d.Context(), s.ID, d.clock.now().Add(time.Minute), "503 from siem"))
	}
	return len(steps)
}

// TestFullDisk fills a disk while nothing is delivered. The ledger refuses new work, never stops,
// has space for every outcome, and goes on without a restart when there is space again.
func TestFullDisk(t *testing.T) {
	for _, test := range []struct {
		name                 string
		events, size, action int
		disk                 string
		most                 int
	}{
		{"RowsOf1500", 1, 1500, 100, "8m", 10_000},
		{"RowsOf60KB", 1, 60 << 10, 100, "24m", 10_000},
		{"RowsOf200KB", 1, 200 << 10, 100, "24m", 10_000},
		{"RowsOf4MB", 1, 4 << 20, 100, "48m", 10_000},
		{"DeliveriesOfManyEvents", 200, 3000, 100, "24m", 10_000},
		{"DeliveriesOfLargeEvents", 20, 60 << 10, 60 << 10, "24m", 10_000},
		{"ActionsOf60KB", 1, 500, 60 << 10, "16m", 300},
		{"ActionsOf4MB", 1, 500, 4 << 20, "32m", 20},
	} {
		for _, ballast := range []bool{true, false} {
			if testing.Short() && (!ballast || test.events > 100) {
				continue
			}
			t.Run(fmt.Sprintf("%s/ballast=%v", test.name, ballast), func(t *testing.T) {
				d := newFullDisk(t, test.disk)
				d.most = test.most
				accepted := d.fill(test.events, test.size)/2 + 1
				if ballast {
					d.clock.move(2 * time.Second)
					fillDisk(t, d.rest)
				}
				refused := d.plan(test.action)
				for range 3 {
					steps := d.fail()
					if steps+refused < accepted {
						t.Fatalf("%d steps, %d refused, of %d events", steps, refused, accepted)
					}
					d.fill(test.events, test.size)
				}
				must(t, d.l.Broken())
				d.recover(test.events, test.size, test.action)
			})
		}
	}
}

// recover gives the ledger space, and looks for everything that it has acknowledged.
func (d *fullDisk) recover(events, size, action int) {
	d.Helper()
	must(d, os.RemoveAll(d.rest))
	if err := syscall.Mount("tmpfs", filepath.Dir(d.o.Path), "tmpfs", syscall.MS_REMOUNT, "size=1g"); err != nil {
		d.Fatal(err)
	}
	d.clock.move(2 * time.Second)
	for range 3 {
		v := ledger.Delivery{Hook: "h", ID: ledger.Key("h", fmt.Sprint(d.next))}
		d.next++
		v.Events = []ledger.Event{{ID: ledger.EventKey("h", v.ID.String()), Payload: make([]byte, size)}}
		_, err := d.l.Accept(d.Context(), v)
		must(d, err)
		d.known = append(d.known, v.ID)
	}
	d.l = reopen(d, d.l, d.o)
	if refused := d.plan(action); refused > 0 {
		d.Errorf("%d plans do not fit", refused)
	}
	if steps := d.fail(); steps != len(d.known)*events-3*(events-1) {
		d.Errorf("%d steps, want one of each of %d events", steps, len(d.known)*events)
	}
	for _, id := range d.known {
		if !d.l.IsKnown(id) {
			d.Fatalf("%v was acknowledged and is lost", id)
		}
	}
	must(d, d.l.Close())
	checkWithBolt(d.T, d.o.Path)
	_, err := ledger.Check(d.o.Path)
	must(d, err)
}

// TestFullWithinCommit has the disk refuse a write of bbolt's, behind the back of the preallocated
// file: the ledger opens the file anew, and its work in hand goes on.
func TestFullWithinCommit(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	var file *os.File
	l := openLedger(t, o.WithFile(func(path string, flag int, mode os.FileMode) (f *os.File, err error) {
		file, err = os.OpenFile(path, flag, mode)
		return file, err
	}))
	accept(t, l, delivery(1, 1, 2, 3, 4))
	tasks := claim(t, l, 3)
	must(t, l.Plan(t.Context(), tasks[0], "r", []ledger.Action{action("siem", "k1"), action("siem", "k2")}))
	steps := take(t, l, "siem", 2)
	fail := func() {
		c.move(2 * time.Second)
		full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
		must(t, err)
		defer full.Close()
		must(t, syscall.Dup3(int(full.Fd()), int(file.Fd()), 0))
	}
	fail()
	if _, err := l.Accept(t.Context(), delivery(2, 5)); err != nil && !errors.Is(err, ledger.ErrSpace) {
		t.Fatal(err)
	}
	fail()
	must(t, l.Plan(t.Context(), tasks[1], "r", []ledger.Action{action("siem", "k3")}))
	fail()
	must(t, l.Done(t.Context(), steps[0].ID))
	fail()
	must(t, l.Bury(t.Context(), steps[1].ID, "410"))
	fail()
	must(t, l.Plan(t.Context(), tasks[2], "r", nil))
	fail()
	if n, err := l.Drop(t.Context(), ledger.Filter{State: ledger.Dead}); n != 1 || err != nil {
		t.Error(n, err)
	}
	c.move(2 * time.Second)
	accept(t, l, delivery(2, 5))
	must(t, l.Broken())
	for range 2 {
		if s := l.Stats(); s.Unplanned != 2 || s.Steps != 1 || s.Dead != 0 {
			t.Errorf("%+v", s)
		}
		l = reopen(t, l, o)
	}
	if r := accept(t, l, delivery(1, 1, 2, 3, 4)); !r.Duplicate {
		t.Error("an acknowledged delivery is lost")
	}
}

// TestLargeRowsStandAlone shows that a large row is not written again by the appends behind it.
func TestLargeRowsStandAlone(t *testing.T) {
	l := openLedger(t, newOptions(t))
	v := ledger.Delivery{Hook: "h", ID: ledger.Key("h", "1"), Events: []ledger.Event{{ID: ledger.EventKey("h", "1"), Payload: make([]byte, 4<<20)}}}
	accept(t, l, v)
	for n := range 3 {
		accept(t, l, delivery(n, n))
	}
	size := l.Stats().FileUsed
	for n := range 20 {
		accept(t, l, delivery(n+3, n+3))
	}
	if grown := l.Stats().FileUsed - size; grown > 1<<20 {
		t.Errorf("20 small deliveries took %d bytes of pages", grown)
	}
}

// TestRoom opens ledgers on a disk that is too small for them: all of it is allocated, and no
// commit meets a full disk.
func TestRoom(t *testing.T) {
	t.Run("a new one is refused", func(t *testing.T) {
		dir := mount(t, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
		o := ledger.Options{Path: filepath.Join(dir, "ledger")}
		for range 2 {
			_, err := ledger.Open(o)
			if !errors.Is(err, ledger.ErrSpace) || !strings.Contains(err.Error(), "it needs 16384 KB free in "+dir) {
				t.Errorf("%v", err)
			}
		}
		if out, err := os.ReadDir(dir); err != nil || len(out) != 1 { // its identity
			t.Error(out, err)
		}
		o.Step = 4 << 20
		must(t, openLedger(t, o).LowSpace())
	})
	t.Run("a hole in an old one is filled", func(t *testing.T) {
		o := newOptions(t)
		l := openLedger(t, o)
		must(t, l.LowSpace())
		must(t, l.Close())
		must(t, os.Truncate(o.Path, 32<<20))
		must(t, openLedger(t, o).LowSpace())
		checkAllocated(t, o.Path)
	})
	t.Run("a hole beyond the cap is cut off", func(t *testing.T) {
		o := newOptions(t)
		must(t, openLedger(t, o).Close())
		must(t, os.Truncate(o.Path, 32<<20))
		o.MaxSize = 2 << 20
		must(t, openLedger(t, o).LowSpace())
		checkAllocated(t, o.Path)
	})
	t.Run("an old one without room says so and refuses", func(t *testing.T) {
		dir := mount(t, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
		o := ledger.Options{Path: filepath.Join(dir, "ledger"), Step: 1 << 20}
		l := openLedger(t, o)
		accept(t, l, delivery(1, 1))
		must(t, l.Close())
		must(t, os.Truncate(o.Path, 32<<20)) // a hole, as older versions left one
		o.Step = 64 << 20
		l = openLedger(t, o)
		if err := l.LowSpace(); !errors.Is(err, ledger.ErrSpace) {
			t.Error(err)
		}
		checkAllocated(t, o.Path)
		fillDisk(t, filepath.Join(dir, "rest"))
		for n := range 2000 {
			if _, err := l.Accept(t.Context(), delivery(n+2, n+2)); err != nil && !errors.Is(err, ledger.ErrSpace) {
				t.Fatal(err)
			}
		}
		must(t, l.Broken())
		if !reopen(t, l, o).IsKnown(delivery(1, 1).ID) {
			t.Error("what was acknowledged is lost")
		}
	})
}

// fillDisk writes until the disk is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func checkAllocated(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if s := info.Sys().(*syscall.Stat_t); s.Blocks*512 < info.Size() {
		t.Errorf("%d bytes on the disk of %d", s.Blocks*512, info.Size())
	}
}
