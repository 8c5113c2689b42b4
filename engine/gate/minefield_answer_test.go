package gate_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestMinefieldAnswers: a module returns each shape as a value, a name, the whole draft, and behind
// a draft. The answer means what encoding/json reads, or the whole draft is rejected and the hook's
// failure answer goes out.
func TestMinefieldAnswers(t *testing.T) {
	d, _ := startObserver(t)
	f := shapeClient{t: t, gate: d, line: d.dial(), hook: "says"}
	for _, s := range shapes(2) {
		if len(s.text) > 100_000 {
			continue // larger than a draft may be
		}
		value, name := `{"debugContext":{"x":`+s.text+`}}`, `{"debugContext":{`+s.text+`:1}}`
		text, ok := s.asName()
		f.checkDraft(s, value, "x", s.want != rejected)
		f.checkDraft(s, name, text, ok)
		for _, draft := range []string{s.text + `{"debugContext":{"x":1}}`, `{"debugContext":{"x":1}}` + s.text} {
			f.checkDraft(s, draft, "x", strings.TrimSpace(s.text) == "")
		}
		profile := `{"commands":[{"type":"com.okta.user.profile.update","value":{"x":` + s.text + `}}]}`
		if a := f.answerTo(s, profile); a["error"] == nil {
			want, err := decodeJSON([]byte(profile))
			if err != nil || s.want == rejected || !reflect.DeepEqual(any(a), want) {
				t.Errorf("%s: answered %.300v", s.name, a)
			}
		}
	}
}

// answerTo has the module return a draft, and parses the answer strictly.
func (f *shapeClient) answerTo(s shape, draft string) map[string]any {
	f.t.Helper()
	eventType := "com.okta.user.pre-registration"
	if f.hook == "merges" {
		eventType = "com.okta.oauth2.tokens.transform"
	}
	status, text := f.send(fmt.Sprintf(`{"eventType":%q,"data":{"access":{"claims":{}}},"draft":"%x"}`, eventType, draft))
	var doc jsondoc.Doc
	v, err := decodeJSON([]byte(text))
	if strict := doc.Parse([]byte(text), jsondoc.Limits{}); status != 200 || err != nil || strict != nil {
		f.t.Errorf("%s: got %d %.300q, %v, %v", s.name, status, text, err, strict)
	}
	answer, _ := v.(map[string]any)
	return answer
}

// checkDraft compares the answer to a draft with the draft's debugContext.
func (f *shapeClient) checkDraft(s shape, draft, name string, read bool) {
	f.t.Helper()
	answer := f.answerTo(s, draft)
	for range 2 {
		if read && answer["error"] != nil { // on a busy machine the rule may have timed out
			answer = f.answerTo(s, draft)
		}
	}
	debug, _ := answer["debugContext"].(map[string]any)
	if !read {
		if answer["error"] == nil || debug != nil {
			f.t.Errorf("%s: %.300q was taken: %.300v", s.name, draft, answer)
		}
		return
	}
	want, err := decodeJSON([]byte(draft))
	if err != nil {
		f.t.Errorf("%s: %v", s.name, err)
		return
	}
	wanted := want.(map[string]any)["debugContext"].(map[string]any)
	if v, ok := debug[name]; !ok || !reflect.DeepEqual(v, wanted[name]) || answer["error"] != nil {
		f.t.Errorf("%s: answered %.300v, want %.300v", s.name, answer, wanted)
	}
}

// TestMinefieldMerged: a module escapes a name of an earlier rule in another way. It is the same
// name, and the module's value counts.
func TestMinefieldMerged(t *testing.T) {
	d, _ := startObserver(t)
	f := shapeClient{t: t, gate: d, line: d.dial(), hook: "merges"}
	tests := []struct{ name, means, pointer string }{
		{`x`, "x", "/claims/x"},
		{`\u0078`, "x", "/claims/x"},
		{`a\/b`, "a/b", "/claims/a~1b"},
		{`a\u002fb`, "a/b", "/claims/a~1b"},
		{`\u00e9`, "é", "/claims/é"},
		{`\u00E9`, "é", "/claims/é"},
		{`\uD834\uDD1E`, "𝄞", "/claims/𝄞"},
	}
	for _, tt := range tests {
		path := strings.NewReplacer(`\/`, `~1`, `\u002f`, `\u007e1`).Replace(tt.name)
		draft := `{"debugContext":{"` + tt.name + `":1},"commands":[{"type":"com.okta.access.patch","value":[` +
			`{"op":"add","path":"\/claims\u002F` + path + `","value":1}]}]}`
		a := f.answerTo(shape{name: tt.name}, draft)
		for range 2 {
			if a["error"] != nil {
				a = f.answerTo(shape{name: tt.name}, draft)
			}
		}
		debug, _ := a["debugContext"].(map[string]any)
		if len(debug) != 4 || debug[tt.means] != json.Number("1") {
			t.Errorf("%s: debugContext %v", tt.name, debug)
		}
		said := make(map[any]any)
		for _, c := range elements(a["commands"]) {
			for _, op := range elements(c.(map[string]any)["value"]) {
				op := op.(map[string]any)
				said[op["path"]] = op["value"] // Okta applies them in order
			}
		}
		if len(said) != 4 || said[tt.pointer] != json.Number("1") {
			t.Errorf("%s: patched %v", tt.name, said)
		}
	}
}

func elements(v any) []any { all, _ := v.([]any); return all }
