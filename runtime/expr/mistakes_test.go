package expr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestMistakes(t *testing.T) {
	tests := []struct {
		src  string
		want []string // line:column: message, of every problem
	}{
		{``, []string{`1:1: want an expression, got nothing`}},
		{`data.`, []string{`1:5: the expression ends too soon`}},
		{`1 +`, []string{`1:3: the expression ends too soon`}},
		{`"a" matches '^\d+$'`, []string{"1:15: no such escape as \\d: want \\\\d, or the text in `backquotes`"}},
		{"'a' matches `^\\D+$`", nil},
		{`map([1], {'a': #})`, []string{`1:10: these braces contain the value for each element: write an object as {{'name': value}}`}},
		{`map([1], { a : #})`, []string{`1:10: these braces contain the value for each element: write an object as {{'name': value}}`}},
		{`map([1], {{'a': #}}) == nil`, nil},
		{`1 : 2`, []string{`1:3: unexpected token Operator(":")`}},
		{`"\ü"`, []string{"1:2: no such escape as \\ü: want \\\\ü, or the text in `backquotes`"}},
		{`data.userProfil.email`, []string{`1:6: unknown field userProfil, did you mean userProfile?`}},
		{`data.context.request.ipadress == "1"`, []string{`1:22: unknown field ipadress, did you mean ipAddress?`}},
		{"eventtype == 'a'\nor data.contxt.x", []string{`1:1: unknown name eventtype, did you mean eventType?`, `2:9: unknown field contxt, did you mean context?`}},
		{`"ü" + requestTyp`, []string{`1:7: unknown name requestTyp, did you mean requestType?`}},
		{`quite + 1`, []string{`1:1: unknown name quite`}},
		{`null`, []string{`1:1: unknown name null, did you mean nil?`}},
		{`tables.partner`, []string{`1:8: unknown table partner, did you mean partners?`}},
		{`tables.partners`, []string{`1:8: a table is not a value: want KEY in tables.NAME, tables.NAME[KEY] or len(tables.NAME)`}},
		{`tables`, []string{`1:1: want the table's name: tables.NAME`}},
		{`vars.compny`, []string{`1:6: unknown field compny, did you mean company?`}},
		{`vars.limits.ages`, []string{`1:13: unknown field ages, did you mean age?`}},
		{`lenght("a")`, []string{`1:1: unknown function lenght, did you mean len?`}},
		{`upperr("a")`, []string{`1:1: unknown function upperr, did you mean upper?`}},
		{`upper()`, []string{`1:1: want upper(text) text, got 0 arguments`}},
		{`upper(1)`, []string{`1:7: upper wants a text, got a number`}},
		{`1 + "a"`, []string{`1:3: + wants two numbers or two texts, got a number and a text`}},
		{`1 + true`, []string{`1:3: + wants a number or a text, got a boolean`}},
		{`eventType > 3`, []string{`1:11: > wants two numbers or two texts, got a text and a number`}},
		{`eventType == 3`, []string{`1:11: a text is never equal to a number`}},
		{`not eventType == "a"`, []string{`1:5: want a condition, got a text`, `1:15: a boolean is never equal to a text; not binds closer than ==: write not (…)`}},
		{`eventType and true`, []string{`1:1: want a condition, got a text`}},
		{`"a" ? 1 : 2`, []string{`1:1: want a condition, got a text`}},
		{`1 / 0`, []string{`1:3: division by zero`}},
		{`9223372036854775807 + 1`, []string{`1:21: a number beyond 64 bits`}},
		{`1..900000`, []string{`1:2: a range of more than 10000 numbers`}},
		{`any("a", true)`, []string{`1:5: any wants a list, got a text`}},
		{`any([1], #.a.b)`, nil},
		{`#`, []string{`1:1: unexpected token Operator("#")`}},
		{`any([1], #acc)`, []string{`1:10: unknown name #acc`}},
		{`any([1], # == "a") and len()`, []string{`1:24: want len(text, list, object or table) number, got 0 arguments`}},
		{`data.userProfile.list contains "x" and ["a"] contains "a"`, []string{`1:46: contains looks into a text: want VALUE in LIST`}},
		{`"a" in "abc"`, []string{`1:5: in wants a list, an object or a table on its right, got a text: want TEXT contains PART`}},
		{`["a"] == "a"`, []string{`1:7: a list is never equal to a text`}},
		{`{"a": 1} != ["a"]`, []string{`1:10: an object is never equal to a list`}},
		{`[eventType] in ["a", "b"]`, []string{`1:13: in cannot compare a list with a text`}},
		{`[eventType] in vars.limits`, []string{`1:13: in cannot compare a list with a text`}},
		{`{"a": eventType} in [1, true]`, []string{`1:18: in cannot compare an object with a boolean or a number`}},
		{`eventType in [["a"], {}]`, []string{`1:11: in cannot compare a text with a list or an object`}},
		{`[1] in 1..9`, []string{`1:1: in a range wants a number, got a list`}},
		{`[eventType] in [["a"]] or eventType in [] or eventType in [1, nil]`, nil},
		{`1 in 2`, []string{`1:6: in on its right wants a list or an object, got a number`}},
		{`eventType matches "("`, []string{"1:19: the pattern: error parsing regexp: missing closing ): `(`"}},
		{`eventType matches data.action`, []string{`1:24: matches wants its pattern written out as a text`}},
		{`eventType matches "((a{0,100}){0,9}){0,9}"`, []string{"1:19: the pattern: error parsing regexp: invalid repeat count: `{0,9}`"}},
		{`eventType matches "(x{0,100}){0,9}(y{0,100})"`, []string{`1:19: the pattern: too large: want fewer or smaller repetitions`}},
		{`reduce(1..3, #acc + #, 0)`, []string{`1:1: reduce is not supported: it can double its value at every step: use sum, join, count or map`}},
		{`date("2026-01-01")`, []string{`1:1: date is not supported: use parseTime`}},
		{`$env`, []string{`1:1: $env is not supported: name the member itself`}},
		{`$env["data"]`, []string{`1:1: $env is not supported: name the member itself`}},
		{`let __m = 1; __m`, []string{`1:5: the name __m: names that begin with __ are reserved`}},
		{`let data = 1; data`, []string{`1:5: the name data is the event's own`}},
		{`let any = 1; any`, []string{`1:5: the name any is the language's own`}},
		{`let len = "len"; len(len)`, nil},
		{`let x = 1; let x = 2; x`, []string{`1:16: the name x is already used by another let`}},
		{`let d = "x"; d`, []string{`1:5: the name d is already used by a let`}},
		{`1; 2`, []string{`1:1: want one expression: only let is followed by ;`}},
		{`data.userProfile.name.upper()`, []string{`1:23: values have no methods to call`}},
		{`eventType.x`, []string{`1:11: a text has no members`}},
		{`{"a": 1, "a": 2}`, []string{`1:10: the member a occurs twice`}},
		{`{"a": 1, "b": {}}.c`, nil},
		{`b"ab"`, []string{`1:1: bytes are not supported: want a text without the b`}},
		{`bitand(1, 2)`, []string{`1:1: bitand is not supported: hooks carry no bit fields`}},
		{`late`, []string{`1:1: unknown name late`}},
		{`"a` + "\n" + `"`, []string{`1:3: literal not terminated`}},
		{strings.Repeat("(", 65) + "1" + strings.Repeat(")", 65), []string{`1:65: too deep: want at most 64 nested brackets`}},
		{strings.Repeat("!", 17) + "true", []string{`1:17: want at most 16 signs in a row`}},
		{strings.Repeat("not ", 17) + "true", []string{`1:65: want at most 16 signs in a row`}},
		{strings.Repeat(" ", 8193), []string{`1:8193: too long: want at most 8192 bytes in one expression`}},
		{"\xff", []string{`1:1: not UTF-8`}},
	}
	env := newHarness(t, hook.Registration).env
	if err := env.Let("d", `"a"`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.60s", tt.src), func(t *testing.T) {
			_, err := expr.Compile(tt.src, env)
			if got := lines(err); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("%.100s\n got %q\nwant %q", tt.src, got, tt.want)
			}
		})
	}
}

