package runtime_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestAppendJSON(t *testing.T) {
	var d jsondoc.Doc
	if err := d.Parse([]byte(`{"n": 1.50, "i": -9223372036854775808, "w": 9223372036854775808, "a": [1, {"b": null}], "s": "x\u0041", "t": true}`), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	of := func(name string) runtime.Value { return runtime.NodeOf(d.Root().Get(name)) }
	list := []runtime.Value{runtime.IntOf(1), {}, runtime.TextOf("a\"\\\b\u2028"), runtime.ListOf(nil)}
	tests := []struct {
		name string
		v    runtime.Value
		kind runtime.Kind
		want string
	}{
		{"null", runtime.Value{}, runtime.Null, `null`},
		{"missing", of("gone"), runtime.Null, `null`},
		{"boolean", runtime.BoolOf(true), runtime.Bool, `true`},
		{"whole", runtime.IntOf(-3), runtime.Int, `-3`},
		{"fraction", runtime.FloatOf(0.1), runtime.Float, `0.1`},
		{"large", runtime.FloatOf(1e300), runtime.Float, `1e+300`},
		{"small", runtime.FloatOf(1e-9), runtime.Float, `1e-09`},
		{"zero", runtime.FloatOf(math.Copysign(0, -1)), runtime.Float, `-0`},
		{"as read", of("n"), runtime.Float, `1.50`},
		{"smallest", of("i"), runtime.Int, `-9223372036854775808`},
		{"too wide", of("w"), runtime.Float, `9223372036854775808`},
		{"text read", of("s"), runtime.String, `"xA"`},
		{"list read", of("a"), runtime.List, `[1, {"b": null}]`},
		{"list", runtime.ListOf(list), runtime.List, "[1,null,\"a\\\"\\\\\\u0008\u2028\",[]]"},
		{"object", runtime.ObjectOf([]runtime.Value{runtime.TextOf("k"), of("a"), runtime.TextOf(""), of("t")}), runtime.Object, `{"k":[1, {"b": null}],"":true}`},
		{"empty object", runtime.ObjectOf(nil), runtime.Object, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.v.AppendJSON(nil, startMeter(runtime.Budget{}))
			if err != nil || string(got) != tt.want || !json.Valid(got) || tt.v.Kind() != tt.kind {
				t.Errorf("got %s %v %v, want %s", got, tt.v.Kind(), err, tt.want)
			}
		})
	}
}

func TestAt(t *testing.T) {
	var d jsondoc.Doc
	if err := d.Parse([]byte(`[1, "two"]`), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []runtime.Value{runtime.NodeOf(d.Root()), runtime.ListOf([]runtime.Value{runtime.IntOf(1), runtime.TextOf("two")})} {
		if v.Len() != 2 || v.At(0).Int() != 1 || v.At(1).Text() != "two" || !v.At(2).IsNull() || !v.At(-1).IsNull() {
			t.Errorf("%v: %v %v", v.Len(), v.At(0), v.At(1))
		}
	}
}

// TestBegin: values, lets and memory of one event are gone when the next begins.
func TestBegin(t *testing.T) {
	var d jsondoc.Doc
	if err := d.Parse([]byte(`{"password": "secret"}`), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	var r runtime.Run
	l := &runtime.Layout{Slots: 1, Cells: 1, Locals: 1, Version: 1}
	m := startMeter(runtime.Budget{})
	r.Begin(hook.Event{Node: d.Root()}, time.Now(), m)
	r.Scratch.Resize(l)
	secret := runtime.NodeOf(d.Root().Get("password"))
	r.Scratch.SetSlot(0, secret)
	r.Scratch.Cells[0] = runtime.Cell{Value: secret, Known: true, Missed: true}
	r.Scratch.Locals[0] = secret
	text := append(r.Scratch.Text(16), "secret"...)
	values := append(r.Scratch.Values(1), secret)
	r.Scratch.Missed = true

	r.End()
	r.Begin(hook.Event{}, time.Now(), m)
	r.Scratch.Resize(l)
	if r.Scratch.Slots[0].Known || r.Scratch.Cells[0].Known || !r.Scratch.Locals[0].IsNull() || r.Scratch.Missed {
		t.Error("a value of the earlier event is still there")
	}
	if string(text) == "secret" || !values[0].IsNull() {
		t.Error("the memory of the earlier event was not wiped")
	}
	other := &runtime.Layout{Slots: 1, Cells: 1, Locals: 1, Version: 1}
	r.Scratch.Cells[0].Known = true
	if r.Scratch.Resize(other); r.Scratch.Cells[0].Known {
		t.Error("another layout finds the values of the first")
	}
}
