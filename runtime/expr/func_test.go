package expr_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// functionValues are evaluated on the event below.
func TestFunctions(t *testing.T) {
	const payload = `{"eventTime": "2026-03-02T10:05:12.250Z", "data": {"userProfile": {"ip": "203.0.113.9", "v6": "::ffff:10.1.2.3", "bad": "10.1.2", "name": "Ærøskøbing",
		"long": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "time": "2026-03-02T11:05:12+01:00", "when": 1774778400.5, "json": "{\"a\": [1, {\"b\": null}]}", "list": [1, null, "x"], "obj": {"k": [true]}}}}`
	tests := []struct{ src, want string }{
		{`inCIDR(data.userProfile.ip, '203.0.113.0/24')`, `true`},
		{`inCIDR(data.userProfile.ip, '10.0.0.0/8', ['192.0.2.1', '203.0.113.9/32'])`, `true`},
		{`inCIDR(data.userProfile.v6, '10.0.0.0/8')`, `true`},
		{`inCIDR(data.userProfile.ip, '10.0.0.0/8')`, `false`},
		{`inCIDR(data.userProfile.bad, '10.0.0.0/8')`, `null`},
		{`inCIDR(data.userProfile.gone, '10.0.0.0/8')`, `null`},
		{`glob(data.userProfile.name, 'Æ*k?bing')`, `true`},
		{`glob(data.userProfile.name, '*')`, `true`},
		{`glob(data.userProfile.name, '')`, `false`},
		{`glob('', '**')`, `true`},
		{`glob('a*b', 'a\\*b')`, `true`},
		{`glob('axb', 'a\\*b')`, `false`},
		{`glob('abcabd', 'a*abd')`, `true`},
		{`glob('abcabc', 'a*abd')`, `false`},
		{`glob('a\nb', 'a?b')`, `true`},
		{`regexFind('x=12;y=3', 'y=([0-9]+)')`, `"3"`},
		{`regexFind('x=12', '[0-9]+')`, `"12"`},
		{`regexFind('x', '[0-9]+')`, `null`},
		{`regexFind('ab', 'a(x)?b')`, `null`},
		{`regexGroups('ab', '(a)(x)?(b)')`, `["ab","a",null,"b"]`},
		{`regexReplace('a1b22', '[0-9]+', '#')`, `"a#b#"`},
		{`regexReplace('abc', '', '-')`, `"-a-b-c-"`},
		{`regexReplace('abc', 'x', '-')`, `"abc"`},
		{`padStart('7', 3)`, `"  7"`},
		{`padStart('abc', 2, '0')`, `"abc"`},
		{`padStart('ø', 4, 'æ-')`, `"æ-æø"`},
		{`padEnd('ab', 5, 'xyz')`, `"abxyz"`},
		{`padStart('a', -5)`, `"a"`},
		{`parseTime(data.userProfile.time) == parseTime('2026-03-02T10:05:12Z')`, `true`},
		{`parseTime(eventTime) - parseTime(data.userProfile.time)`, `0.25`},
		{`formatTime(parseTime(eventTime))`, `"2026-03-02T10:05:12.25Z"`},
		{`formatTime(data.userProfile.when, 'yyyyMMdd-HHmmss.SSS')`, `"20260329-100000.500"`},
		{`formatTime(0, "EEEE', the 'd. MMMM yyyy' o''clock' hh a XXX Z", 'Asia/Kolkata')`, `"Thursday, the 1. January 1970 o'clock 05 AM +05:30 +0530"`},
		{`formatTime(1774778400, 'yyyy-MM-dd')`, `"2026-03-29"`},
		{`formatTime(-1, 'yyyy HH:mm:ss XXX')`, `"1969 23:59:59 Z"`},
		{`parseTime('2026-03-29')`, `1774742400`},
		{`parseTime('2026-03-29', 'Europe/Berlin')`, `1774738800`},
		{`parseTime('2026-03-29 12:00', 'America/New_York')`, `1774800000`},
		{`parseTime('2026-03-29T12:00:00.5', 'UTC')`, `1774785600.5`},
		{`duration('1w2d3h4m5s') + duration('250ms') * 4`, `788646`},
		{`duration('-90s')`, `-90`},
		{`duration('1.5h')`, `5400`},
		{`weekday(parseTime('2026-03-01')) == 7 and weekday(parseTime('2026-03-02')) == 1`, `true`},
		{`[year(0, 'America/New_York'), month(0, 'America/New_York'), day(0, 'America/New_York'), hour(0, 'America/New_York'), minute(59)]`, `[1969,12,31,19,0]`},
		{`now() == now() and now() > 1700000000`, `true`},
		{`round(distance({'lat': 0, 'lon': 0}, {'lat': 0, 'lon': 180}))`, `20015`},
		{`distance({'lat': 1, 'lon': 2}, {'lat': 1, 'lon': 2})`, `0`},
		{`distance({'lat': 1, 'lon': nil}, {'lat': 1, 'lon': 2})`, `null`},
		{`distance(data.userProfile.gone, {'lat': 1, 'lon': 2})`, `null`},
		{`sha256('')`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{`sha256('abc', 'base64')`, `"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="`},
		{`md5('abc')`, `"900150983cd24fb0d6963f7d28e17f72"`},
		{`sha1('abc', 'base64url')`, `"qZk-NkcGgWq6PiVxeFDCbJzQ2J0"`},
		{`sha512('abc')[:16]`, `"ddaf35a193617aba"`},
		// RFC 4231
		{`hmac('Jefe', 'what do ya want for nothing?')`, `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`},
		{`fromBase64(toBase64(data.userProfile.name)) == data.userProfile.name`, `true`},
		{`fromBase64(toBase64url(data.userProfile.name)) == data.userProfile.name`, `true`},
		{`fromHex(toHex(data.userProfile.name)) == data.userProfile.name`, `true`},
		{`urlDecode(urlEncode(data.userProfile.name)) == data.userProfile.name`, `true`},
		{`toBase64('')`, `""`},
		{`toJSON(data.userProfile.list)`, `"[1, null, \"x\"]"`},
		{`toJSON({'q': "\"\n", 'l': data.userProfile.obj})`, `"{\"q\":\"\\\"\\n\",\"l\":{\"k\": [true]}}"`},
		{`fromJSON(data.userProfile.json).a[1]`, `{"b": null}`},
		{`fromJSON('null')`, `null`},
		{`fromJSON(toJSON([1, 'a', {'b': 2.5}])) == [1, 'a', {'b': 2.5}]`, `true`},
		{`urlHost('https://[2001:db8::1]:8443/x')`, `"2001:db8::1"`},
		{`urlHost('//user@evil.example/x')`, `null`},
		{`urlHost('https://ok.example\\@evil.example/')`, `null`},
		{`urlHost('mailto:a@b.example')`, `null`},
		{`urlHost('nonsense')`, `null`},
		{`urlQuery('https://a.example/?a=1&a=2&b=%20', 'b')`, `" "`},
		{`urlQuery('https://a.example/?a=1', 'c')`, `null`},
		{`target([{'type': 'User'}, nil, 'x', {'type': 'User', 'id': 1}], 'User')`, `{"type":"User"}`},
		{`targets(data.userProfile.gone, 'User')`, `null`},
		{`uuid() != uuid() and random() != random()`, `true`},
		{`uuid() matches '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'`, `true`},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			if got, err := w.eval(tt.src, payload); err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
}

// TestFunctionsFail: an unusable argument makes the rule fail, at load time when it is constant.
func TestFunctionsFail(t *testing.T) {
	for _, src := range []string{
		`parseTime(%s)`, `duration(%s)`, `fromBase64(%s)`, `fromHex(%s)`, `fromJSON(%s)`, `urlDecode(%s)`, `padStart(%[1]s, 5, %[1]s[:0])`, `hmac(%[1]s[:0], %[1]s)`,
		`formatTime(float(%s) * 1e300)`, `distance({"lat": 91 + len(%s), "lon": 1}, {"lat": 0, "lon": 0})`,
	} {
		written := fmt.Sprintf(src, `"%!"`)
		if strings.Contains(src, "float") {
			written = fmt.Sprintf(src, `"1"`)
		}
		w := newHarness(t, hook.Registration)
		var at expr.Errors
		if _, err := expr.Compile(written, w.env); !errors.As(err, &at) {
			t.Errorf("%s: got %v at load", written, err)
		}
		read := fmt.Sprintf(src, "data.userProfile.x")
		payload := `{"data": {"userProfile": {"x": "%!"}}}`
		if strings.Contains(src, "float") {
			payload = `{"data": {"userProfile": {"x": "1"}}}`
		}
		if _, err := w.eval(read, payload); !errors.Is(err, runtime.ErrValue) {
			t.Errorf("%s: got %v", read, err)
		}
	}
	for src, want := range map[string]string{
		`hour(1, "Mars/Phobos")`:                 `unknown time zone "Mars/Phobos": want a name such as Europe/Berlin`,
		`hour(1, "Local")`:                       `want a time zone's name such as Europe/Berlin, got "Local"`,
		`hour(1, "../../etc/passwd")`:            `unknown time zone "../../etc/passwd": want a name such as Europe/Berlin`,
		`glob("x", eventType)`:                   "glob wants a constant here: write it out or take it from vars",
		`formatTime(1, "yyyy-DD")`:               `DD in a pattern for a time: want yyyy MM dd HH mm ss and the like, and other letters between ' and '`,
		`formatTime(1, "yyyy 'at")`:              `the ' of the pattern is not closed`,
		`inCIDR("1.2.3.4", "10.0.0.1/8")`:        `inCIDR: `,
		`inCIDR("1.2.3.4", 5)`:                   `inCIDR wants a text or a list, got a number`,
		`glob("a", "b\\")`:                       `glob: nothing follows the last \`,
		`regexFind("a", "(")`:                    "regexFind: the pattern: error parsing regexp: missing closing ): `(`",
		`sha256("a", "base32")`:                  `want the form hex, base64 or base64url, got "base32"`,
		`target(eventType, "User")`:              `target wants a list, got a text`,
		`target([eventType], "User").alternatId`: ``,
	} {
		_, err := expr.Compile(src, newHarness(t, hook.Registration).env)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: got %v, want %s", src, err, want)
		}
	}
	if _, err := expr.Compile(`target(event.target, "User").alternatId`, newHarness(t, hook.EventHook).env); err == nil || !strings.Contains(err.Error(), "did you mean alternateId?") {
		t.Errorf("a member of a target: got %v", err)
	}
}

// The clocks of Berlin go forward on 29 March 2026 at 2:00, and back on 25 October at 3:00.
func TestClocksChange(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"before", `formatTime(parseTime('2026-03-29T01:59:59', 'Europe/Berlin'))`, `"2026-03-29T00:59:59Z"`},
		{"after", `formatTime(parseTime('2026-03-29T03:00:00', 'Europe/Berlin'))`, `"2026-03-29T01:00:00Z"`},
		{"a second later", `parseTime('2026-03-29T03:00:00', 'Europe/Berlin') - parseTime('2026-03-29T01:59:59', 'Europe/Berlin')`, `1`},
		{"the hour that is left out is one of its neighbours", `hour(parseTime('2026-03-29T02:30:00', 'Europe/Berlin'), 'Europe/Berlin') in [1, 3]`, `true`},
		{"the hour that comes twice is one of them", `formatTime(parseTime('2026-10-25T02:30:00', 'Europe/Berlin')) in ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z']`, `true`},
		{"an offset tells which", `parseTime('2026-10-25T02:30:00+01:00') - parseTime('2026-10-25T02:30:00+02:00')`, `3600`},
		{"both read 2", `map([1792888200, 1792891800], hour(#, 'Europe/Berlin'))`, `[2,2]`},
		{"a day of 23 hours", `addDays(parseTime('2026-03-28T12:00', 'Europe/Berlin'), 1, 'Europe/Berlin') - parseTime('2026-03-28T12:00', 'Europe/Berlin')`, `82800`},
		{"a day of 25 hours", `addDays(parseTime('2026-10-24T12:00', 'Europe/Berlin'), 1, 'Europe/Berlin') - parseTime('2026-10-24T12:00', 'Europe/Berlin')`, `90000`},
		{"a day of 24 hours in UTC", `addDays(parseTime('2026-03-28'), 1) - parseTime('2026-03-28')`, `86400`},
		{"months over the change", `formatTime(addMonths(parseTime('2026-02-28T09:00', 'Europe/Berlin'), 2, 'Europe/Berlin'), 'yyyy-MM-dd HH:mm XXX', 'Europe/Berlin')`, `"2026-04-28 09:00 +02:00"`},
		{"the end of a month", `formatTime(addMonths(parseTime('2026-03-31'), -1), 'yyyy-MM-dd')`, `"2026-02-28"`},
		{"the end of a month in a leap year", `formatTime(addMonths(parseTime('2027-12-31'), 2), 'yyyy-MM-dd')`, `"2028-02-29"`},
		{"a year back", `formatTime(addMonths(parseTime('2026-01-15'), -13), 'yyyy-MM-dd')`, `"2024-12-15"`},
		{"half an hour's change", `addDays(parseTime('2026-10-03T12:00', 'Australia/Lord_Howe'), 1, 'Australia/Lord_Howe') - parseTime('2026-10-03T12:00', 'Australia/Lord_Howe')`, `84600`},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := w.eval(tt.src, `{}`); err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
}

// TestRandomIsSeeded: random values are equal when a call is decided again, and differ between
// calls.
func TestRandomIsSeeded(t *testing.T) {
	w := newHarness(t, hook.Registration)
	x, err := expr.Compile(`[uuid(), random(), uuid()]`, w.env)
	if err != nil {
		t.Fatal(err)
	}
	draw := func(seed byte) string {
		r := w.begin(`{}`, runtime.Budget{})
		r.SetSeed([32]byte{seed})
		v, err := x.Eval(r)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := v.AppendJSON(nil, r.Meter)
		return string(out)
	}
	if a, b, c := draw(1), draw(1), draw(2); a != b || a == c {
		t.Errorf("got %s, %s and %s", a, b, c)
	}
}

// TestFunctionsAreCharged: each function costs more with a long text than with a short one.
func TestFunctionsAreCharged(t *testing.T) {
	for _, src := range []string{
		`upper(data.s)`, `glob(data.s, "*b*c")`, `regexFind(data.s, "b+c")`, `regexReplace(data.s, "a", "b")`, `padStart(data.s, 60000)`, `sha256(data.s)`, `md5(data.s)`,
		`hmac(data.s, data.s)`, `toBase64(data.s)`, `toHex(data.s)`, `toJSON(data.s)`, `urlEncode(data.s)`, `urlHost("https://a.example/" + data.s)`, `fromHex(data.s)`, `urlDecode(data.s)`,
	} {
		o := options(t, hook.Registration)
		o.Known = []string{"data.s"}
		w := &harness{t: t, env: expr.NewEnv(o)}
		x, err := expr.Compile(src, w.env)
		if err != nil {
			t.Fatal(err)
		}
		spent := func(n int) int64 {
			x.Eval(w.begin(`{"data": {"s": "`+strings.Repeat("a", n)+`"}}`, runtime.Budget{}))
			return w.m.Spent()
		}
		if short, long := spent(10), spent(4000); !strings.HasPrefix(src, "pad") && long < short+4000/64 {
			t.Errorf("%s: spent %d and %d", src, short, long)
		}
	}
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-03-29T12:00:00Z", "2026-03-29", "1d12h", "0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "-1.5e3", "2026-02-30T00:00:00+23:59"} {
		f.Add(s, 1.5e9, int64(40))
	}
	f.Add("x", math.Inf(1), int64(math.MaxInt64))
	w := newHarness(f, hook.Registration)
	var all []*expr.Expression
	for _, src := range []string{
		`[parseTime(data.userProfile.s), parseTime(data.userProfile.s, "America/New_York")]`, `duration(data.userProfile.s)`,
		`formatTime(data.userProfile.t, "EEEE d MMMM yyyy hh:mm:ss.SSS a XXX", "Asia/Kolkata")`, `formatTime(addMonths(data.userProfile.t, data.userProfile.n))`,
		`addDays(data.userProfile.t, data.userProfile.n, "Europe/Berlin")`, `weekday(data.userProfile.t) + year(data.userProfile.n)`,
	} {
		x, err := expr.Compile(src, w.env)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, x)
	}
	f.Fuzz(func(t *testing.T, s string, at float64, n int64) {
		w.t = t
		if math.IsNaN(at) || math.IsInf(at, 0) {
			at = 0
		}
		event := string(jsondoc.AppendString([]byte(`{"data": {"userProfile": {"s": `), s)) + `, "t": ` + strconv.FormatFloat(at, 'g', -1, 64) + `, "n": ` + strconv.FormatInt(n, 10) + `}}}`
		if new(jsondoc.Doc).Parse([]byte(event), jsondoc.Limits{}) != nil {
			return
		}
		for _, x := range all {
			if _, err := x.Eval(w.begin(event, runtime.Budget{})); err != nil && !errors.Is(err, runtime.ErrValue) {
				t.Errorf("%s: %v", event, err)
			}
		}
	})
}

// BenchmarkFunctions measures the functions that rules use most.
func BenchmarkFunctions(b *testing.B) {
	for _, src := range []string{
		`inCIDR(data.userProfile.ip, "10.0.0.0/8", "203.0.113.0/24")`, `glob(data.userProfile.mail, "*@*.example")`, `regexFind(data.userProfile.mail, "^([^@]+)@")`,
		`hour(now(), "Europe/Berlin") in 8..17`, `parseTime(eventTime) > now() - 300`, `sha256(data.userProfile.mail)`, `uuid()`, `urlHost(data.userProfile.url)`,
	} {
		b.Run(src, func(b *testing.B) {
			w := newHarness(b, hook.Registration)
			x, err := expr.Compile(src, w.env)
			if err != nil {
				b.Fatal(err)
			}
			r := w.begin(`{"eventTime": "`+time.Now().UTC().Format(time.RFC3339)+`", "data": {"userProfile": {"ip": "203.0.113.9", "mail": "ada@mail.example", "url": "https://a.example/b"}}}`, runtime.Budget{})
			b.ReportAllocs()
			for b.Loop() {
				w.m.Start(runtime.Budget{}, time.Now(), time.Time{})
				r.Begin(r.Event, r.Now, &w.m)
				if _, err := x.Eval(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
