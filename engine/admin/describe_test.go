package admin_test

import (
	"context"
	"encoding/json"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/ledger"
)

func delivery(event string) string { return `{"data":{"events":[` + event + `]}}` }

// TestSummary lists and shows events with their type and subject.
func TestSummary(t *testing.T) {
	tests := []struct{ name, payload, typ, subject string }{
		{"TargetUser", `{"eventType":"user.lifecycle.create","actor":{"alternateId":"admin@example.com"},"target":[{"type":"AppInstance","displayName":"CRM"},{"type":"User","alternateId":"ada@example.com"}]}`,
			"user.lifecycle.create", "ada@example.com"},
		{"Actor", `{"eventType":"user.session.start","actor":{"alternateId":"eve@example.com"},"target":null}`, "user.session.start", "eve@example.com"},
		{"DisplayName", `{"eventType":"x","actor":{"alternateId":"unknown","displayName":"Okta System"}}`, "x", "Okta System"},
		{"OtherTypes", `{"eventType":7,"actor":"a","target":[1,{"type":"User","alternateId":"bob@example.com"}]}`, "", "bob@example.com"},
		{"NotAnObject", `null`, "", ""},
	}
	l := openLedger(t, filepath.Join(t.TempDir(), "ledger"))
	defer l.Close()
	for _, tt := range tests {
		_, err := l.Accept(context.Background(), ledger.Delivery{Hook: "h", ID: ledger.Key("h", tt.name),
			Events: []ledger.Event{{ID: ledger.EventKey("h", tt.name), Payload: []byte(delivery(tt.payload))}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := admin.Events{Ledger: l}.List(url.Values{})
	if err != nil || len(page.Entries) != len(tests) {
		t.Fatalf("%d entries, %v", len(page.Entries), err)
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := page.Entries[i]
			if e.Type != tt.typ || e.Subject != tt.subject || e.Payload != nil {
				t.Errorf("list: type %q, subject %q, payload %q", e.Type, e.Subject, e.Payload)
			}
			e, err := admin.Events{Ledger: l}.Show(e.ID)
			if err != nil || e.Type != tt.typ || e.Subject != tt.subject || string(e.Payload) != delivery(tt.payload) {
				t.Errorf("show: %+v, %v", e, err)
			}
			if text, err := json.Marshal(e); err != nil || !json.Valid(text) {
				t.Errorf("JSON: %s, %v", text, err)
			}
		})
	}
}
