package cli

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func TestInert(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "{\n\t\"a\": \"é 漢\"\n}", "{\n\t\"a\": \"é 漢\"\n}"},
		{"a control of eight bits", `"` + "\u009b31m\u007f\u0080" + `"`, `"\u009b31m\u007f\u0080"`},
		{"a control of seven bits", "\x1b[2J\r", `\u001b[2J\u000d`},
		{"turned around", `"` + "\u202eabc\u2066\u200f\u2028" + `"`, `"\u202eabc\u2066\u200f\u2028"`},
		{"a tag", `"` + "\U000e0041" + `"`, `"\udb40\udc41"`},
		{"no character", "\"\x9b\"", `"\ufffd"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			n, err := inert{&out}.Write([]byte(test.text))
			if n != len(test.text) || err != nil || out.String() != test.want {
				t.Errorf("got %q, %d, %v, want %q", out.String(), n, err, test.want)
			}
			var was, is any
			if json.Unmarshal([]byte(test.text), &was) == nil && (json.Unmarshal(out.Bytes(), &is) != nil || !reflect.DeepEqual(is, was)) {
				t.Errorf("%s is other JSON than %q", out.Bytes(), test.text)
			}
		})
	}
}

// TestEventsAreInert shows that what an event holds does not reach the terminal as it is.
func TestEventsAreInert(t *testing.T) {
	var out bytes.Buffer
	p := &Program{Stdout: &out}
	if err := p.printJSON([]byte("{\"a\":\"\u009b2J\u202e\x7f\"}")); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"a\": \"\\u009b2J\\u202e\\u007f\"\n}\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
