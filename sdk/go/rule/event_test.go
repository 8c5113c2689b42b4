package rule_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

const event = `{"text": "caf\u00e9 \"x\"", "empty": "", "null": null, "whole": 42, "big": 9223372036854775807, "e": 1e3,
	"huge": 1e300, "half": 0.5, "yes": true, "no": false, "list": ["a", null, "b"], "mixed": ["a", 1], "none": [],
	"object": {"a": 1, "b/c": {"d~e": "deep"}, "": "unnamed"}, "0": "zero"}`

func TestText(t *testing.T) {
	tests := []struct {
		name, pointer, text string
		ok                  bool
	}{
		{"Text", "/text", `café "x"`, true},
		{"Empty", "/empty", "", true},
		{"Missing", "/nothing", "", false},
		{"BelowMissing", "/nothing/at/all", "", false},
		{"BelowText", "/text/0", "", false},
		{"Null", "/null", "", false},
		{"Element", "/list/2", "b", true},
		{"NoElement", "/list/3", "", false},
		{"NoIndex", "/list/02", "", false},
		{"Escaped", "/object/" + rule.Escape("b/c") + "/" + rule.Escape("d~e"), "deep", true},
		{"EmptyName", "/object/", "unnamed", true},
		{"Digits", "/0", "zero", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runRule(t, event, func(e rule.Event, d *rule.Draft) error {
				if text, ok := e.Text(test.pointer); text != test.text || ok != test.ok {
					t.Errorf("got %q, %v", text, ok)
				}
				return nil
			})
		})
	}
}

func TestNumbers(t *testing.T) {
	runRule(t, event, func(e rule.Event, d *rule.Draft) error {
		for pointer, want := range map[string]int64{"/whole": 42, "/big": 1<<63 - 1, "/e": 1000} {
			if n, ok := e.Int(pointer); n != want || !ok {
				t.Errorf("%s: got %d, %v", pointer, n, ok)
			}
		}
		if f, ok := e.Float("/half"); f != 0.5 || !ok {
			t.Errorf("got %g, %v", f, ok)
		}
		if _, ok := e.Int("/null"); ok {
			t.Error("null is a number")
		}
		if _, ok := e.Float("/nothing"); ok {
			t.Error("nothing is a number")
		}
		yes, ok := e.Bool("/yes")
		no, also := e.Bool("/no")
		if _, there := e.Bool("/null"); !yes || !ok || no || !also || there {
			t.Error("true, false or null is none")
		}
		return nil
	})
}

func TestLists(t *testing.T) {
	runRule(t, event, func(e rule.Event, d *rule.Draft) error {
		if list := e.Texts("/list"); !slices.Equal(list, []string{"a", "b"}) {
			t.Errorf("got %q", list)
		}
		if list := e.Texts("/nothing"); len(list) != 0 {
			t.Errorf("got %q", list)
		}
		for pointer, want := range map[string]int{"/list": 3, "/object": 3, "/none": 0, "/null": 0, "/nothing": 0} {
			if n := e.Len(pointer); n != want {
				t.Errorf("%s: got %d", pointer, n)
			}
		}
		return nil
	})
}

func TestKinds(t *testing.T) {
	runRule(t, event, func(e rule.Event, d *rule.Draft) error {
		for pointer, want := range map[string]rule.Kind{
			"/nothing": rule.Missing, "/null": rule.Null, "/yes": rule.Bool, "/no": rule.Bool, "/whole": rule.Number,
			"/text": rule.Text, "/empty": rule.Text, "/list": rule.List, "/none": rule.List, "/object": rule.Object, "": rule.Object,
		} {
			if k := e.Kind(pointer); k != want {
				t.Errorf("%q: got %d", pointer, k)
			}
			if got := e.Has(pointer); got != (want > rule.Null) {
				t.Errorf("%q: Has is %v", pointer, got)
			}
			if got := e.Exists(pointer); got != (want > rule.Missing) {
				t.Errorf("%q: There is %v", pointer, got)
			}
		}
		return nil
	})
}

