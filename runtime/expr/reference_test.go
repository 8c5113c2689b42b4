package expr_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

var update = flag.Bool("update", false, "write functions.md again")

// TestReference runs every example of the reference, and compares the page with the code.
func TestReference(t *testing.T) {
	w := newHarness(t, hook.Registration)
	for _, e := range expr.Reference() {
		if e.Unsupported {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			if e.Usage == "" || e.Doc == "" || e.Example == "" || e.Cost == "" {
				t.Errorf("something is not said: %+v", e)
			}
			got, err := w.eval(e.Example, fmt.Sprintf(`{"eventTime": %q, "data": {"userProfile": {}}}`, time.Now().Format(time.RFC3339)))
			if err != nil || got != e.Value {
				t.Errorf("%s\n got %s %v\nwant %s", e.Example, got, err, e.Value)
			}
		})
	}
	want := expr.AppendReference(nil)
	if *update {
		if err := os.WriteFile("functions.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("functions.md"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("functions.md is not what the code says: run this test with -update (%v)", err)
	}
}

// TestReferenceIsComplete: every function of expr is supported or named as unsupported.
func TestReferenceIsComplete(t *testing.T) {
	known := make(map[string]bool)
	for _, e := range expr.Reference() {
		if known[e.Name] || e.Doc == "" || e.Unsupported == (e.Usage != "") {
			t.Errorf("%+v", e)
		}
		known[e.Name] = true
	}
	for _, b := range builtin.Builtins {
		if !known[b.Name] {
			t.Errorf("%s is neither there nor refused", b.Name)
		}
	}
}
