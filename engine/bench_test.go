package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// BenchmarkAnswer answers a registration call with an expression rule: lease, decision, merge,
// replay cache, counters.
func BenchmarkAnswer(b *testing.B) {
	for _, bench := range []struct {
		name string
		same bool
	}{{"fresh", false}, {"repeat", true}} {
		b.Run(bench.name, func(b *testing.B) {
			e := newEngine(b, Options{})
			e.Swap(mustLoad(b, policy("registration", "deny")))
			doc := new(jsondoc.Doc)
			if err := doc.Parse(sample.Of(hook.Registration), jsondoc.Limits{}); err != nil {
				b.Fatal(err)
			}
			path := []byte("/hooks/hook-a")
			c, id := hook.Call{Hook: "hook-a", ID: "the-same", Type: hook.Registration, Doc: doc}, make([]byte, 0, 32)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !bench.same {
					id = fmt.Appendf(id[:0], "%022d", i)
					c.ID = string(id)
				}
				c.Start, c.Deadline = time.Now(), time.Time{}
				l := e.Lease()
				r := l.At(path).Answer(&c)
				l.Release()
				if r.Outcome != Answered {
					b.Fatal(r.Outcome)
				}
			}
		})
	}
}

// BenchmarkAnswerParallel answers on all cores at once.
func BenchmarkAnswerParallel(b *testing.B) {
	e := newEngine(b, Options{})
	e.Swap(mustLoad(b, policy("registration", "deny")))
	path := []byte("/hooks/hook-a")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		doc := new(jsondoc.Doc)
		if err := doc.Parse(sample.Of(hook.Registration), jsondoc.Limits{}); err != nil {
			b.Error(err)
			return
		}
		c := hook.Call{Hook: "hook-a", Type: hook.Registration, Doc: doc}
		for pb.Next() {
			c.Start, c.Deadline = time.Now(), time.Time{}
			l := e.Lease()
			l.At(path).Answer(&c)
			l.Release()
		}
	})
}
