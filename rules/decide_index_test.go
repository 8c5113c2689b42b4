package rules_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
)

// generator makes policies of many rules, and calls, out of few words, so that rules meet calls.
type generator struct {
	*rand.Rand
	favourites []string // members that most conditions look at
}

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) word() string {
	return g.one("a", "b", "ab", "abc", "abcd", "b.example", "ab.example", "", "é", "x@a.example", "y@ab.example")
}

func (g generator) quotedWord() string { return "'" + g.word() + "'" }

// member returns an operand of a condition: a member of the event, a let or a function of one.
func (g generator) member() string {
	if g.IntN(3) > 0 {
		return g.one(g.favourites...)
	}
	return g.anyMember()
}

func (g generator) anyMember() string {
	return g.one("M.a", "M.b", "M.b", "M.c", "M?.d", "low", "dom", "twice", "other", "bad", "lower(M.a)", "domain(M.b)", "M.e.f", "M['g']", "M.a")
}

// condition returns a condition that compiles: domain never gives a Unicode name.
func (g generator) condition() string {
	when := g.test(0)
	if strings.Contains(when, "dom") {
		return strings.ReplaceAll(when, "é", "xn--9ca")
	}
	return when
}

// test is a condition on few members.
func (g generator) test(depth int) string {
	x, w, loose := g.member(), g.quotedWord(), g.one("M.a", "M.b", "other")
	switch g.IntN(16) {
	case 0, 1, 2, 3:
		return x + " == " + w
	case 4:
		return w + " == " + x
	case 5:
		return fmt.Sprintf("%s in [%s, %s, %s]", x, w, g.quotedWord(), g.one(g.quotedWord(), "7", "nil", "true"))
	case 6, 7:
		return x + " startsWith " + w
	case 8:
		return fmt.Sprintf("hasPrefix(%s, %s)", x, w)
	case 9:
		return g.one(x+" != nil", x+" == nil", x+" != "+w, loose+" == 7", loose+" != true", x+" endsWith "+w, x+" contains "+w, x+" in vars.words", x+" < 'b'")
	case 10:
		return x + " == vars.word"
	case 11:
		return g.one("any(M.list, # == "+w+")", "len(M.list) > 1", x+" matches '^a'", "true", "M.flag", x+" in tables.t", "M.a == M.b", "uuid() != ''")
	}
	if depth > 2 {
		return x + " == " + w
	}
	switch g.IntN(4) {
	case 0:
		return "not (" + g.test(depth+1) + ")"
	case 1:
		return "(" + g.test(depth+1) + " or " + x + " == " + w + ")"
	case 2:
		return "(" + x + " == " + w + " or " + x + " startsWith " + g.quotedWord() + " or " + x + " == " + g.quotedWord() + ")"
	}
	return g.test(depth+1) + " and " + g.test(depth+1)
}

// policy returns a policy with one hook of n rules. Some stop, fail, have `missing: match`, have a
// budget or write random values.
func (g generator) policy(kind string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "- name: r%d\n", i)
		if g.IntN(20) > 0 {
			fmt.Fprintf(&b, "  when: %q\n", g.condition())
			if g.IntN(4) == 0 {
				b.WriteString("  missing: match\n")
			}
		}
		if kind == "event" && g.IntN(3) > 0 {
			fmt.Fprintf(&b, "  on: ['%s', '%s']\n", g.one("user.session.start", "user.session.*", "*", "user.*"), g.one("user.session.end", "user.session.start"))
		}
		switch g.IntN(30) {
		case 0:
			b.WriteString("  stop: true\n")
		case 1:
			fmt.Fprintf(&b, "  budget: {fuel: %d}\n", 1+g.IntN(2)*1000)
		}
		if kind == "registration" && g.IntN(10) == 0 {
			fmt.Fprintf(&b, "  profile: {x: '${%s}'}\n", g.one("M.a", "M.c", "uuid()"))
		}
		fmt.Fprintf(&b, "  log: '%d ${uuid()} ${M.a}'\n", i)
		if kind == "registration" && g.IntN(40) == 0 {
			b.WriteString("  deny: no\n")
		}
	}
	lets := "let:\n  low: lower(M.a)\n  dom: lower(domain(M.b))\n  twice: trim(low)\n  other: M.b\n  bad: trim(M.c)"
	text := policy(kind, lets, b.String()) + "vars: {word: ab, words: [a, abc]}\ntables: {t: [a, ab]}\n"
	at := "data.userProfile"
	if kind == "event" {
		at = "event.debugContext.debugData"
	}
	return strings.ReplaceAll(text, "M", at)
}

