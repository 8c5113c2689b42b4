package wasm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

const body = `{"eventId":"1","data":{"userProfile":{"email":"a\u0062@c.example","age":41,"none":null,"tags":["x","y"]}}}`

// decideModule is a module with that code in decide.
func decideModule(locals int, code ...[]byte) []byte {
	b := newBuilder(1).addABIExports()
	b.addFunction("decide", "", "I", locals, code...)
	return b.build()
}

// endlessLoop never ends.
var endlessLoop = join(loop, br(0), end, i64(0))

func TestRun(t *testing.T) {
	tests := []struct {
		name    string
		module  []byte
		draft   string
		err     error
		errText string
	}{
		{"Silent", decideModule(0, i64(0)), "", nil, ""},
		{"SilentWherever", decideModule(0, i64(-1<<32)), "", nil, ""},
		{"Draft", decideModule(0, store32(scratch, i32(0x7d7b)), draft(i32(scratch), i32(2))), "{}", nil, ""},
		{"Evaluate", echoModule(), body, nil, ""},
		{"ErrTrap", decideModule(0, unreachable), "", runtime.ErrTrap, "unreachable"},
		{"ErrTime", decideModule(0, endlessLoop), "", runtime.ErrTime, ""},
		{"DraftOutside", decideModule(0, draft(i32(65536), i32(1))), "", runtime.ErrTrap, "1 bytes at 65536"},
		{"DraftAtTheEnd", decideModule(0, draft(i32(65535), i32(1))), "\x00", nil, ""},
		{"DraftTooLarge", decideModule(0, i32(15), grow, drop, draft(i32(0), i32(300_000))), "", runtime.ErrOutput, ""},
		{"DraftOfAllThereIs", decideModule(0, i64(-1)), "", runtime.ErrTrap, "4294967295 bytes at 4294967295"},
		{"TooDeep", recursiveModule(), "", runtime.ErrTrap, "too deep"},
		{"ErrMemory", decideModule(0, loop, i32(1), grow, i32(-1), op(0x46), op(0x04, 0x40), unreachable, end, br(0), end, i64(0)), "", runtime.ErrMemory, "memory.grow failed above 16777216 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, b := newProgram(t, tt.module, wasm.ProgramOptions{}), runtime.Budget{Fuel: runtime.Max.Fuel}
			if tt.err == runtime.ErrTime {
				b.Time = 50 * time.Millisecond
			}
			for range 3 {
				got, _, err := newEvent(t, body).run(p, b)
				if !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.errText) || err == nil && got != tt.draft {
					t.Fatalf("got %q, %v; want %q, %v %q", got, err, tt.draft, tt.err, tt.errText)
				}
			}
		})
	}
}

// echoModule answers with the event.
func echoModule() []byte {
	b := newBuilder(1).addABIExports()
	b.addFunction("evaluate", "ii", "I", 0, draft(get(0), get(1)))
	return b.build()
}

func recursiveModule() []byte {
	b := newBuilder(1).addABIExports()
	at := b.addFunction("", "i", "i", 0, get(0), call(b.nImports+b.nFunctions), i32(1), add)
	b.addFunction("decide", "", "I", 0, i32(0), call(at), drop, i64(0))
	return b.build()
}

// hostCallModule calls a host function once and answers with the result.
func hostCallModule(function, params string, args ...[]byte) []byte {
	b := &builder{}
	f := b.addImport("tenterhook", function, params, "i")
	m := newBuilder(1)
	b.memory = m.memory
	b.addExport("memory", 2, 0)
	b.addABIExports()
	b.addData(0, "/data/userProfile/email")
	b.addData(100, "/data/userProfile/age")
	b.addData(200, "/data/userProfile/none")
	b.addData(300, "/data/userProfile/gone")
	b.addData(400, "/data/userProfile/tags/1")
	b.addData(500, "tiersgold")
	b.addFunction("decide", "", "I", 1, join(args...), call(f), set(0),
		// a negative code becomes as many minus signs
		get(0), i32(0), op(0x48, 0x04, 0x40), store32(600, i32(0x2d2d2d2d)), draft(i32(600), join(i32(0), get(0), op(0x6b))), op(0x0f), end,
		draft(i32(2000), get(0)))
	return b.build()
}

func TestHost(t *testing.T) {
	at := func(ptr, size int64) []byte { return join(i32(ptr), i32(size)) }
	room := at(2000, 100)
	tiers, err := table.New(table.Map, []table.Entry{{Key: "gold", Value: []byte(`{"tier":3}`)}, {Key: "none", Value: []byte("null")}, {Key: "yes"}})
	if err != nil {
		t.Fatal(err)
	}
	domains, err := table.New(table.Domains, []table.Entry{{Key: "c.example"}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, function string
		args           []byte
		want           string
		errText        string
	}{
		{"Get", "get", join(at(0, 23), room), `"a\u0062@c.example"`, ""},
		{"GetText", "get_text", join(at(0, 23), room), "ab@c.example", ""},
		{"GetNumber", "get", join(at(100, 21), room), "41", ""},
		{"GetTextOfNumber", "get_text", join(at(100, 21), room), "---", ""},
		{"GetNull", "get", join(at(200, 22), room), "--", ""},
		{"GetTextOfNull", "get_text", join(at(200, 22), room), "--", ""},
		{"GetMissing", "get", join(at(300, 22), room), "-", ""},
		{"GetElement", "get_text", join(at(400, 24), room), "y", ""},
		{"GetEvent", "get", join(at(0, 0), at(2000, 1000)), body, ""},
		{"GetNoRoom", "get_text", join(at(0, 23), at(2000, 11)), strings.Repeat("\x00", 12), ""},
		{"GetJustRoom", "get_text", join(at(0, 23), at(2000, 12)), "ab@c.example", ""},
		{"GetSize", "get_text", join(at(0, 23), at(-1, 0)), strings.Repeat("\x00", 12), ""},
		{"Length", "length", at(400, 22), "\x00\x00", ""},
		{"LengthOfText", "length", at(0, 23), "---", ""},
		{"LengthOfMissing", "length", at(300, 22), "-", ""},
		{"Lookup", "lookup", join(at(500, 5), at(505, 4), room), `{"tier":3}`, ""},
		{"LookupMissing", "lookup", join(at(500, 5), at(505, 3), room), "-", ""},
		{"LookupNoTable", "lookup", join(at(500, 4), at(505, 4), room), "", "no table"},
		{"NoSlash", "get", join(at(1, 22), room), "", "does not begin with /"},
		{"PointerOutside", "get", join(at(65530, 7), room), "", "7 bytes at 65530"},
		{"PointerFarOutside", "get", join(at(-1, -1), room), "", "4294967295 bytes at 4294967295"},
		{"BufferOutside", "get", join(at(0, 23), at(65530, 100)), "", "19 bytes at 65530"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			params := map[string]string{"get": "iiii", "get_text": "iiii", "length": "ii", "lookup": "iiiiii"}[tt.function]
			p := newProgram(t, hostCallModule(tt.function, params, tt.args), wasm.ProgramOptions{Tables: map[string]*table.Table{"tiers": tiers, "domains": domains}})
			got, _, err := newEvent(t, body).run(p, runtime.Budget{})
			if tt.errText != "" {
				if !errors.Is(err, runtime.ErrTrap) || !strings.Contains(err.Error(), tt.errText) {
					t.Errorf("got %q, %v; want %v: %s", got, err, runtime.ErrTrap, tt.errText)
				}
			} else if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
