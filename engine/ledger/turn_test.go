package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// TestHooksInTurn shows that the events of a hook are claimed in the order of recording, and wait for no other hook's.
func TestHooksInTurn(t *testing.T) {
	l := open(t, options(t))
	for i, hook := range strings.Fields("a a a a a b b c") {
		accept(t, l, ledger.Delivery{Hook: hook, ID: ledger.Key(hook, fmt.Sprint(i)),
			Events: []ledger.Event{{ID: ledger.EventKey(hook, fmt.Sprint(i)), Payload: []byte("{}")}}})
	}
	var got []string
	for _, task := range claim(t, l, 99) {
		got = append(got, task.Hook+task.Ref.String())
	}
	if want := "a1-1 b1-6 c1-8 a1-2 b1-7 a1-3 a1-4 a1-5"; strings.Join(got, " ") != want {
		t.Errorf("claimed %s, want %s", got, want)
	}
}
