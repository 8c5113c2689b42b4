package gate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// newObserver makes an Engine with observerPolicy.
func newObserver(f *testing.F) *engine.Engine {
	f.Helper()
	guests := newWasm(f)
	e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close() })
	e.Swap(loadObserver(f, filepath.Join(f.TempDir(), "seen"), guests))
	return e
}

// isSeed selects shapes for the fuzzer's corpus: few if tests are short, because TestMinefield has
// them all.
func isSeed(i int, s shape) bool { return len(s.text) < 1<<12 && (i%8 == 0 || !testing.Short()) }

// FuzzObservedCall inserts any bytes as a name and a value into a call, and lets the engine decide
// as the gate does. The call is rejected, or expression, module and encoding/json read the same.
func FuzzObservedCall(f *testing.F) {
	p := observedPlaces[0]
	for i, s := range shapes(len(p.path) + 1) {
		if isSeed(i, s) {
			f.Add([]byte(`"x"`), []byte(s.text))
			f.Add([]byte(s.text), []byte("1"))
		}
	}
	e := newObserver(f)
	f.Fuzz(func(t *testing.T, name, value []byte) {
		if len(name)+len(value) > 1<<13 {
			return // larger than a rule may report
		}
		var ask string
		if json.Unmarshal(name, &ask) != nil {
			ask = "x"
		}
		body := []byte(callAsking(p.eventType, "", p.path, string(name), ask, string(value)))
		var doc jsondoc.Doc
		if err := doc.Parse(body, jsondoc.Limits{}); err != nil {
			return
		}
		c := &hook.Call{Hook: p.hook, Type: hook.Registration, ID: doc.Root().Get("eventId").Text(), Start: time.Now(), Doc: &doc}
		r, err := e.Answer(c)
		if err != nil || r.Outcome != engine.Answered || r.Repeat || !bytes.Equal(body, doc.Root().Raw()) {
			t.Fatalf("%q: %v %+v", body, err, r)
		}
		if err := compareAnswer(r.Body, body, p.path); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

// FuzzModuleDraft has a module return any bytes as its draft. The whole draft is rejected, or the
// answer means what encoding/json reads in it.
func FuzzModuleDraft(f *testing.F) {
	for i, s := range shapes(2) {
		if isSeed(i, s) {
			f.Add([]byte(`{"debugContext":{"x":` + s.text + `}}`))
			f.Add([]byte(`{"commands":[{"type":"com.okta.user.profile.update","value":{` + s.text + `:1,"y":2}}]}`))
		}
	}
	e := newObserver(f)
	f.Fuzz(func(t *testing.T, draft []byte) {
		body := fmt.Appendf(nil, `{"eventType":"com.okta.user.pre-registration","draft":"%x"}`, draft)
		var call, said jsondoc.Doc
		if len(draft) > 1<<16 || call.Parse(body, jsondoc.Limits{}) != nil {
			return
		}
		r, err := e.Answer(&hook.Call{Hook: "says", Type: hook.Registration, Start: time.Now(), Doc: &call})
		strict := said.Parse(r.Body, jsondoc.Limits{})
		if answer, wrong := decodeJSON(r.Body); err != nil || wrong != nil || strict != nil {
			t.Fatalf("%q: answered %s %v: %v, %v, %v", draft, r.Outcome, answer, err, wrong, strict)
		}
		if readable := new(jsondoc.Doc).Parse(draft, jsondoc.Limits{}) == nil; len(draft) > 0 && !readable && r.Outcome != engine.Failed {
			t.Fatalf("%q was taken: %s %s", draft, r.Outcome, r.Body)
		}
		if r.Outcome != engine.Answered {
			return
		}
		if got, want := decodeMeaning(t, r.Body), decodeMeaning(t, draft); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: answered %s", draft, r.Body)
		}
	})
}

// draftMeaning is the effect of a draft or an answer.
type draftMeaning struct{ debug, profile map[string]any }

// decodeMeaning reads a draft or an answer with encoding/json. Of two commands that set one
// attribute, the later counts.
func decodeMeaning(t *testing.T, text []byte) draftMeaning {
	t.Helper()
	v, err := decodeJSON(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	m := draftMeaning{map[string]any{}, map[string]any{}}
	root := v.(map[string]any)
	if debug, ok := root["debugContext"].(map[string]any); ok {
		m.debug = debug
	}
	for _, c := range elements(root["commands"]) {
		if c := c.(map[string]any); c["type"] == "com.okta.user.profile.update" {
			maps.Copy(m.profile, c["value"].(map[string]any))
		}
	}
	return m
}
