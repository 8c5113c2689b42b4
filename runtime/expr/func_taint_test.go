package expr

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/tenterhook/tenterhook/runtime/password"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestEveryFunctionTaints puts a secret in the place of each argument in each function's example:
// the result is secret, except for hmac of a text and password. New functions are covered
// automatically.
func TestEveryFunctionTaints(t *testing.T) {
	workers := password.NewWorkers(1)
	defer workers.Close()
	env := NewEnv(Options{Type: hook.PasswordImport, Workers: workers})
	for _, let := range [][2]string{{"s", "data.context.credential.password"}, {"n", "int(s)"}, {"list", "[s]"}, {"b", "s < 'a'"}} {
		if err := env.Let(let[0], let[1]); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range functions {
		args := exampleOf(t, name, f.example)
		for i := range args {
			if f.constArgs&bit(i) != 0 {
				continue
			}
			src := callWith(name, args, i, secretOf(f.kinds(i)))
			want := name != "password" && (name != "hmac" || i == 0)
			if x, err := Compile(src, env); err != nil {
				t.Errorf("%s: %v", src, err)
			} else if x.Secret() != want {
				t.Errorf("%s: secret %v, want %v", src, x.Secret(), want)
			}
		}
	}
	for name, q := range quantifiers {
		body := "# == s"
		if name == "sum" {
			body = "# == s ? 1 : 0"
		}
		for _, c := range []struct {
			src  string
			want bool
		}{
			{fmt.Sprintf("%s(['a'], %s)", name, body), q.result != boolean},
			{fmt.Sprintf("%s(['a'], %s)", name, strings.Replace(body, "==", "<", 1)), true},
			{fmt.Sprintf("%s([s], %s)", name, strings.Replace(body, "== s", "< 'a'", 1)), true},
		} {
			if x, err := Compile(c.src, env); err != nil || x.Secret() != c.want {
				t.Errorf("%s: want secret %v, %v", c.src, c.want, err)
			}
		}
	}
	for _, op := range []string{"+", "-", "*", "/", "%", "**", "..", "<", ">", "<=", ">=", "and", "or", "??", "==", "!=", "in", "contains", "startsWith", "endsWith"} {
		x, y := "n", "3"
		switch op {
		case "and", "or":
			x, y = "b", "eventType == 'a'"
		case "in":
			y = "[3]"
		case "contains", "startsWith", "endsWith":
			x, y = "s", "'a'"
		}
		for _, src := range []string{x + " " + op + " " + y, y + " " + op + " " + x} {
			if op == "in" && src[0] == '[' {
				src = "3 in [n]"
			}
			want := !slices.Contains([]string{"==", "!=", "in"}, op)
			if c, err := Compile(src, env); err != nil || c.Secret() != want {
				t.Errorf("%s: want secret %v, %v", src, want, err)
			}
		}
	}
}

// exampleOf are the arguments in the function's example, as text.
func exampleOf(t *testing.T, name, example string) (args []string) {
	tree, err := parser.Parse(example)
	if err != nil {
		t.Fatalf("%s: %v", example, err)
	}
	ast.Walk(&tree.Node, callFinder(func(called string, nodes []ast.Node) {
		if called == name && args == nil {
			for _, n := range nodes {
				args = append(args, n.String())
			}
		}
	}))
	return args
}

type callFinder func(name string, args []ast.Node)

func (f callFinder) Visit(n *ast.Node) {
	switch n := (*n).(type) {
	case *ast.CallNode:
		f(n.Callee.String(), n.Arguments)
	case *ast.BuiltinNode:
		f(n.Name, n.Arguments)
	}
}

func callWith(name string, args []string, i int, secret string) string {
	args = slices.Clone(args)
	args[i] = secret
	return name + "(" + strings.Join(args, ", ") + ")"
}

// secretOf is an expression of one of these kinds with a secret value.
func secretOf(kinds types) string {
	switch {
	case kinds&text != 0:
		return "s"
	case kinds&list != 0:
		return "list"
	case kinds&number != 0:
		return "n"
	case kinds&boolean != 0:
		return "b"
	}
	return "data"
}
