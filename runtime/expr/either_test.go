package expr_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestTextOrList: one rule says that a member is a text or a list with it, in whichever kind a call
// has it.
func TestTextOrList(t *testing.T) {
	const either, neither = `P == "a" or "a" in P`, `P != "a" and "a" not in P`
	tests := []struct{ src, value, want string }{
		{either, `"a"`, "true"}, {either, `["b", "a"]`, "true"}, {either, `"ab"`, "false"}, {either, `["ab"]`, "false"}, {either, `[]`, "false"}, {either, `null`, "false"},
		{either, `{"a": 1}`, "fails"}, {either, `7`, "fails"}, {either, `[["a"]]`, "fails"},
		{`"a" in P or "a" == P`, `"a"`, "true"}, {`"a" in P or "a" == P`, `["a"]`, "true"}, {`"a" in P or "a" == P or "b" == P`, `"b"`, "true"},
		{neither, `"a"`, "false"}, {neither, `["b", "a"]`, "false"}, {neither, `"ab"`, "true"}, {neither, `["ab"]`, "true"}, {neither, `{"a": 1}`, "fails"},
		// each half alone, or beside another text or member, still fails for the other kind
		{`P == "a"`, `["a"]`, "fails"}, {`"a" in P`, `"a"`, "fails"}, {`P == "a" or "b" in P`, `["a"]`, "fails"}, {`P == "a" or "a" in Q`, `["a"]`, "fails"}, {`P != "a" or "a" in P`, `["a"]`, "fails"},
		{`P == "a" and "a" in P`, `["a"]`, "fails"}, {`not (P == "a") or "a" in P`, `["a"]`, "fails"},

		{`"a" in list(P)`, `"a"`, "true"}, {`"a" in list(P)`, `["b", "a"]`, "true"}, {`"a" in list(P)`, `"ab"`, "false"}, {`"a" in list(P)`, `null`, "false"}, {`"a" in list(P)`, `{"a": 1}`, "fails"},
		{`list(P)`, `7`, "[7]"}, {`list(P)`, `[7]`, "[7]"}, {`list(P)`, `{"a": 1}`, `[{"a": 1}]`}, {`list(P)`, `null`, "null"},
		{`kind(P)`, `"a"`, `"text"`}, {`kind(P)`, `7`, `"number"`}, {`kind(P)`, `7.5`, `"number"`}, {`kind(P)`, `true`, `"boolean"`}, {`kind(P)`, `[]`, `"list"`}, {`kind(P)`, `{}`, `"object"`}, {`kind(P)`, `null`, `null`},
		{`kind(P) == "list" ? "a" in P : P == "a"`, `["a"]`, "true"}, {`kind(P) == "list" ? "a" in P : P == "a"`, `"a"`, "true"},
		{`fromJSON(P).a`, `{"a": 1}`, "1"}, {`fromJSON(P).a`, `"{\"a\": 1}"`, "1"}, {`fromJSON(P)[0]`, `[1]`, "1"}, {`fromJSON(P)`, `7`, "fails"}, {`fromJSON(P)`, `"x"`, "fails"},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src+" "+tt.value, func(t *testing.T) {
			got, err := w.eval("let P = data.userProfile.p; let Q = data.userProfile.q; "+tt.src, fmt.Sprintf(`{"data": {"userProfile": {"p": %s}}}`, tt.value))
			if errors.Is(err, runtime.ErrValue) {
				got, err = "fails", nil
			}
			if err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
}
