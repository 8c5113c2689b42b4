package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// TestFailStop makes a commit go wrong: nothing is acknowledged any more, and after a restart there
// is what was acknowledged.
func TestFailStop(t *testing.T) {
	for _, test := range []struct {
		name, into string
		flag       int
	}{
		{"sync", "/dev/null", os.O_RDWR},    // takes what is written, and cannot be synced
		{"write", "/dev/null", os.O_RDONLY}, // EBADF
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOptions(t)
			var file *os.File
			l := openLedger(t, o.WithFile(func(path string, flag int, mode os.FileMode) (f *os.File, err error) {
				file, err = os.OpenFile(path, flag, mode)
				return file, err
			}))
			accept(t, l, delivery(1, 1, 2))
			bad, err := os.OpenFile(test.into, test.flag, 0)
			must(t, err)
			defer bad.Close()
			must(t, syscall.Dup3(int(bad.Fd()), int(file.Fd()), 0))
			for range 3 {
				if _, err := l.Accept(t.Context(), delivery(2, 3)); !errors.Is(err, ledger.ErrBroken) {
					t.Errorf("%v, want ErrBroken", err)
				}
			}
			l.Note(ledger.Key("h", "1"))
			if _, err := l.Claim(t.Context(), 1); err != nil && !errors.Is(err, ledger.ErrBroken) {
				t.Error(err)
			}
			if !errors.Is(l.Broken(), ledger.ErrBroken) {
				t.Error("it does not know")
			}
			_ = l.Close()
			l = openLedger(t, o)
			if r := accept(t, l, delivery(1, 1, 2)); !r.Duplicate {
				t.Error("what was acknowledged is lost")
			}
			if r := accept(t, l, delivery(2, 3)); r.Duplicate || !r.New[0] {
				t.Error("what was refused is called a duplicate")
			}
			if n := len(claim(t, l, 10)); n != 3 {
				t.Errorf("%d events, want 3", n)
			}
		})
	}
}

// fillLedger accepts until it is refused, and returns how many were not.
func fillLedger(t *testing.T, l *ledger.Ledger) int {
	t.Helper()
	for n := range 100_000 {
		d := delivery(n, n)
		d.Events[0].Payload = make([]byte, 1500)
		_, err := l.Accept(t.Context(), d)
		if errors.Is(err, ledger.ErrSpace) {
			return n
		}
		must(t, err)
	}
	t.Fatal("never refused")
	return 0
}

// testFull shows a ledger that has no room left: it refuses deliveries, and everything else goes
// on.
func testFull(t *testing.T, o ledger.Options) {
	c := newClock()
	o.Now = c.now
	l := openLedger(t, o)
	n := fillLedger(t, l)
	if n == 0 {
		t.Fatal("there was no room at all")
	}
	must(t, l.Broken())
	for range 2 {
		tasks := claim(t, l, n/2+1)
		for _, task := range tasks {
			must(t, l.Plan(t.Context(), task, "r", []ledger.Action{action("siem", "k")}))
		}
	}
	steps := take(t, l, "siem", n)
	if len(steps) != n {
		t.Fatalf("%d steps, %d were acknowledged", len(steps), n)
	}
	for _, s := range steps {
		must(t, l.Done(t.Context(), s.ID))
	}
	l = reopen(t, l, o)
	for range 27 { // the hours pass, and what is finished makes room
		c.move(time.Hour)
		l.Note(ledger.Key("h", fmt.Sprint(c.now())))
		_, _ = l.Accept(t.Context(), delivery(-1))
	}
	if again := fillLedger(t, l); again < n/2 {
		t.Errorf("%d were accepted, and %d after everything had been finished", n, again)
	}
}

