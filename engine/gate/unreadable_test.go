package gate

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestRepairText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"Plain", `{"a":"b"}`, `{"a":"b"}`},
		{"Pair", `"\ud83d\ude39"`, `"\ud83d\ude39"`},
		{"High", `"x\ud83d"`, `"x\uFFFD"`},
		{"Low", `"\uDE39x"`, `"\uFFFDx"`},
		{"TwoHighAndLow", `"\ud83d\ud83d\ude39"`, `"\uFFFD\ud83d\ude39"`},
		{"HighAndEscape", `"\ud83d\n"`, `"\uFFFD\n"`},
		{"Reversed", `"\ude39\ud83d"`, `"\uFFFD\uFFFD"`},
		{"EscapedBackslash", `"\\ud83d"`, `"\\ud83d"`},
		{"CutEscape", `"\ud83`, `"\ud83`},
		{"NoHex", `"\ud8zz"`, `"\ud8zz"`},
		{"LoneBackslash", `\`, `\`},
		{"BadByte", "\"a\xffb\"", "\"a\ufffdb\""},
		{"CodedSurrogate", "\"\xed\xa0\x80\"", "\"\ufffd\ufffd\ufffd\""},
		{"Replacement", "\"\ufffd\"", "\"\ufffd\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, changed := repairText([]byte(tt.text))
			if string(got) != tt.want || changed != (tt.text != tt.want) {
				t.Errorf("got %q, %t", got, changed)
			}
		})
	}
}

// FuzzRepairText: a repaired text means what encoding/json reads in the original, which replaces
// the same bytes, and needs no second repair. A text that is strict JSON is not changed.
func FuzzRepairText(f *testing.F) {
	for _, text := range []string{`{"a":"\ud83d"}`, "\"\xff\\u\"", `"\ud83d\ude39\\"`, `[1,"\udc00\ud800"]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, changed := repairText(text)
		if _, again := repairText(got); again && json.Valid(got) {
			t.Errorf("%q needs another repair: %q", text, got)
		}
		if new(jsondoc.Doc).Parse(text, jsondoc.Limits{}) == nil && changed {
			t.Errorf("%q is changed to %q", text, got)
		}
		var before, after any
		if json.Unmarshal(text, &before) == nil && (json.Unmarshal(got, &after) != nil || !reflect.DeepEqual(before, after)) {
			t.Errorf("%q means %v, %q means %v", text, before, got, after)
		}
	})
}

// TestCheckAddressee: a body that cannot be parsed strictly still shows its type and org.
func TestCheckAddressee(t *testing.T) {
	tests := []struct {
		name, body string
		want       reason
	}{
		{"Own", `{"eventType":"com.okta.user.pre-registration","a":1,"a":2}`, admitted},
		{"Truncated", `{"eventType":"com.okta.saml.tokens.transform",`, admitted},
		{"OtherType", `{"eventType":"com.okta.saml.tokens.transform","a":1,"a":2}`, wrongEventType},
		{"NoType", `{"a":1,"a":2}`, wrongEventType},
		{"TypeIsNoText", `{"eventType":1,"a":1,"a":2}`, wrongEventType},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newGate(t, hook.Registration)
			c := newRequest(t, g, nil).Conn().(*conn)
			if got := g.checkAddressee(c, []byte(tt.body)); got != tt.want {
				t.Errorf("got reason %d, want %d", got, tt.want)
			}
		})
	}
}
