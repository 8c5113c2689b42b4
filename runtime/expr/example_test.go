package expr_test

import (
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func Example() {
	env := expr.NewEnv(expr.Options{Type: hook.Registration})
	if err := env.Let("company", `domain(data.userProfile.email)`); err != nil {
		panic(err)
	}
	condition, err := expr.Compile(`company not in ["example.com", "example.org"]`, env)
	if err != nil {
		panic(err)
	}
	text, err := expr.CompileText(`${company ?? "That"} is not ours.`, env)
	if err != nil {
		panic(err)
	}

	var run runtime.Run
	var meter runtime.Meter
	for _, body := range []string{
		`{"data": {"userProfile": {"email": "ann@Example.COM"}}}`,
		`{"data": {"userProfile": {"email": "eve@elsewhere.example"}}}`,
		`{"data": {"userProfile": {}}}`,
	} {
		var doc jsondoc.Doc
		if err := doc.Parse([]byte(body), jsondoc.Limits{}); err != nil {
			panic(err)
		}
		now := time.Now()
		meter.Start(runtime.Default, now, time.Time{})
		run.Begin(hook.Event{Node: doc.Root()}, now, &meter)
		refuse, err := condition.Test(&run)
		if err != nil || !refuse {
			fmt.Println(refuse, err)
			continue
		}
		message, err := text.AppendText(nil, &run)
		fmt.Println(refuse, err, string(message))
	}
	// Output:
	// false <nil>
	// true <nil> elsewhere.example is not ours.
	// true <nil> That is not ours.
}

func ExampleCompile() {
	_, err := expr.Compile(`data.userProfil.email endsWith 3`, expr.NewEnv(expr.Options{Type: hook.Registration}))
	for _, e := range err.(expr.Errors) {
		fmt.Printf("%d:%d: %s\n", e.Line, e.Column, e.Message)
	}
	// Output:
	// 1:6: unknown field userProfil, did you mean userProfile?
	// 1:23: endsWith on its right wants a text, got a number
}

func ExampleExpression_Cost() {
	env := expr.NewEnv(expr.Options{Type: hook.EventHook})
	for _, src := range []string{
		`event.outcome.result == "FAILURE"`,
		`any(event.target, .type == "User" and .alternateId endsWith "@example.com")`,
	} {
		x, err := expr.Compile(src, env)
		if err != nil {
			panic(err)
		}
		fmt.Println(x.Cost())
	}
	// Output:
	// {66 0}
	// {9930 1}
}
