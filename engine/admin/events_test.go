package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// acceptEvents records n events of a hook that does not exist.
func acceptEvents(t *testing.T, l *ledger.Ledger, n int) {
	t.Helper()
	for i := range n {
		id := fmt.Sprint(i)
		_, err := l.Accept(context.Background(), ledger.Delivery{Hook: "h", ID: ledger.Key("h", id),
			Events: []ledger.Event{{ID: ledger.EventKey("h", id), Payload: fmt.Appendf(nil, `{"n":%d}`, i)}}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func openLedger(t *testing.T, path string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(ledger.Options{Path: path, Step: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEvents(t *testing.T) {
	read, publish := "Bearer "+tokens.Read, "Bearer "+tokens.Publish
	o := newFixture(t)
	acceptEvents(t, o.ledger, 5)
	tests := []struct {
		name, method, path, authorization string
		status                            int
		want                              string
	}{
		{"List", "GET", "/v1/events", read, 200, `"id": "1-1"`},
		{"Page", "GET", "/v1/events?limit=2", read, 200, `"next": "1-3"`},
		{"NextPage", "GET", "/v1/events?limit=2&from=1-3", read, 200, `"id": "1-4"`},
		{"Filter", "GET", "/v1/events?state=finished&hook=h&after=1h", read, 200, `"entries": []`},
		{"Show", "GET", "/v1/events/1-2", read, 200, `"n": 1`},
		{"NotThere", "GET", "/v1/events/9-9", read, 404, "no such event"},
		{"NoID", "GET", "/v1/events/nonsense", read, 404, "no such event"},
		{"UnknownFilter", "GET", "/v1/events?stat=dead", read, 400, `"stat"`},
		{"UnknownState", "GET", "/v1/events?state=zombie", read, 400, "invalid query: want state"},
		{"Twice", "GET", "/v1/events?hook=h&hook=i", read, 400, "hook once"},
		{"NoTime", "GET", "/v1/events?after=yesterday", read, 400, "a time like"},
		{"NoLimit", "GET", "/v1/events?limit=0", read, 400, "limit"},
		{"Stat", "GET", "/v1/ledger", read, 200, `"unplanned": 5`},
		{"ByNobody", "GET", "/v1/events", "", 401, ""},
		{"DropByNobody", "POST", "/v1/events/drop?all=true", "", 401, ""},
		{"DropByReader", "POST", "/v1/events/drop?all=true", read, 403, ""},
		{"DropWhat", "POST", "/v1/events/drop", publish, 400, "all=true"},
		{"DropWhatLimit", "POST", "/v1/events/drop?limit=5", publish, 400, "neither limit nor from"},
		{"DropAllOfHook", "POST", "/v1/events/drop?all=true&hook=i", publish, 200, `"count": 0`},
		{"DropTwice", "POST", "/v1/events/drop?state=dead&state=recorded", publish, 400, "state once"},
		{"DropUnknown", "POST", "/v1/events/drop?id=1-2&id=1-99", publish, 404, `no such entry: "1-99"`},
		{"RedriveUnknown", "POST", "/v1/events/redrive?id=dead-9", publish, 404, `no such entry: "dead-9"`},
		{"ListUnknown", "GET", "/v1/events?id=nonsense", read, 404, `no such entry: "nonsense"`},
		{"ListOne", "GET", "/v1/events?id=1-2", read, 200, `"id": "1-2"`},
		{"DropOne", "POST", "/v1/events/drop?id=1-2", publish, 200, `"count": 1`},
		{"DropAll", "POST", "/v1/events/drop?all=true", publish, 200, `"count": 4`},
		{"RedriveNone", "POST", "/v1/events/redrive?state=dead", publish, 200, `"count": 0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, text, h := o.request(tt.method, tt.path, tt.authorization)
			if status != tt.status || !strings.Contains(text, tt.want) {
				t.Errorf("got %d %q, want %d", status, text, tt.status)
			}
			if h.Get("Content-Type") == "application/json" && !json.Valid([]byte(text)) {
				t.Errorf("%q is not JSON", text)
			}
		})
	}
}
