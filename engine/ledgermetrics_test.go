package engine

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// TestLedgerMetrics exports the statistics of a ledger.
func TestLedgerMetrics(t *testing.T) {
	l, err := ledger.Open(ledger.Options{Path: filepath.Join(t.TempDir(), "ledger"), Step: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := prometheus.NewPedanticRegistry()
	newEngine(t, Options{Ledger: l, Registry: r})
	d := ledger.Delivery{Hook: "h", ID: ledger.Key("h", "1"), Events: []ledger.Event{
		{ID: ledger.EventKey("h", "1"), Payload: []byte("{}")}, {ID: ledger.EventKey("h", "2"), Payload: []byte("{}")},
	}}
	if _, err := l.Accept(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{"tenterhook_ledger_events_total": 2, "tenterhook_ledger_events_unplanned": 2,
		"tenterhook_ledger_broken": 0, "tenterhook_ledger_refused_total": 0} {
		if v, ok := got[name]; v != want || !ok {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
}
