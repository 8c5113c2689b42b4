package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// formatNeeds formats the Needs of a condition: a member's number by first use, and the texts it
// must have.
func formatNeeds(t *testing.T, e *expr.Env, src string) string {
	t.Helper()
	x, err := expr.Compile(src, e)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	var all []string
	names := map[string]int{}
	for _, n := range x.Needs() {
		if names[n.Member.Name()] == 0 {
			names[n.Member.Name()] = len(names) + 1
		}
		one := fmt.Sprintf("%d%v", names[n.Member.Name()], n.Texts)
		for _, b := range n.Beginnings {
			one += " " + b + "…"
		}
		all = append(all, one)
	}
	return strings.Join(all, ", ")
}

func texts300() (all []string) {
	for i := range 300 {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func TestNeeds(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"Text", `P.a == "x"`, "1[x]"},
		{"TextOnTheLeft", `"x" == P.a`, "1[x]"},
		{"List", `P.a in ["y", "x", 7]`, "1[x y]"},
		{"Vars", `P.a in vars.domains`, "1[a.example b.example]"},
		{"Beginning", `P.a startsWith "x"`, "1[] x…"},
		{"BeginningByName", `hasPrefix(P.a, "x")`, "1[] x…"},
		{"AnyBeginning", `P.a startsWith ""`, ""},
		{"Or", `P.a == "x" or P.a startsWith "y" or P.a in ["z"]`, "1[x z] y…"},
		{"OrOfTwoMembers", `P.a == "x" or P.b == "x"`, ""},
		{"BehindOthers", `P.a != nil and P.b contains "c" and P.a == "x" and P.c == "y"`, "1[], 2[], 1[x], 3[y]"},
		{"BehindAnOr", `(P.a == "x" or P.b == 7) and not (P.b == "y") and P.c == "z"`, "1[], 2[], 2[], 3[z]"},
		{"BehindWhatMayFail", `P.a < 7 and P.b == "x"`, ""},
		{"BeforeWhatMayFail", `P.b == "x" and P.a < 7`, "1[x]"},
		{"BehindAConstant", `7 > 3 and P.a == "x"`, "1[x]"},
		{"Not", `not (P.a == "x")`, ""},
		{"NotEqual", `P.a != "x"`, ""},
		{"NotInAList", `P.a not in ["x"]`, ""},
		{"Number", `P.a == 7`, ""},
		{"Table", `P.a in tables.banned and P.b == "x"`, ""},
		{"Function", `lower(trim(P.a)) == "x" and P.a == "y"`, "1[x], 2[y]"},
		{"FunctionOfTwo", `replace(P.a, "x", "y") == "x"`, ""},
		{"Let", `mail == "x" and lower(data.userProfile.email) == "y"`, "1[x], 1[y]"},
		{"LetOfMore", `both == "x"`, ""},
		{"Chance", `uuid() == "x"`, ""},
		{"Variable", `let x = P.a; x == "x"`, ""},
		{"TooMany", `P.a in ` + strings.ReplaceAll(fmt.Sprintf("%q", texts300()), " ", ","), ""},
	}
	w := newHarness(t, hook.Registration)
	for name, src := range map[string]string{"mail": "lower(data.userProfile.email)", "both": "data.userProfile.a + data.userProfile.b"} {
		if err := w.env.Let(name, src); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := formatNeeds(t, w.env, strings.ReplaceAll(tt.src, "P.", "data.userProfile.")); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.src, got, tt.want)
			}
		})
	}
}

// TestSecretsHaveNoNeeds: a comparison with a secret takes the same time whatever the secret is.
func TestSecretsHaveNoNeeds(t *testing.T) {
	w := newHarness(t, hook.PasswordImport)
	for _, src := range []string{`data.context.credential.password == "x"`, `lower(data.context.credential.password) in ["x"]`} {
		if got := formatNeeds(t, w.env, src); got != "" {
			t.Errorf("%s: got %s", src, got)
		}
	}
}
