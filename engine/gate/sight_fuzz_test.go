package gate_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// FuzzSight puts any bytes where a name and a value stand in a call, and has the engine decide on it as the gate does: either it
// is refused, or expression, module and encoding/json read the same.
func FuzzSight(f *testing.F) {
	p := places[0]
	for _, s := range shapes(len(p.path) + 1) {
		if len(s.text) < 1<<12 {
			f.Add([]byte(`"x"`), []byte(s.text))
			f.Add([]byte(s.text), []byte("1"))
		}
	}
	guests := guests(f)
	e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close() })
	e.Swap(watchers(f, filepath.Join(f.TempDir(), "seen"), guests))
	f.Fuzz(func(t *testing.T, name, value []byte) {
		if len(name)+len(value) > 1<<13 {
			return // a rule may tell no more
		}
		var ask string
		if json.Unmarshal(name, &ask) != nil {
			ask = "x"
		}
		body := []byte(asking(p.eventType, "", p.path, string(name), ask, string(value)))
		var doc hook.Doc
		if err := doc.Parse(body, hook.Limits{}); err != nil {
			return
		}
		c := &hook.Call{Hook: p.hook, Type: hook.Registration, ID: doc.Root().Get("eventId").Text(), Start: time.Now(), Doc: &doc}
		r, err := e.Answer(c)
		if err != nil || r.Outcome != engine.Answered || r.Repeat || !bytes.Equal(body, doc.Root().Raw()) {
			t.Fatalf("%q: %v %+v", body, err, r)
		}
		if err := agree(r.Body, body, p.path); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
	})
}