// value is a member's: mostly a text.
func (g generator) value() string {
	if g.IntN(4) > 0 {
		text, _ := json.Marshal(g.one(g.word(), g.word(), strings.ToUpper(g.word()), " "+g.word(), g.word()+"e"))
		return string(text)
	}
	return g.one("null", "7", "true", "[]", `["a"]`, "{}", `{"f": "a"}`, "7.5")
}

func (g generator) body(kind string) string {
	var members []string
	for _, name := range []string{"a", "b", "c", "d", "e", "g", "list", "flag"} {
		if g.IntN(3) > 0 {
			members = append(members, fmt.Sprintf("%q: %s", name, g.value()))
		}
	}
	object := "{" + strings.Join(members, ", ") + "}"
	if kind == "event" {
		return delivery(fmt.Sprintf(`{"uuid": "u", "eventType": %q, "debugContext": {"debugData": %s}}`, g.one("user.session.start", "user.session.end", "x", "user.session."), object))
	}
	return fmt.Sprintf(`{"requestType": "self.service.registration", "data": {"userProfile": %s, "action": "ALLOW"}}`, object)
}

// whole formats a decision without fuel and time: with an index, another rule may be the first to
// read a member and pay for it.
func whole(d *rules.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %v\n", d.Outcome, d.Answer, d.Exhausted)
	for _, r := range d.Results {
		fmt.Fprintf(&b, "%d %v %v\n", r.Rule, r.Matched, r.Err)
	}
	for _, l := range d.Logs {
		fmt.Fprintf(&b, "%s: %s\n", l.Rule, l.Text)
	}
	fmt.Fprintf(&b, "%v %v\n", d.Conflicts, d.Actions)
	return b.String()
}

// sameBothWays decides calls by an indexed hook and by one that looks at every rule. It reports
// whether there was an index.
func sameBothWays(t *testing.T, seed uint64, calls int) bool {
	g := generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	g.favourites = []string{g.anyMember(), g.anyMember()}
	kind := g.one("registration", "event")
	text := g.policy(kind, 30+g.IntN(120))
	folder := folder.New(map[string][]byte{"policy.yaml": []byte(text)})
	random := runtime.NewRandom(nil)
	var hooks [2]*rules.Hook
	for i := range hooks {
		s, err := rules.Load(folder, rules.Options{Random: random})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		defer s.Close()
		hooks[i] = s.Hook("h")
	}
	indexed := hooks[1].Plain()
	for range calls {
		body := g.body(kind)
		var d [2]rules.Decision
		fixed := &rules.Fixed{Seed: [32]byte{1}}
		for i := range d {
			d[i].Fixed = fixed
			hooks[i].Decide(call(t, hooks[i], body), &d[i])
		}
		if got, want := whole(&d[0]), whole(&d[1]); got != want {
			t.Fatalf("seed %d:\n%s\n%s\ngot\n%s\nwant\n%s", seed, text, body, got, want)
		}
	}
	return indexed
}

// TestIndexChangesNothing: the condition of a rule that the index skips is false and does not fail.
func TestIndexChangesNothing(t *testing.T) {
	n := uint64(150)
	if testing.Short() {
		n = 12
	}
	indexed := 0
	for seed := range n {
		if sameBothWays(t, seed, 20) {
			indexed++
		}
	}
	if indexed < int(n)/2 {
		t.Errorf("%d of %d hooks were indexed", indexed, n)
	}
}

// FuzzIndex is TestIndexChangesNothing for any seed.
func FuzzIndex(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { sameBothWays(t, seed, 5) })
}
