package expr_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// A rule that refuses must not come out false because a payload has a list or an object where a text was meant.
func TestConfusion(t *testing.T) {
	const fails = "fails"
	tests := []struct{ src, country, want string }{
		{`data.userProfile.c == "IR"`, `"IR"`, `true`},
		{`data.userProfile.c == "IR"`, `"US"`, `false`},
		{`data.userProfile.c == "IR"`, `1`, `false`},
		{`data.userProfile.c == "IR"`, `true`, `false`},
		{`data.userProfile.c == "IR"`, `null`, `false`},
		{`data.userProfile.c == "IR"`, `["IR"]`, fails},
		{`data.userProfile.c == "IR"`, `[]`, fails},
		{`data.userProfile.c == "IR"`, `{"x": "IR"}`, fails},
		{`"IR" == data.userProfile.c`, `["IR"]`, fails},
		{`data.userProfile.c != "IR"`, `["IR"]`, fails},
		{`data.userProfile.c != "IR"`, `5`, `true`},
		{`not (data.userProfile.c == "IR")`, `["IR"]`, fails},
		{`data.userProfile.c == eventType`, `["e"]`, fails},
		{`data.userProfile.c == eventType`, `1`, `false`},
		{`data.userProfile.c == eventType`, `"e"`, `true`},
		{`data.userProfile.c == 7`, `[7]`, fails},
		{`data.userProfile.c == 7`, `"7"`, `false`},
		{`data.userProfile.c == true`, `[true]`, fails},
		{`data.userProfile.c == ["IR"]`, `["IR"]`, `true`},
		{`data.userProfile.c == ["IR"]`, `[["IR"]]`, `false`},
		{`data.userProfile.c == ["IR"]`, `"IR"`, fails},
		{`data.userProfile.c == ["IR"]`, `{"0": "IR"}`, fails},
		{`data.userProfile.c == {"x": 1}`, `{"x": 1}`, `true`},
		{`data.userProfile.c == {"x": 1}`, `{"x": [1]}`, `false`},
		{`data.userProfile.c == {"x": 1}`, `[1]`, fails},
		{`data.userProfile.c == nil`, `[1]`, `false`},
		{`data.userProfile.c in ["IR", "KP"]`, `"IR"`, `true`},
		{`data.userProfile.c in ["IR", "KP"]`, `3`, `false`},
		{`data.userProfile.c in ["IR", "KP"]`, `true`, `false`},
		{`data.userProfile.c in ["IR", "KP"]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", "KP"]`, `{}`, fails},
		{`data.userProfile.c not in ["IR", "KP"]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", 3]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", true]`, `["IR"]`, fails},
		{`data.userProfile.c in ["IR", eventType]`, `["IR"]`, fails},
		{`data.userProfile.c in vars.domains`, `["a.example"]`, fails},
		{`data.userProfile.c in data.userProfile.in`, `["IR"]`, fails},
		{`data.userProfile.c in data.userProfile.in`, `"IR"`, `true`},
		{`data.userProfile.c in {"IR": 1}`, `["IR"]`, fails},
		{`data.userProfile.c in {"IR": 1}`, `{"IR": 1}`, fails},
		{`data.userProfile.c in {"IR": 1}`, `3`, `false`},
		{`data.userProfile.c in tables.banned`, `["7"]`, fails},
		{`data.userProfile.c in tables.banned`, `{}`, fails},
		{`data.userProfile.c in 1..9`, `5`, `true`},
		{`data.userProfile.c in 1..9`, `"5"`, `false`},
		{`data.userProfile.c in 1..9`, `[5]`, fails},
		{`data.userProfile.c in [["IR"], ["KP"]]`, `["KP"]`, `true`},
		{`data.userProfile.c in [["IR"], ["KP"]]`, `"KP"`, fails},
		{`data.userProfile.c in [["IR"], "KP"]`, `["IR"]`, `true`},
		{`data.userProfile.c in [["IR"], "KP"]`, `["US"]`, fails},
		{`"IR" in data.userProfile.c`, `["US", 1, null, "IR"]`, `true`},
		{`"IR" in data.userProfile.c`, `["US", 1, null, true]`, `false`},
		{`"IR" in data.userProfile.c`, `[["US"], "IR"]`, `true`},
		{`"IR" in data.userProfile.c`, `["US", ["IR"]]`, fails},
		{`"IR" in data.userProfile.c`, `[{"x": "IR"}, "US"]`, fails},
		{`7 in data.userProfile.c`, `[[7], 8]`, fails},
		{`7 in data.userProfile.c`, `[[7], 7]`, `true`},
		{`any(data.userProfile.c, # == "IR")`, `["US", ["IR"]]`, fails},
		{`any(data.userProfile.c, # == "IR")`, `["IR", ["IR"]]`, `true`},
		{`let c = data.userProfile.c; c == "IR"`, `["IR"]`, fails},
	}
	w := newWorld(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src+" "+tt.country, func(t *testing.T) {
			payload := fmt.Sprintf(`{"eventType": "e", "data": {"userProfile": {"c": %s, "in": ["IR"]}}}`, tt.country)
			got, err := w.eval(tt.src, payload)
			if errors.Is(err, runtime.ErrValue) {
				got, err = fails, nil
			}
			if err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
			x, err := expr.Compile(tt.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			if yes, missing, err := x.Match(w.begin(payload, runtime.Budget{})); (err != nil) != (tt.want == fails) || err == nil && yes != (tt.want == "true") {
				t.Errorf("as a condition: %v %v %v, want %s", yes, missing, err, tt.want)
			}
		})
	}
}
