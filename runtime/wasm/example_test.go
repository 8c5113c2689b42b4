package wasm_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// A module is loaded once, and each rule that uses it has a Program of its own.
func Example() {
	ctx := context.Background()
	modules, err := wasm.New(wasm.Options{}) // a server also sets Child
	if err != nil {
		panic(err)
	}
	defer modules.Close()
	module, err := modules.Load(ctx, decideModule(0, store32(scratch, i32(0x7d7b)), draft(i32(scratch), i32(2)))) // it answers {}
	if err != nil {
		panic(err)
	}
	program, err := module.Program(ctx, wasm.ProgramOptions{Type: hook.Registration})
	module.Close() // the Program holds it now
	if err != nil {
		panic(err)
	}
	defer program.Close()

	var doc jsondoc.Doc
	if err := doc.Parse([]byte(`{"data":{}}`), jsondoc.Limits{}); err != nil {
		panic(err)
	}
	call := hook.Call{Type: hook.Registration, Doc: &doc}
	var r runtime.Run
	var m runtime.Meter
	var d hook.Draft
	m.Start(runtime.Default, time.Now(), time.Time{})
	r.Begin(hook.Event{Call: &call, Node: doc.Root()}, time.Now(), &m)
	fmt.Println(program.Run(&r, &d), string(d.JSON))
	// Output: <nil> {}
}
