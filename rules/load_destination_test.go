package rules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
)

const someDestinations = `tenterhook: 1
vars: {team: soc}
tables: {fine: ["202"]}
hooks:
  - {name: h, type: event, auth: none, rules: [{name: a, log: x}]}
destinations:
  everything:
    url: https://siem.example/in?x=1
    method: PUT
    path: /events
    query: {source: okta, n: 1}
    headers: {Authorization: "Bearer ${env.SECRET}", X-Team: soc}
    encoding: form
    ok: string(status) in tables.fine or body.ok and vars.team == 'soc'
    key: X-Key
    timeout: 5s
    retry: {attempts: 7, first: 2s, max: 1m}
    breaker: {failures: 3, rest: 10s}
    concurrency: 4
    allow_private: [10.1.2.3/8, "fd00::/8"]
    proxy: http://proxy.example:3128
  least: {url: https://a.example}
  local: {url: "http://127.0.0.1:9000/x", allow_private: [127.0.0.0/8]}
  lines: {file: /var/log/audit.jsonl, rotate: {size: 16MiB, keep: 2}, key: id}
  out: {stdout: true}
`

func TestDestinations(t *testing.T) {
	got := load(t, someDestinations).Destinations()
	const secret = "t5mQzv0Lk2Rb8JxW"
	ok := got[0].OK
	got[0].OK = nil
	want := []destination.Spec{
		{Name: "everything", Kind: destination.HTTP, URL: "https://siem.example/in?x=1", Method: "PUT", Path: "/events",
			Query: map[string]string{"source": "okta", "n": "1"}, Headers: map[string]string{"Authorization": "Bearer " + secret, "X-Team": "soc"},
			Encoding: "form", Key: "X-Key", Timeout: 5 * time.Second, Retry: destination.Retry{Attempts: 7, First: 2 * time.Second, Max: time.Minute},
			Breaker: destination.Breaker{Failures: 3, Rest: 10 * time.Second}, Concurrency: 4,
			AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, Proxy: "http://proxy.example:3128"},
		{Name: "least", Kind: destination.HTTP, URL: "https://a.example"},
		{Name: "local", Kind: destination.HTTP, URL: "http://127.0.0.1:9000/x", AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		{Name: "lines", Kind: destination.File, File: "/var/log/audit.jsonl", Rotate: destination.Rotate{Size: 16 << 20, Keep: 2}, Key: "id"},
		{Name: "out", Kind: destination.Stdout},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d destinations", len(got))
	}
	for i := range want {
		t.Run(want[i].Name, func(t *testing.T) {
			type bare destination.Spec // as it prints when it hides nothing
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("got\n%+v\nwant\n%+v", bare(got[i]), bare(want[i]))
			}
		})
	}
	for _, tt := range []struct {
		name, body string
		status     int
		want       bool
	}{
		{"ByStatus", ``, 202, true},
		{"ByBody", `{"ok":true}`, 500, true},
		{"NotOK", `{"ok":false}`, 200, false},
		{"NoJSON", `ok`, 200, false},
		{"Forged", `null,"status":202,"x":1`, 200, false},
		{"Forged twice", `1},"y":{"body":{"ok":true}`, 200, false},
	} {
		t.Run("OK "+tt.name, func(t *testing.T) {
			if yes, err := ok(destination.Answer{Status: tt.status, Body: []byte(tt.body)}); err != nil || yes != tt.want {
				t.Errorf("got %v, %v", yes, err)
			}
		})
	}
}

func TestDestinationOK(t *testing.T) {
	tests := []struct {
		name, ok string
		status   int
		headers  map[string][]string
		body     string
		want     bool
		err      error
	}{
		{"Text", `body == 'ok'`, 200, nil, "ok", true, nil},
		{"NotUTF8", `len(body) == 1`, 200, nil, "\xff", true, nil},
		{"Deep", `body[0] != nil`, 200, nil, strings.Repeat("[", 64) + strings.Repeat("]", 64), true, nil},
		{"TooDeep", `hasPrefix(body, '[[')`, 200, nil, strings.Repeat("[", 65) + strings.Repeat("]", 65), true, nil},
		{"CutShort", `body.ok`, 200, nil, `{"ok":tr`, false, nil},
		{"Header", `headers.location == nil and headers["x-a"] == 'b, c'`, 200, map[string][]string{"X-A": {"b", "c"}}, "", true, nil},
		{"SeveralSpellings", `headers.a == '1, 2'`, 200, map[string][]string{"A": {"1"}, "a": {"2"}}, "", true, nil},
		{"Missing", `body.error.code == 0`, 200, nil, "{}", false, nil},
		{"NoBoolean", `body`, 200, nil, `"yes"`, false, runtime.ErrValue},
		{"Endless", `all(1..10000, all(1..10000, # > 0))`, 200, nil, "", false, runtime.ErrFuel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := policy("event", "", "- {name: a, log: x}") + fmt.Sprintf("destinations:\n  d: {url: \"https://a.example\", ok: %q}\n", tt.ok)
			yes, err := load(t, text).Destinations()[0].OK(destination.Answer{Status: tt.status, Header: tt.headers, Body: []byte(tt.body)})
			if yes != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v", yes, err)
			}
		})
	}
}

func TestDestinationHidesItsSecrets(t *testing.T) {
	d := load(t, someDestinations).Destinations()[0]
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var line strings.Builder
	slog.New(slog.NewTextHandler(&line, nil)).Info("x", "d", d, "p", &d)
	all := fmt.Sprintf("%v %+v %#v %s %q %d %v", d, d, d, d, d, d, []destination.Spec{d}) + string(text) + line.String()
	if strings.Contains(all, "a secret") || !strings.Contains(all, "everything") {
		t.Error(all)
	}
}

// TestCheckWithoutEnvironment: an unset variable is only a warning when a policy is checked.
func TestCheckWithoutEnvironment(t *testing.T) {
	f := folder.New(map[string][]byte{"policy.yaml": []byte(someDestinations)})
	s, err := rules.Load(f, rules.Options{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := strings.Count(s.Warnings().Error(), "the environment has no SECRET"); n != 1 {
		t.Errorf("got %d warnings of it:\n%s", n, s.Warnings().Error())
	}
}

// TestDestinationAddress: a destination at a private address that it does not permit is a problem
// at the line of its url.
func TestDestinationAddress(t *testing.T) {
	text := policy("event", "", "- {name: a, log: x}") + "destinations:\n  d: {url: \"https://10.0.0.1/x\"}\n"
	_, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{})
	if err == nil || !strings.Contains(err.Error(), "10.0.0.1 is private; allow_private can permit it") {
		t.Errorf("got %v", err)
	}
}
