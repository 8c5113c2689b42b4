package ledger_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// BenchmarkAccept makes deliveries of one event of 1.5 KB durable, for so many callers at once.
// Beside each stands the disk's own floor, measured just before and after: 4 KB written over zeros
// and synced. A commit needs two syncs, so floor/2 is its bound.
func BenchmarkAccept(b *testing.B) {
	for _, clients := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			l := openLedger(b, ledger.Options{Path: filepath.Join(b.TempDir(), "ledger.db"), Step: 512 << 20})
			payload := make([]byte, 1500)
			var next atomic.Int64
			took := make([][]time.Duration, clients)
			before := measureSyncFloor(b)
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for c := range clients {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						d := ledger.Delivery{Hook: "h", ID: benchID(1, n), Events: []ledger.Event{{ID: benchID(2, n), Payload: payload}}}
						start := time.Now()
						if _, err := l.Accept(b.Context(), d); err != nil {
							b.Error(err)
							return
						}
						took[c] = append(took[c], time.Since(start))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			seconds := b.Elapsed().Seconds()
			bound := (before + measureSyncFloor(b)) / 4
			s := l.Stats()
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(b.N)/seconds, "acks/s")
			b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(2*bound, "floor/s")
			b.ReportMetric(float64(b.N)/float64(s.Commits), "acks/commit")
			b.ReportMetric(100*float64(s.Commits)/seconds/bound, "%-of-floor/2")
		})
	}
}

func benchID(class byte, n int64) (id ledger.ID) {
	id[0] = class
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// measureSyncFloor is how many times a second 4 KB can be written over zeros and synced.
func measureSyncFloor(b *testing.B) float64 {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	must(b, err)
	defer f.Close()
	const pages, writes = 1024, 300
	_, err = f.Write(make([]byte, pages*4096))
	must(b, err)
	must(b, f.Sync())
	page := make([]byte, 4096)
	start := time.Now()
	for i := range writes {
		_, err := f.WriteAt(page, int64(i*37%pages)*4096)
		must(b, err)
		must(b, syscall.Fdatasync(int(f.Fd())))
	}
	return writes / time.Since(start).Seconds()
}

// BenchmarkNote measures the recording of an inline call's id.
func BenchmarkNote(b *testing.B) {
	l := openLedger(b, newOptions(b))
	var n int64
	b.ReportAllocs()
	for b.Loop() {
		n++
		l.Note(benchID(3, n))
	}
}

// BenchmarkSeen looks for ids that are not there, in as many as a day has.
func BenchmarkSeen(b *testing.B) {
	l := openLedger(b, newDayOfIDs(b))
	b.ReportAllocs()
	b.ResetTimer()
	var n int64
	for b.Loop() {
		n++
		if l.IsKnown(benchID(9, n)) {
			b.Fatal("seen")
		}
	}
	s := l.Stats()
	b.ReportMetric(float64(s.IndexBytes)/float64(s.IDs), "B/id")
	b.ReportMetric(float64(s.IDs), "ids")
}

// BenchmarkOpen opens a ledger of a day's ids, which reads every row of it: after it was closed,
// and after it was killed, when what the system has cached of the file is not believed.
func BenchmarkOpen(b *testing.B) {
	o := newDayOfIDs(b)
	l := openLedger(b, o)
	killed, err := os.ReadFile(o.Path + ".id")
	must(b, err)
	must(b, l.Close())
	for _, after := range []string{"closed", "killed"} {
		b.Run("after="+after, func(b *testing.B) {
			for b.Loop() {
				if after == "killed" {
					must(b, os.WriteFile(o.Path+".id", killed, 0o600))
				}
				l, err := ledger.Open(o)
				must(b, err)
				b.StopTimer()
				must(b, l.Close())
				b.StartTimer()
			}
		})
	}
}

// BenchmarkExpiry accepts a delivery while an hour of ids is dropped before it.
func BenchmarkExpiry(b *testing.B) {
	o := newDayOfIDs(b)
	c := newClock()
	c.move(48 * time.Hour)
	o.Now = c.now
	l := openLedger(b, o)
	var slowest time.Duration
	var n int64
	for b.Loop() {
		c.move(time.Hour)
		for range 2 { // the first begins the hour, the second waits for what the hour drops
			n++
			start := time.Now()
			_, err := l.Accept(b.Context(), ledger.Delivery{Hook: "h", ID: benchID(8, n)})
			must(b, err)
			slowest = max(slowest, time.Since(start))
		}
	}
	b.ReportMetric(float64(slowest.Microseconds()), "slowest-µs")
	b.ReportMetric(float64(l.Stats().Expired), "expired")
}

// newDayOfIDs is a closed ledger with a day's ids, 400,000 or TENTERHOOK_BENCH_IDS, over 25 hours.
func newDayOfIDs(b *testing.B) ledger.Options {
	b.Helper()
	ids := 400_000
	if n, err := strconv.Atoi(os.Getenv("TENTERHOOK_BENCH_IDS")); err == nil {
		ids = n
	}
	o, c := newOptions(b), newClock()
	o.Step = 64 << 20
	o.Now = c.now
	l := openLedger(b, o)
	part := min(60_000, ids/25) // what may be noted at once
	for n := range ids {
		l.Note(benchID(4, int64(n)))
		if n%part == part-1 {
			for l.Stats().Noted < uint64(n+1) {
				time.Sleep(time.Millisecond)
			}
			if n/part*25/(ids/part) != (n/part+1)*25/(ids/part) {
				c.move(time.Hour)
			}
		}
	}
	must(b, l.Close())
	return o
}
