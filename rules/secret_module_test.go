package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// mirror is a module that puts a password between two texts.
func mirror(t *testing.T, before, behind string) []byte {
	t.Helper()
	code := guest(t, "mirror")
	for was, is := range map[string]string{fmt.Sprintf("%-64s", `{"debugContext":{"p":`): fmt.Sprintf("%-64s", before), fmt.Sprintf("%-16s", "}}"): fmt.Sprintf("%-16s", behind)} {
		if bytes.Count(code, []byte(was)) != 1 || len(was) != len(is) {
			t.Fatalf("%q cannot be put in the place of %q", is, was)
		}
		code = bytes.Replace(code, []byte(was), []byte(is), 1)
	}
	return code
}

// TestDiscreet: a module cannot say a password as it came, and asks for nothing to be sent, unless
// its rule says so.
func TestDiscreet(t *testing.T) {
	tests := []struct {
		name           string
		before, behind string
		password       string // as JSON
		reveal         string
		told           bool
	}{
		{"Debug", `{"debugContext":{"p":`, `}}`, `"hunter2"`, "", false},
		{"DebugRevealed", `{"debugContext":{"p":`, `}}`, `"hunter2"`, "debug", true},
		{"Escaped", `{"debugContext":{"p":`, `}}`, `"h\u0075nter\"2"`, "", false},
		{"Part", `{"debugContext":{"p":["x",{"q":`, `}]}}`, `"hunter2"`, "", false},
		{"Name", `{"debugContext":{"a":1,`, `:1}}`, `"hunter2"`, "", false},
		{"Word", `{"debugContext":{"p":`, `}}`, `"VERIFIED"`, "", false},
		{"Error", `{"error":`, `}`, `"hunter2"`, "", false},
		{"ErrorRevealed", `{"error":`, `}`, `"hunter2"`, "error", true},
		{"Command", `{"commands":[{"type":`, `}]}`, `"hunter2"`, "", false},
		{"Member", `{"commands":[],`, `:1}`, `"hunter2"`, "", false},
		{"Number", `{"debugContext":{"p":`, `}}`, `123456`, "", false},
		{"Short", `{"debugContext":{"p":`, `}}`, `"abc"`, "", true},
		{"Actions", `{"actions":[{"to":"d","body":`, `}]}`, `"hunter2"`, "", false},
		{"ActionsEncoded", `{"actions":[{"to":"d","body":1}],"debugContext":{"":`, `}}`, `"abc"`, "", false},
		{"ActionsRevealed", `{"actions":[{"to":"d","body":`, `}]}`, `"hunter2"`, "send", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reveal := ""
			if tt.reveal != "" {
				reveal = ", reveal: " + tt.reveal
			}
			h := newModuleFolder(t, "tenterhook: 1\ndestinations: {d: {stdout: true}}\n"+strings.TrimPrefix(policy("password-import", "", "- {name: r, wasm: modules/m.wasm"+reveal+"}"), "tenterhook: 1\n"))
			h.files["modules/m.wasm"] = mirror(t, tt.before, tt.behind)
			h.guests = guests(t, h.files)
			s := h.openSet(rules.Options{})
			if w := fmt.Sprint(s.Warnings()); !strings.Contains(w, "sees the password or one-time code") || strings.Contains(w, "leave it out of reveal") {
				t.Errorf("warnings: %s", w)
			}
			d := decideCall(t, s.Hook("h"), `{"data":{"context":{"credential":{"password":`+tt.password+`}}}}`, nil)
			err := d.Results[0].Err
			if told := err == nil; told != tt.told || !told && !errors.Is(err, hook.ErrContract) {
				t.Errorf("got %s, %v", d.Answer, err)
			}
			if err != nil && tt.reveal == "" && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells it: %v", err)
			}
		})
	}
	t.Run("WordOfTheContract", func(t *testing.T) {
		h := newModuleFolder(t, policy("password-import", "", "- {name: r, wasm: modules/m.wasm}"))
		h.files["modules/m.wasm"] = mirror(t, `{"commands":[{"type":`, "}]}")
		h.guests = guests(t, h.files)
		d := decideCall(t, h.openSet(rules.Options{}).Hook("h"), `{"data":{"context":{"credential":{"password":"com.okta.action.update"}}}}`, nil)
		if err := d.Results[0].Err; err == nil || strings.Contains(err.Error(), "password or one-time") {
			t.Errorf("got %v, want that the command has no value", err)
		}
	})
}
