package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// crowd is a hook with n rules, of which one is for the call.
func crowd(kind string, n int) (text, body string) {
	var b strings.Builder
	hookType, types := "", hook.EventTypes()
	for i := range n {
		fmt.Fprintf(&b, "- {name: r%d, stop: true, ", i)
		switch hookType = "registration"; kind {
		case "exact", "plain":
			fmt.Fprintf(&b, "when: data.action != nil and data.userProfile.email == 'u%d@x.org'}\n", i)
		case "prefix":
			fmt.Fprintf(&b, "when: data.userProfile.email startsWith 'u%d@'}\n", i)
		case "let":
			fmt.Fprintf(&b, "when: \"dom in ['d%d.x.org', 'e%d.x.org']\"}\n", i, i)
		case "on":
			hookType = "event"
			fmt.Fprintf(&b, "on: %s, when: event.actor.id == 'u%d'}\n", types[(i+1)%10], i)
		}
	}
	if hookType == "event" {
		return policy(hookType, "", b.String()), delivery(fmt.Sprintf(`{"uuid": "u", "eventType": %q, "actor": {"id": "u%d"}}`, types[n%10], n-1))
	}
	body = fmt.Sprintf(`{"requestType": "self.service.registration", "data": {"userProfile": {"email": "u%d@x.org"}, "action": "ALLOW"}}`, n-1)
	if kind == "let" {
		body = strings.Replace(body, "@x.org", fmt.Sprintf("@D%d.x.org", n-1), 1)
		return policy(hookType, "let: {dom: domain(data.userProfile.email)}", b.String()), body
	}
	return policy(hookType, "", b.String()), body
}

// TestManyRules: the one of them that is for the call is found, and nothing is allocated for that.
func TestManyRules(t *testing.T) {
	for _, kind := range []string{"exact", "prefix", "let", "on"} {
		t.Run(kind, func(t *testing.T) {
			text, body := crowd(kind, 300)
			h := load(t, text).Hook("h")
			c := call(t, h, body)
			d := rules.Decision{Fixed: &rules.Fixed{}}
			h.Decide(c, &d)
			if got := describeDecision(h, &d); got != "r299" {
				t.Errorf("got %s", got)
			}
			if d.Fuel > 100 {
				t.Errorf("%d fuel for one of 300 rules", d.Fuel)
			}
			if raced {
				return
			}
			if n := testing.AllocsPerRun(100, func() { h.Decide(c, &d) }); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func BenchmarkDecideMany(b *testing.B) {
	for _, kind := range []string{"exact", "prefix", "let", "on", "plain"} {
		for _, n := range []int{10, 200, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				text, body := crowd(kind, n)
				h := load(b, text).Hook("h")
				if kind == "plain" {
					h.Plain()
				}
				c := call(b, h, body)
				var d rules.Decision
				b.ReportAllocs()
				for b.Loop() {
					h.Decide(c, &d)
				}
			})
		}
	}
}

func BenchmarkLoadMany(b *testing.B) {
	text, _ := crowd("exact", 10_000)
	folder := folder.New(map[string][]byte{"policy.yaml": []byte(text)})
	b.ReportAllocs()
	for b.Loop() {
		s, err := rules.Load(folder, rules.Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
