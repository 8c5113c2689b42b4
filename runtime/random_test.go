package runtime_test

import (
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// seedOf is the seed of a call of a hook.
func seedOf(t testing.TB, r *runtime.Random, c hook.Call, body string) [32]byte {
	t.Helper()
	c.Doc = new(jsondoc.Doc)
	if err := c.Doc.Parse([]byte(body), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	run := runtime.Run{}
	run.Begin(hook.Event{Call: &c, Node: c.Doc.Root()}, time.Now(), nil)
	run.Random = r
	first := run.Seed()
	if run.Seed() != first {
		t.Error("two seeds in one run")
	}
	return first
}

func TestSeed(t *testing.T) {
	r := runtime.NewRandom([]byte("a key of 32 bytes for this test."))
	base := hook.Call{Hook: "h", ID: "1", Type: hook.Token}
	of := func(change func(*hook.Call), body string) [32]byte {
		c := base
		change(&c)
		return seedOf(t, r, c, body)
	}
	same := of(func(*hook.Call) {}, `{}`)
	if of(func(*hook.Call) {}, `{"other":"bytes"}`) != same {
		t.Error("the same eventId has two seeds")
	}
	if seedOf(t, runtime.NewRandom(nil), base, `{}`) == same || seedOf(t, runtime.NewRandom([]byte("another key")), base, `{}`) == same {
		t.Error("another key makes the same seed")
	}
	others := map[string][32]byte{
		"another hook":      of(func(c *hook.Call) { c.Hook = "g" }, `{}`),
		"another id":        of(func(c *hook.Call) { c.ID = "2" }, `{}`),
		"parts that shift":  of(func(c *hook.Call) { c.Hook, c.ID = "h1", "" }, `{}`),
		"no id":             of(func(c *hook.Call) { c.ID = "" }, `{}`),
		"no id, other text": of(func(c *hook.Call) { c.ID = "" }, `{"a":1}`),
		"an event":          of(func(c *hook.Call) { c.Type = hook.EventHook }, `{"uuid":"a"}`),
		"another event":     of(func(c *hook.Call) { c.Type = hook.EventHook }, `{"uuid":"b"}`),
		"zeros":             {},
	}
	seen := map[[32]byte]string{same: "the same"}
	for name, seed := range others {
		if seen[seed] != "" {
			t.Errorf("%s has the seed of %s", name, seen[seed])
		}
		seen[seed] = name
	}
}

func TestSetSeed(t *testing.T) {
	var run runtime.Run
	run.Random = runtime.NewRandom(nil)
	run.SetSeed([32]byte{1})
	if run.Seed() != [32]byte{1} {
		t.Error("a seed that was fixed is another")
	}
	run.Begin(hook.Event{}, time.Now(), nil)
	if run.Seed() != [32]byte{} {
		t.Error("a Run that begins again keeps its seed")
	}
}

func BenchmarkSeed(b *testing.B) {
	var run runtime.Run
	run.Random = runtime.NewRandom(nil)
	e := hook.Event{Call: &hook.Call{Hook: "signup", ID: "0b5ad3b5-7a3c-4e2e-9f37-3f4f8f3e0b11", Type: hook.Registration}}
	random := run.Random
	b.ReportAllocs()
	for b.Loop() {
		run.Begin(e, time.Time{}, nil)
		run.Random = random
		run.Seed()
	}
}
