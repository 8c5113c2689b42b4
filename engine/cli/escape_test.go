package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/suite"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestEscapingWriter(t *testing.T) {
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
			n, err := escapingWriter{&out}.Write([]byte(test.text))
			if n != len(test.text) || err != nil || out.String() != test.want {
				t.Errorf("got %q, %d, %v, want %q", out.String(), n, err, test.want)
			}
			var was, is any
			if json.Unmarshal([]byte(test.text), &was) == nil && (json.Unmarshal(out.Bytes(), &is) != nil || !reflect.DeepEqual(is, was)) {
				t.Errorf("%s is different JSON from %q", out.Bytes(), test.text)
			}
		})
	}
}

// TestPrintJSONEscapes: the content of an event reaches the terminal only escaped.
func TestPrintJSONEscapes(t *testing.T) {
	var out bytes.Buffer
	p := &Program{Stdout: &out}
	if err := p.printJSON([]byte("{\"a\":\"\u009b2J\u202e\x7f\"}")); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"a\": \"\\u009b2J\\u202e\\u007f\"\n}\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestOutputEscapes: calls, policies and servers' answers reach the terminal only escaped.
func TestOutputEscapes(t *testing.T) {
	const hostile = "\x1b[2J\a\r\u009b31m\u202e\x7f"
	var out, errs bytes.Buffer
	p := &Program{Stdout: &out, Stderr: &errs}
	d := &rules.Decision{Trace: &rules.Trace{Rules: []rules.RuleTrace{{Rule: "r", When: hostile, Draft: hostile, Err: errors.New(hostile)}}},
		Answer: []byte(hostile), Logs: []rules.Log{{Rule: "r", Text: hostile}}}
	h := &rules.Hook{Name: "h", Type: hook.Registration}
	for _, asJSON := range []bool{false, true} {
		d.Answer = []byte(`"` + "\u009b\u202e" + `"`)
		if err := p.reportDecision(h, d, runFlags{explain: true, json: asJSON}); err != nil {
			t.Fatal(err)
		}
	}
	c := caller{p: p}
	c.report(&exchange{Question: []byte("{}"), Status: 200, raw: []byte(hostile), Problems: []string{hostile}}, false)
	r := &suite.Report{Cases: []suite.Result{{Name: hostile, Failures: []suite.Failure{{What: hostile, Text: hostile}}}}}
	for _, asJSON := range []bool{false, true} {
		_ = p.reportTests(testRun{testFlags: testFlags{json: asJSON}}, r)
	}
	for _, text := range []string{out.String(), errs.String()} {
		if strings.ContainsAny(text, hostile[:1]+"\a\r\u009b\u202e\x7f") || !strings.Contains(text, `\u009b`) {
			t.Errorf("%q", text)
		}
	}
}