func TestFull(t *testing.T) {
	t.Run("cap", func(t *testing.T) {
		o := newOptions(t)
		o.MaxSize = 1 << 20
		testFull(t, o)
	})
	t.Run("disk", func(t *testing.T) {
		o := newOptions(t)
		o.Path = filepath.Join(mount(t, "-t", "tmpfs", "-o", "size=3m", "tmpfs"), "ledger.db")
		o.Step = 256 << 10
		testFull(t, o)
	})
	t.Run("queue", func(t *testing.T) {
		o := newOptions(t)
		o.Queue = 1
		l := openLedger(t, o)
		var wg sync.WaitGroup
		refused := make(chan error, 1000)
		for i := range 64 {
			wg.Go(func() {
				for n := range 10 {
					if _, err := l.Accept(t.Context(), delivery(i*10+n, i*10+n)); err != nil {
						refused <- err
					}
				}
			})
		}
		wg.Wait()
		close(refused)
		n := len(refused)
		for err := range refused {
			if !errors.Is(err, ledger.ErrFull) {
				t.Error(err)
			}
		}
		if s := l.Stats(); n == 0 || int(s.Full) != n || int(s.Accepted) != 640-n || s.Unplanned != 640-n {
			t.Errorf("%d refused of 640: %+v", n, s)
		}
	})
}

// mount mounts something for the test, or skips it.
func mount(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		t.Skipf("mount %s: %s", strings.Join(args, " "), out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}

func TestReadOnly(t *testing.T) {
	dir := mount(t, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
	o := newOptions(t)
	o.Path = filepath.Join(dir, "ledger.db")
	l := openLedger(t, o)
	accept(t, l, delivery(1, 1))
	must(t, l.Close())
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Skipf("remount: %s", out)
	}
	if _, err := ledger.Open(o); !errors.Is(err, syscall.EROFS) {
		t.Errorf("%v, want EROFS", err)
	}
}

// TestOnce accepts the same deliveries and events from many goroutines: each is new to one of them.
func TestOnce(t *testing.T) {
	l := openLedger(t, newOptions(t))
	const callers, deliveries = 16, 20
	var mu sync.Mutex
	first, fresh := make(map[int]int), make(map[int]int)
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range deliveries {
				n := (i + caller) % deliveries
				r, err := l.Accept(t.Context(), delivery(n, n/2, n/2+1000, n+2000))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if !r.Duplicate {
					first[n]++
				}
				for j, e := range []int{n / 2, n/2 + 1000, n + 2000} {
					if r.New[j] {
						fresh[e]++
					}
				}
				mu.Unlock()
			}
		})
	}
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { // somebody asks meanwhile
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				l.IsKnown(ledger.Key("audit", fmt.Sprint("delivery", n%deliveries)))
				_ = l.Stats()
				_, _ = l.List(ledger.Filter{}, "", 3)
			}
		}
	})
	wg.Wait()
	close(stop)
	watch.Wait()
	must(t, l.Broken())
	for n := range deliveries {
		if first[n] != 1 || fresh[n/2] != 1 || fresh[n/2+1000] != 1 || fresh[n+2000] != 1 {
			t.Errorf("delivery %d was new %d times, its events %d, %d, %d times", n, first[n], fresh[n/2], fresh[n/2+1000], fresh[n+2000])
		}
	}
	if n := len(claim(t, l, 1000)); n != 2*deliveries {
		t.Errorf("%d events, want %d", n, 2*deliveries)
	}
}

// TestTakeWaits shows that Take wakes when a step is due, not before and not after.
func TestTakeWaits(t *testing.T) {
	o := newOptions(t)
	synctest.Test(t, func(t *testing.T) {
		l, err := ledger.Open(o)
		must(t, err)
		defer l.Close()
		must(t, l.Queue(t.Context(), "h", ledger.Key("h", "1"), "r", []ledger.Action{action("siem", "k")}))
		s, err := l.Take(t.Context(), "siem", 1)
		must(t, err)
		start := time.Now()
		must(t, l.Retry(t.Context(), s[0].ID, start.Add(90*time.Second), "503"))
		s, err = l.Take(t.Context(), "siem", 1)
		if err != nil || len(s) != 1 || time.Since(start) != 90*time.Second {
			t.Errorf("took %d steps after %v: %v", len(s), time.Since(start), err)
		}
	})
}
