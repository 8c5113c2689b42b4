package admin_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// TestBroken: readiness and status show a broken ledger.
func TestBroken(t *testing.T) {
	o := newFixture(t)
	acceptEvents(t, o.ledger, 5)
	if status, text, _ := o.request("GET", "/v1/status", "Bearer "+tokens.Read); status != 200 || !strings.Contains(text, `"broken": false`) {
		t.Errorf("got %d %q", status, text)
	}
	file, err := os.OpenFile(o.ledgerFile, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	whole, err := os.ReadFile(o.ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; ; at++ { // in every copy of the row
		next := bytes.Index(whole[at:], []byte(`{"n":3}`))
		if next < 0 {
			break
		}
		at += next
		if _, err := file.WriteAt([]byte("9"), int64(at)+5); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.ledger.Show("1-4"); err == nil || o.ledger.Broken() == nil {
		t.Fatalf("it does not notice: %v", err)
	}
	status, text, _ := o.request("GET", "/readyz", "")
	if status != 200 || text != "ready, but event deliveries get 503: the ledger is broken; restart\n" {
		t.Errorf("got %d %q", status, text)
	}
	_, text, _ = o.request("GET", "/v1/status", "Bearer "+tokens.Read)
	if !strings.Contains(text, `"broken": true`) || !strings.Contains(text, ledger.ErrBroken.Error()) {
		t.Errorf("got %q", text)
	}
}
