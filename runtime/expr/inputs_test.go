package expr_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestInputs(t *testing.T) {
	partners, err := table.New(table.Domains, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := expr.NewEnv(expr.Options{Type: hook.Token, Tables: map[string]*table.Table{"partners": partners}})
	for name, src := range map[string]string{"lower": `data.context.user.profile.login`, "five": `2 + 3`} {
		if err := e.Let(name, src); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Let("mail", `source + lower`); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, src, own, all string }{
		{"Member", `data.context.user.id == "data.x"`, "data.context.user.id", ""},
		{"Order", `data?.identity.claims.sub == "1" and source == "x" or data.identity.claims.sub == "2"`, "data.identity.claims.sub source", ""},
		{"WholeToo", `data.identity != nil and data.identity.claims != nil`, "data.identity data.identity.claims", ""},
		{"Quoted", `data["identity"].claims != nil`, "data.identity.claims", ""},
		{"Index", `data.access.claims.scp[0] == "a"`, "data.access.claims.scp", ""},
		{"Quantifier", `any(data.access.claims.scp, # == source)`, "data.access.claims.scp source", ""},
		{"Variable", `let x = data.context; x.user.id == "1"`, "data.context", ""},
		{"Lets", `mail == eventId and five == 5`, "eventId", "source data.context.user.profile.login eventId"},
		{"FunctionWithALetsName", `lower(source) == "x"`, "source", ""},
		{"Table", `tables.partners[lower] != nil and source in tables.partners`, "source", "data.context.user.profile.login source | partners"},
		{"Constant", `1 < 2`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := expr.Compile(tt.src, e)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(x.Paths(), " "); got != tt.own {
				t.Errorf("the expression's own paths: got %q, want %q", got, tt.own)
			}
			all := x.Inputs()
			got := strings.Join(all.Paths, " ")
			if len(all.Tables) > 0 {
				got += " | " + strings.Join(all.Tables, " ")
			}
			if want := cmp.Or(tt.all, tt.own); got != want {
				t.Errorf("with its lets: got %q, want %q", got, want)
			}
		})
	}
}
