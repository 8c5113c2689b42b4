package expr_test

import (
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// beginEvent makes the first event of a delivery the current event.
func (w *harness) beginEvent(delivery string) *runtime.Run {
	r := w.begin(delivery, runtime.Budget{})
	r.Event.Node = hook.Events(w.doc.Root()).At(0)
	return r
}

func TestEventOfADelivery(t *testing.T) {
	const delivery = `{"eventId": "d", "data": {"events": [{"uuid": "u", "eventType": "user.session.start", "outcome": {"result": "FAILURE", "reason": null},
		"target": [{"id": "1", "type": "User", "detailEntry": {"a": 1}}, {"id": "2", "type": "AppInstance", "changeDetails": {"from": {"x": 1}}}],
		"client": {"ipChain": [{"ip": "198.51.100.24", "geographicalContext": {"city": "Arlington"}}]},
		"transaction": {"detail": {"rootApiTokenId": "t"}}, "debugContext": {"debugData": {"url": "/x?"}}}]}}`
	for _, test := range []struct{ src, want string }{
		{`event.uuid + delivery.eventId`, `"ud"`},
		{`event.outcome.result == "FAILURE" and event.outcome.reason == nil`, `true`},
		{`find(event.target, .type == "AppInstance").id`, `"2"`},
		{`event.target[0].detailEntry.a + event.target[1].changeDetails.from.x`, `2`},
		{`event.client.ipChain[0].geographicalContext.city`, `"Arlington"`},
		{`event.request.ipChain[0].ip`, `null`},
		{`event.transaction.detail.rootApiTokenId + event.debugContext.debugData.url`, `"t/x?"`},
		{`count(event.target)`, ``},
	} {
		t.Run(test.src, func(t *testing.T) {
			w := newHarness(t, hook.EventHook)
			x, err := expr.Compile(test.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			r := w.beginEvent(delivery)
			v, err := x.Eval(r)
			if err != nil {
				if test.want != "" {
					t.Fatal(err)
				}
				return
			}
			if got, _ := v.AppendJSON(nil, r.Meter); string(got) != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAppendHoles(t *testing.T) {
	w := newHarness(t, hook.Registration)
	shout := func(dst []byte, from int) []byte { return append(dst[:from], '!') }
	for _, test := range []struct {
		src, want string
		null      bool
	}{
		{"a/${data.userProfile.a}/${data.userProfile.n}", "> a/!/!", false},
		{"${data.userProfile.none}", ">", true},
		{"a ${data.userProfile.a} ${data.userProfile.none}", ">", true},
		{"plain", "> plain", false},
	} {
		t.Run(test.src, func(t *testing.T) {
			x, err := expr.CompileText(" "+test.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			r := w.begin(`{"data":{"userProfile":{"a":"x","n":1}}}`, runtime.Budget{})
			got, null, err := x.AppendHoles([]byte(">"), r, shout)
			if err != nil || string(got) != test.want || null != test.null {
				t.Errorf("got %q, %v, %v", got, null, err)
			}
		})
	}
}

func FuzzAppendAnswer(f *testing.F) {
	f.Add(200, "Content-Type", "text/plain", []byte(`{"ok":true}`))
	f.Add(-1, "", "\xff", []byte("null,\"status\":200"))
	f.Fuzz(func(t *testing.T, status int, name, value string, body []byte) {
		text := expr.AppendAnswer(nil, status, map[string][]string{name: {value, value}, "x": {"y"}}, body)
		var d jsondoc.Doc
		if err := d.Parse(text, jsondoc.Limits{Bytes: len(text), Depth: 66}); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		root := d.Root()
		if n, _ := root.Get("status").Int(); root.Len() != 3 || n != int64(status) || root.Get("headers").Kind() != jsondoc.Object || root.Get("body").Kind() == jsondoc.Missing {
			t.Fatalf("got %s", text)
		}
	})
}