// TestKindError wants a value of another type not to count as missing.
func TestKindError(t *testing.T) {
	tests := []struct {
		name, pointer string
		read          func(rule.Event, string)
	}{
		{"NumberForText", "/whole", func(e rule.Event, p string) { e.Text(p) }},
		{"ListForText", "/list", func(e rule.Event, p string) { e.Text(p) }},
		{"TextForInt", "/text", func(e rule.Event, p string) { e.Int(p) }},
		{"FractionForInt", "/half", func(e rule.Event, p string) { e.Int(p) }},
		{"TooLargeForInt", "/huge", func(e rule.Event, p string) { e.Int(p) }},
		{"BoolForFloat", "/yes", func(e rule.Event, p string) { e.Float(p) }},
		{"TextForBool", "/text", func(e rule.Event, p string) { e.Bool(p) }},
		{"TextForList", "/text", func(e rule.Event, p string) { e.Texts(p) }},
		{"NumberInTexts", "/mixed", func(e rule.Event, p string) { e.Texts(p) }},
		{"NumberForLen", "/whole", func(e rule.Event, p string) { e.Len(p) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule.Register(func(e rule.Event, d *rule.Draft) error {
				test.read(e, test.pointer)
				d.CreateUser()
				return nil
			})
			draft, err := rule.Sample{Event: event}.Run()
			if kind := new(rule.KindError); !errors.As(err, &kind) || draft != "" {
				t.Errorf("got %s, %v", draft, err)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	tables := map[string]map[string]string{"tiers": {"gold": `{"seconds": 86400}`, "none": "null", "name": `"x"`}, "file": rule.TextTable(map[string]string{"bronze": `1"`})}
	tests := []struct {
		name, table, key, value, err string
		in                           bool
	}{
		{"Found", "tiers", "gold", `{"seconds": 86400}`, "", true},
		{"Null", "tiers", "none", "null", "", true},
		{"Text", "tiers", "name", `"x"`, "", true},
		{"File", "file", "bronze", `"1\""`, "", true},
		{"NoKey", "tiers", "silver", "", "", false},
		{"NoTable", "teirs", "gold", "", `no table "teirs"`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule.Register(func(e rule.Event, d *rule.Draft) error {
				if v, in := e.Lookup(test.table, test.key), e.In(test.table, test.key); string(v) != test.value || in != test.in {
					t.Errorf("got %s, %v", v, in)
				}
				return nil
			})
			if _, err := (rule.Sample{Event: "{}", Tables: tables}).Run(); !errorContains(err, test.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestLongValues reads a value larger than the first buffer, and a short one after it.
func TestLongValues(t *testing.T) {
	long := slices.Repeat([]byte("0123456789"), 1000)
	text, err := json.Marshal(map[string]string{"long": string(long), "short": "x"})
	if err != nil {
		t.Fatal(err)
	}
	runRule(t, string(text), func(e rule.Event, d *rule.Draft) error {
		got, _ := e.Text("/long")
		if short, _ := e.Text("/short"); got != string(long) || short != "x" || string(e.Value("")) != string(text) {
			t.Errorf("got %d bytes, and %q", len(got), short)
		}
		return nil
	})
}

// FuzzValueText decodes strings as encoding/json does.
func FuzzValueText(f *testing.F) {
	for _, s := range []string{`""`, `"a"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00x"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\udc00\ud83d"`, "1", "null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := rule.Value(s).Text()
		var want *string
		if err := json.Unmarshal([]byte(s), &want); err != nil || want == nil || s[0] != '"' || s[len(s)-1] != '"' {
			return // not a string as the host passes it
		}
		if !ok || got != *want && json.Valid([]byte(s)) && validUTF8(s) {
			t.Errorf("%s: got %q, want %q", s, got, *want)
		}
	})
}