// lines are the problems of a compile error, each with its place.
func lines(err error) []string {
	var all expr.Errors
	errors.As(err, &all)
	var out []string
	for _, e := range all {
		out = append(out, fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message))
	}
	return out
}

// TestHabitHints: habits from other languages get a hint.
func TestHabitHints(t *testing.T) {
	const notWants = "after a value, not needs in, contains, startsWith, endsWith or matches; for inequality write !="
	for _, test := range []struct{ src, want string }{
		{`eventType = "x"`, `1:11: = is not an operator: write ==`},
		{`"ü" = eventType`, `1:5: = is not an operator: write ==`},
		{`any([1], # = 1)`, `1:12: = is not an operator: write ==`},
		{"true and\neventType === 'x'", `2:11: === is not an operator: write ==`},
		{`eventType !== "x"`, `1:11: !== is not an operator: write !=`},
		{`1 => 2`, `1:3: => is not an operator: write >=`},
		{`1 =< 2`, `1:3: =< is not an operator: write <=`},
		{`1 <> 2`, `1:3: <> is not an operator: write !=`},
		{`data.a not tables.y`, `1:8: write data.a not in tables.y`},
		{`data.a not /* a */ tables.y`, `1:8: ` + notWants},
		{`d not vars.x and true`, `1:3: write d not in vars.x`},
		{`data.a not like`, `1:8: ` + notWants},
		{`data.a not ("secret")`, `1:8: ` + notWants},
		{`"secret" not data.a`, `1:10: ` + notWants},
		{`data.a not "secret"`, `1:8: ` + notWants},
		{`data.a not == "x"`, `1:8: ` + notWants},
		{`data.a not null`, `1:8: write != nil`},
		{`endsWith(data.a, "b")`, `1:1: endsWith is not a function: write a endsWith b`},
		{`not startsWith (data.a, "b")`, `1:5: startsWith is not a function: write a startsWith b`},
		{`true and matches(data.a, "b")`, `1:10: matches is not a function: write a matches b`},
		{`contains(data.a, "b")`, `1:1: contains is not a function: write a contains b`},
		{`in(data.a, ["b"])`, `1:1: in is not a function: write a in b`},
		{`true AND false`, `1:6: write and`},
		{`true OR false`, `1:6: write or`},
		{`NOT true`, `1:1: write not`},
		{`true & false`, `1:6: write and`},
		{`data.a is "b"`, `1:8: write ==`},
		{`contains`, `1:1: unexpected token Operator("contains")`},
		{`(1 2)`, `1:4: unexpected token Number("2")`},
	} {
		t.Run(test.src, func(t *testing.T) {
			_, err := expr.Compile(test.src, newHarness(t, hook.Registration).env)
			if got := strings.Join(lines(err), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEventHookPaths(t *testing.T) {
	const one = "event (a rule sees one event of data.events at a time)"
	for _, test := range []struct{ src, want string }{
		{`eventType == "x"`, `1:1: unknown name eventType, in an event hook: event.eventType`},
		{`requestType == "x"`, `1:1: unknown name requestType, in an event hook: event.eventType`},
		{`data.events[0].actor.id`, `1:1: unknown name data, in an event hook: ` + one},
		{`eventId + source`, `1:1: unknown name eventId, in an event hook: delivery.eventId` + "\n" +
			`1:11: unknown name source, in an event hook: delivery.source`},
		{`any(target, .id == "x")`, `1:5: unknown name target, in an event hook: event.target`},
		{`evnt.actor`, `1:1: unknown name evnt, did you mean event?`},
		{`members`, `1:1: unknown name members`},
	} {
		t.Run(test.src, func(t *testing.T) {
			_, err := expr.Compile(test.src, newHarness(t, hook.EventHook).env)
			if got := strings.Join(lines(err), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestLetMistakes(t *testing.T) {
	env := newHarness(t, hook.Registration).env
	tests := []struct{ name, src, want string }{
		{"later", "latest", "unknown name latest"},
		{"latest", "1", ""},
		{"self", "self", "unknown name self"},
		{"latest", "2", "the name latest is already used by a let"},
		{"data", "2", "the name data is the event's own"},
		{"tables", "2", "the name tables is the event's own"},
		{"domain", "2", ""},
		{"any", "2", "the name any is the language's own"},
		{"not", "2", "the name not is the language's own"},
		{"a-b", "2", `the name "a-b": want a letter, then letters, digits and _`},
		{"__x", "2", "the name __x: names that begin with __ are reserved"},
		{"broken", "1 +", "the expression ends too soon"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := env.Let(tt.name, tt.src); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := expr.Compile("broken + 1", env); err != nil {
		t.Errorf("a let with a mistake is reported again where it is used: %v", err)
	}
}

func TestNullable(t *testing.T) {
	tests := []struct {
		src  string
		want bool
	}{
		{`data.userProfile.email == "a"`, true},
		{`data.userProfile.email != "a"`, false},
		{`data.userProfile.email in tables.banned`, true},
		{`data.userProfile.email not in tables.banned`, false},
		{`domain(data.userProfile.email) not in tables.partners`, false},
		{`domain(data.userProfile.email) in tables.partners`, true},
		{`data.userProfile.email == nil or data.userProfile.email in tables.banned`, false},
		{`data.userProfile.email != nil and data.userProfile.email in tables.banned`, false},
		{`d == nil or d in tables.banned`, false},
		{`d in tables.banned`, true},
		{`(data.userProfile.email ?? "") in tables.banned`, false},
		{`data.userProfile.email == nil ? true : data.userProfile.email endsWith "x"`, false},
		{`data.userProfile.email endsWith "x"`, true},
		{`not (data.userProfile.email endsWith "x")`, false},
		{`not data.userProfile.vip`, false},
		{`data.userProfile.vip`, true},
		{`data.userProfile.age > 3`, true},
		{`any(data.userProfile.groups, # == "x")`, true},
		{`none(data.userProfile.groups, # == "x")`, false},
		{`all(data.userProfile.groups, # != "x")`, false},
		{`all(data.userProfile.groups, # == "x")`, true},
		{`len(data.userProfile.groups) > 3`, true},
		{`len(["a"]) > 3`, false},
		{`count(data.userProfile.groups, # == "x") == 0`, true},
		{`any(["a", "b"], # == eventType)`, false},
		{`eventType == "x"`, false},
		{`eventType == "x" and data.action == "ALLOW"`, true},
		{`true`, false},
		{`let e = data.userProfile.email; e == nil or e in tables.banned`, false},
	}
	w := newHarness(t, hook.Registration)
	if err := w.env.Let("d", `domain(data.userProfile.email)`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			x, err := expr.Compile(tt.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			if got := x.Nullable(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
