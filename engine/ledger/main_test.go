package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

const (
	rounds = "TENTERHOOK_CRASH_ROUNDS" // number of rounds; a few if it is not set
	worker = "TENTERHOOK_LEDGER_WORKER"
	unsync = "TENTERHOOK_LEDGER_UNSYNC"
	large  = "TENTERHOOK_LEDGER_LARGE" // long events, few deliveries: the disk fills up
)

// TestMain is the crash tests' worker, too: the same binary, started again with a ledger to work
// on.
func TestMain(m *testing.M) {
	if path := os.Getenv(worker); path != "" {
		os.Exit(runCrashWorker(path))
	}
	os.Exit(m.Run())
}

// runCrashWorker accepts and processes deliveries until it is killed. It prints its promises and deeds:
//
//	A number   the delivery of that number was acknowledged, and with it two events
//	X key      the step of that key is carried out
//	D key      and that is on record
func runCrashWorker(path string) int {
	o := ledger.Options{Path: path, Step: 4 << 20}
	if os.Getenv(unsync) != "" {
		o = o.WithoutSync()
	}
	l, err := ledger.Open(o)
	if err != nil {
		fmt.Println("E", err)
		return 3
	}
	w := &crashWorker{l: l, large: os.Getenv(large) != ""}
	for range 8 {
		w.wg.Go(w.accept)
	}
	w.wg.Go(w.plan)
	w.wg.Go(w.deliver)
	w.wg.Go(w.deliver)
	w.wg.Wait()
	fmt.Println("E", l.Broken())
	return 4 // a disk that has gone away ends every loop
}

type crashWorker struct {
	l     *ledger.Ledger
	large bool
	mu    sync.Mutex // guards stdout
	wg    sync.WaitGroup
}

func (w *crashWorker) report(word, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = fmt.Fprintf(os.Stdout, "%s %s\n", word, what)
}

// crashEvents are the keys of a delivery's two events.
func crashEvents(number string) [2]ledger.ID {
	return [2]ledger.ID{ledger.EventKey("h", number+"/0"), ledger.EventKey("h", number+"/1")}
}

// longest is the length that the next payload does not reach.
func (w *crashWorker) longest() int {
	if !w.large {
		return 3000
	}
	return []int{3000, 120 << 10, 400 << 10, 4 << 20}[rand.IntN(4)]
}

func (w *crashWorker) accept() {
	for {
		number := fmt.Sprintf("%016x", rand.Uint64())
		d := ledger.Delivery{Hook: "h", ID: ledger.Key("h", number)}
		for _, id := range crashEvents(number) {
			d.Events = append(d.Events, ledger.Event{ID: id, Payload: make([]byte, rand.IntN(w.longest()))})
		}
		_, err := w.l.Accept(context.Background(), d)
		if errors.Is(err, ledger.ErrSpace) {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if err != nil {
			return
		}
		w.report("A", number)
		w.l.Note(ledger.Key("inline", number))
	}
}

func (w *crashWorker) plan() {
	for {
		tasks, err := w.l.Claim(context.Background(), 64)
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		for _, t := range tasks {
			wg.Go(func() {
				err := w.l.Plan(context.Background(), t, "r", []ledger.Action{{Destination: "d", Key: t.ID.String(), Spec: t.Payload}})
				if errors.Is(err, ledger.ErrSpace) {
					time.Sleep(5 * time.Millisecond)
					w.l.Release(t)
				}
			})
		}
		wg.Wait()
	}
}

func (w *crashWorker) deliver() {
	ctx := context.Background()
	for {
		steps, err := w.l.Take(ctx, "d", 64)
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		for _, s := range steps {
			wg.Go(func() {
				if rand.IntN(10) == 0 || w.large && rand.IntN(10) > 0 {
					_ = w.l.Retry(ctx, s.ID, time.Now().Add(10*time.Millisecond), "503")
					return
				}
				w.report("X", s.Key)
				if w.l.Done(ctx, s.ID) == nil {
					w.report("D", s.Key)
				}
			})
		}
		wg.Wait()
	}
}
