package hook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

func actions(list string) string { return `{"actions":[` + list + `]}` }

func TestCheckActions(t *testing.T) {
	for _, test := range []struct{ name, draft, want string }{
		{"the least", actions(`{"to":"slack"}`), ""},
		{"everything", actions(`{"to":"a","method":"PUT","path":"/x/%20","query":{"q":"a b"},"headers":{"X-A":"b\tc"},"encoding":"form","body":[1],"key":"k"}`), ""},
		{"nulls", actions(`{"to":"a","method":null,"path":null,"query":null,"headers":{"a":null},"encoding":null,"body":null,"key":null}`), ""},
		{"no list", `{"actions":{"to":"a"}}`, "actions: want an array of actions, got an object"},
		{"no object", actions(`"slack"`), "actions[0]: want an object with to, got a string"},
		{"nobody", actions(`{"to":""},{"to":1}`), "actions[0].to: want the name of a destination, got an empty string\nactions[1].to: want the name of a destination, got a number"},
		{"an unknown member", actions(`{"to":"a","url":"https://evil.example"}`), "actions[0].url: unknown member of an action; want to, method, path, query, headers, encoding, body or key"},
		{"a misspelt member", actions(`{"to":"a","header":{}}`), "actions[0].header: unknown member of an action, did you mean headers?"},
		{"a method that is none", actions(`{"to":"a","method":"CONNECT"}`), "actions[0].method: unknown method; want POST, PUT, PATCH, DELETE or GET"},
		{"a lower-case method", actions(`{"to":"a","method":"put"}`), "actions[0].method: unknown method, did you mean PUT?"},
		{"an encoding that is none", actions(`{"to":"a","encoding":"jsn"}`), "actions[0].encoding: unknown encoding, did you mean json?"},
		{"a query in the path", actions(`{"to":"a","path":"/x?y"}`), "actions[0].path: want a path alone, percent-encoded: a query goes into query"},
		{"white space in the path", actions(`{"to":"a","path":"/x y"}`), "actions[0].path: want a path alone, percent-encoded: a query goes into query"},
		{"a path that climbs", actions(`{"to":"a","path":"/x/../y"}`), "actions[0].path: want a path without . and .. segments"},
		{"a path of a number", actions(`{"to":"a","path":1}`), "actions[0].path: want a text, got a number"},
		{"a query of texts", actions(`{"to":"a","query":{"a":1,"b c":[]}}`), `actions[0].query.a: want a text, got a number` + "\n" + `actions[0].query["b c"]: want a text, got an array`},
		{"headers in a list", actions(`{"to":"a","headers":[]}`), "actions[0].headers: want an object of texts, got an array"},
		{"a second request in a header", actions(`{"to":"a","headers":{"X-A":"b\r\nHost: evil.example"}}`), `actions[0].headers["X-A"]: want a header's value without control characters`},
		{"a header's name", actions(`{"to":"a","headers":{"X A":"b","":"c"}}`), `actions[0].headers["X A"]: want the name of a header: letters, digits and hyphens` + "\n" + `actions[0].headers[""]: want the name of a header: letters, digits and hyphens`},
		{"a header that frames", actions(`{"to":"a","headers":{"host":"b","Transfer-Encoding":"c","Proxy-X":"d"}}`),
			"actions[0].headers.host: this header is not a rule's to set\n" + `actions[0].headers["Transfer-Encoding"]: this header is not a rule's to set` + "\n" + `actions[0].headers["Proxy-X"]: this header is not a rule's to set`},
		{"a key", actions(`{"to":"a","key":"a b"},{"to":"a","key":""},{"to":"a","key":"` + strings.Repeat("x", 256) + `"}`),
			"actions[0].key: want 1 to 255 visible ASCII characters\nactions[1].key: want 1 to 255 visible ASCII characters\nactions[2].key: want 1 to 255 visible ASCII characters"},
		{"too many", actions(strings.Repeat(`{"to":"a"},`, 256) + `{"to":"a"}`), "actions: want at most 256 actions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strings.TrimSuffix(lines(hook.CheckDraft(hook.EventHook, &hook.Draft{JSON: []byte(test.draft)})), "\n")
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// actionList writes the merge's actions, one a line.
func actionList(m *hook.Merge) string {
	var all []string
	for _, a := range m.Actions() {
		all = append(all, fmt.Sprintf("%s %s %s", a.Rule, a.To, a.Append(nil, []byte(`{"default": true}`))))
	}
	return strings.Join(all, "\n")
}

func TestMergeActions(t *testing.T) {
	e := event(t, hook.Registration, signupCall)
	var m hook.Merge
	m.Begin(e)
	m.Allow([]string{"slack", "siem"})
	for _, test := range []struct {
		name, draft string
		refused     string
		want        string
	}{
		{"one", actions(` { "to" : "slack", "method": null, "query" : {"a b": "c d"} } `), "", `one slack {"to":"slack","query":{"a b":"c d"},"body":{"default":true}}`},
		{"no such destination", actions(`{"to":"slak"}`), "actions[0].to: there is no such destination, did you mean slack?", ""},
		{"beside what is refused", `{"commands":[{"type":"com.okta.nothing"}],"actions":[{"to":"slack"}]}`, "commands[0].type", ""},
		{"after the commands are refused", `{"commands":[{"type":"com.okta.user.progressive.profile.update","value":{"a":1}}],"actions":[{"to":"slack"}]}`, "this call takes", ""},
		{"beside an error", `{"error":"no","actions":[{"to":"siem","body":null},{"to":"slack","body":[ 1 ]}]}`, "",
			`beside an error siem {"to":"siem","body":null}` + "\n" + `beside an error slack {"to":"slack","body":[1]}`},
		{"too many in all", actions(strings.Repeat(`{"to":"slack"},`, 255) + `{"to":"slack"}`), "actions: want at most 256 actions for one event", ""},
	} {
		before := actionList(&m)
		err := m.Add(test.name, &hook.Draft{JSON: []byte(test.draft)})
		if test.refused == "" && err != nil || test.refused != "" && (!errors.Is(err, hook.ErrContract) || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.refused)
		}
		if got := strings.TrimPrefix(strings.TrimPrefix(actionList(&m), before), "\n"); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
	if answer, err := m.Render(); err != nil || strings.Contains(string(answer), "slack") {
		t.Errorf("%s %v: an answer has no actions in it", answer, err)
	}
	m.Begin(e)
	if len(m.Actions()) > 0 || !m.Empty() {
		t.Errorf("got %s after Begin", actionList(&m))
	}
	if err := m.Add("any", &hook.Draft{JSON: []byte(actions(`{"to":"teams"}`))}); err != nil || !m.Empty() {
		t.Errorf("%v: without Allow any name will do, and an action is nothing to say", err)
	}
	m.Begin(e)
	if m.Allow(nil); m.Add("none", &hook.Draft{JSON: []byte(actions(`{"to":"teams"}`))}) == nil {
		t.Error("there are no destinations, and one was found")
	}
}

func TestEventPattern(t *testing.T) {
	for _, test := range []struct {
		pattern hook.EventPattern
		typ     string
		want    bool
	}{
		{"user.session.start", "user.session.start", true},
		{"user.session.start", "user.session.start.x", false},
		{"user.session.*", "user.session.start", true},
		{"user.session.*", "user.session.context.change", true},
		{"user.session.*", "user.session.", false},
		{"user.session.*", "user.session", false},
		{"user.session.*", "user.sessions.start", false},
		{"*", "anything", true},
		{"*", "", false},
		{"user.sess*", "user.session", false},
	} {
		if got := test.pattern.Matches(test.typ); got != test.want {
			t.Errorf("%s matches %q: %v", test.pattern, test.typ, got)
		}
	}
	if n := len(hook.EventTypes()); n != 314 {
		t.Errorf("got %d event types, the catalogue has 314", n)
	}
	for _, typ := range hook.EventTypes() {
		if !hook.Subscribable(typ) || hook.EventPattern(typ).Check(nil) != "" {
			t.Errorf("%s is not known", typ)
		}
	}
	if hook.Subscribable("user.session") || hook.Subscribable("") || hook.Subscribable("USER.SESSION.START") {
		t.Error("a type is known that Okta does not have")
	}
}

func TestAppendDelivery(t *testing.T) {
	const text = ` { "eventId": "d", "data" : { "x": [1], "events": [ {"uuid": "a"} , {"uuid": "b"} ], "y": 2 }, "source": "s" } `
	d := parse(t, text)
	for i, want := range []string{
		`{ "eventId": "d", "data" : { "x": [1], "events": [{"uuid": "a"}], "y": 2 }, "source": "s" }`,
		`{ "eventId": "d", "data" : { "x": [1], "events": [{"uuid": "b"}], "y": 2 }, "source": "s" }`,
	} {
		if got := string(hook.AppendDelivery(nil, d, hook.Events(d).At(i))); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if n := hook.Events(parse(t, `{"data":{"events":{}}}`)).Len(); n != 0 {
		t.Errorf("got %d events of what is no list", n)
	}
}
