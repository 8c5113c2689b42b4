package gate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// observerPolicy has rules that report how they see the member that the call names: an expression
// finds it by "ask", which is its name, a module by "at", which is its JSON Pointer. SECRET and
// FILE are replaced.
const observerPolicy = `tenterhook: 1
known: [ask, uuid, event.ask]
destinations:
  seen: {file: FILE}
hooks:
  - name: registration
    type: registration
    auth: [{header: Authorization, secret: SECRET}]
    rules:
      - name: expression
        on_failure: closed
        debug:
          json: ${toJSON(data.userProfile[ask])}
          copy: ${data.userProfile[ask]}
          names: ${keys(data.userProfile)}
          id: ${uuid}
      - name: module
        on_failure: closed
        wasm: see.wasm
        with: {debugContext: {module: "@"}}
  - name: token
    type: token
    auth: [{header: Authorization, secret: SECRET}]
    rules:
      - name: expression
        on_failure: closed
        debug:
          json: ${toJSON(data.access.claims[ask])}
          copy: ${data.access.claims[ask]}
          names: ${keys(data.access.claims)}
          id: ${uuid}
      - name: module
        on_failure: closed
        wasm: see.wasm
        with: {debugContext: {module: "@"}}
  - name: user-import
    type: user-import
    auth: [{header: Authorization, secret: SECRET}]
    rules:
      - name: expression
        on_failure: closed
        debug:
          json: ${toJSON(data.appUser.profile[ask])}
          copy: ${data.appUser.profile[ask]}
          names: ${keys(data.appUser.profile)}
          id: ${uuid}
      - name: module
        on_failure: closed
        wasm: see.wasm
        with: {debugContext: {module: "@"}}
  - name: says # the module returns the draft in the call
    type: registration
    auth: [{header: Authorization, secret: SECRET}]
    rules:
      - name: module
        on_failure: closed
        wasm: say.wasm
  - name: merges
    type: token
    auth: [{header: Authorization, secret: SECRET}]
    rules:
      - name: before
        on_failure: closed
        debug: {x: 0, a/b: 0, é: 0, "𝄞": 0}
        claims:
          access: {x: 0, a/b: 0, é: 0, "𝄞": 0}
      - name: module
        on_failure: closed
        wasm: say.wasm
  - name: event
    type: event
    auth: [{header: Authorization, secret: SECRET}]
    rules:
      - name: expression
        send:
          to: seen
          body:
            json: ${toJSON(event.debugContext.debugData[event.ask])}
            copy: ${event.debugContext.debugData[event.ask]}
            names: ${keys(event.debugContext.debugData)}
            id: ${event.uuid}
      - name: module
        wasm: see.wasm
        with:
          actions:
            - to: seen
              body: {module: "@"}
`

// startObserver starts a Gate with that policy, and returns the file that its event hook writes.
func startObserver(t *testing.T) (d *testGate, file string) {
	t.Helper()
	guests := newWasm(t) // closed after the Gate
	d = startGate(t, "", gate.Options{})
	file = filepath.Join(t.TempDir(), "seen")
	d.engine.Swap(loadObserver(t, file, guests))
	return d, file
}

func newWasm(t testing.TB) *wasm.Runtime {
	t.Helper()
	r, err := wasm.New(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func loadObserver(t testing.TB, file string, guests *wasm.Runtime) *rules.Set {
	t.Helper()
	text := strings.NewReplacer("FILE", strconv.Quote(file), "SECRET", secret).Replace(observerPolicy)
	files := map[string][]byte{"policy.yaml": []byte(text)}
	for _, name := range []string{"see.wasm", "say.wasm"} {
		code, err := os.ReadFile("../../rules/testdata/modules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = code
	}
	s, err := rules.Load(folder.New(files), rules.Options{Modules: guests})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// observedPlaces are the objects that the rules of the hooks look into.
var observedPlaces = []struct {
	hook, eventType string
	path            []string
}{
	{"registration", "com.okta.user.pre-registration", []string{"data", "userProfile"}},
	{"token", "com.okta.oauth2.tokens.transform", []string{"data", "access", "claims"}},
	{"user-import", "com.okta.import.transform", []string{"data", "appUser", "profile"}},
	{"event", "", []string{"debugContext", "debugData"}},
}

// callAsking returns a call, or an event, whose last member at a path is the one it asks for. name
// and value are inserted unchanged; decoded is the meaning of name.
func callAsking(eventType, id string, path []string, name, decoded, value string) string {
	pointer := "/" + strings.Join(path, "/") + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(decoded)
	head := fmt.Sprintf(`"ask":%s,"at":%s,`, quoteJSON(decoded), quoteJSON(pointer))
	if eventType == "" {
		head = fmt.Sprintf(`{"uuid":%q,%s`, id, head)
	} else {
		head = fmt.Sprintf(`{"eventType":%q,"eventId":%q,%s`, eventType, id, head)
	}
	for i, step := range path {
		if i > 0 {
			head += "{"
		}
		head += strconv.Quote(step) + ":"
	}
	return head + "{" + name + ":" + value + strings.Repeat("}", len(path)+1)
}

func quoteJSON(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return b
}

// TestMinefield sends each shape as a member's value, as its name and as the whole body to three
// types of hooks. It gets the failure answer before any rule runs, or expression, module and
// encoding/json read the same. A repeated call is recognized.
func TestMinefield(t *testing.T) {
	d, _ := startObserver(t)
	inline := observedPlaces[:3]
	if testing.Short() {
		inline = observedPlaces[:1]
	}
	for _, p := range inline {
		t.Run(p.hook, func(t *testing.T) {
			f := shapeClient{t: t, gate: d, line: d.dial(), hook: p.hook, path: p.path}
			for i, s := range shapes(len(p.path) + 1) {
				f.call(s, callAsking(p.eventType, fmt.Sprint("value-", i), p.path, `"x"`, "x", s.text), s.want != rejected)
				name, ok := s.asName()
				f.call(s, callAsking(p.eventType, fmt.Sprint("name-", i), p.path, s.text, name, "1"), ok)
			}
			for _, s := range shapes(0) {
				if json.Unmarshal([]byte(s.text), new(map[string]any)) == nil || s.want != rejected {
					f.wantOtherType(s, s.text)
				} else {
					f.wantUnreadable(s, s.text)
				}
			}
			f.wantCounts()
		})
	}
	if n := d.metric("tenterhook_panics_total"); n != 0 {
		t.Errorf("%v panics", n)
	}
}

// asName returns the name that the shape is, if it can be one.
func (s shape) asName() (name string, ok bool) {
	return name, s.want != rejected && strings.HasPrefix(s.text, `"`) && json.Unmarshal([]byte(s.text), &name) == nil
}

// shapeClient sends calls to a hook and compares the observations of its rules.
type shapeClient struct {
	t    *testing.T
	gate *testGate
	line *testConn
	hook string
	path []string

	answeredCalls, repeatedCalls, failedCalls uint64
}

func (f *shapeClient) send(body string) (int, string) {
	f.t.Helper()
	f.line.SetDeadline(time.Now().Add(time.Minute)) // a thousand calls follow on this connection
	status, text, _ := f.line.send(requestHead("POST /hooks/"+f.hook+" HTTP/1.1", fmt.Sprint("Content-Length: ", len(body))) + body).readResponse()
	return status, text
}

// wantUnreadable sends a body that no rule may see: the hook's failure answer goes out, or the
// delivery is kept whole.
func (f *shapeClient) wantUnreadable(s shape, body string) {
	f.t.Helper()
	lease := f.gate.engine.Lease()
	defer lease.Release()
	want := string(lease.Named(f.hook).Rules.Failure)
	if status, text := f.send(body); status != 200 || text != want {
		f.t.Errorf("%s: got %d %.200s, want %s", s.name, status, text, want)
	}
	f.failedCalls++
}

// wantOtherType sends a body that is no call of the hook's type.
func (f *shapeClient) wantOtherType(s shape, body string) {
	f.t.Helper()
	if status, text := f.send(body); status != 400 || text != `{"error":"event_type"}` {
		f.t.Errorf("%s: got %d %.200s, want 400", s.name, status, text)
	}
}

func (f *shapeClient) call(s shape, body string, read bool) {
	f.t.Helper()
	if !read {
		f.wantUnreadable(s, body)
		return
	}
	status, text := f.send(body)
	err := compareAnswer([]byte(text), []byte(body), f.path)
	for range 2 {
		if err != nil { // on a busy machine a rule may have timed out, which is not cached
			status, text = f.send(body)
			err = compareAnswer([]byte(text), []byte(body), f.path)
		}
	}
	if status != 200 || err != nil {
		f.t.Errorf("%s: got %d: %v", s.name, status, err)
		return
	}
	f.answeredCalls++
	if status, again := f.send(body); status != 200 || again != text {
		f.t.Errorf("%s: the second time %d %.200s", s.name, status, again)
	}
	f.answeredCalls++
	f.repeatedCalls++
}

// wantCounts compares the hook's counters with the calls that were sent.
func (f *shapeClient) wantCounts() {
	f.t.Helper()
	for _, h := range f.gate.engine.Status().Hooks {
		if h.Name == f.hook && (h.Calls["answered"] != f.answeredCalls || h.Calls["failed"] < f.failedCalls || h.Repeats != f.repeatedCalls) {
			f.t.Errorf("%v, %d repeats; want %d answered, %d repeats", h.Calls, h.Repeats, f.answeredCalls, f.repeatedCalls)
		}
	}
}

// TestMinefieldEnvelope sends a valid call inside and beside other bytes.
func TestMinefieldEnvelope(t *testing.T) {
	d, _ := startObserver(t)
	p := observedPlaces[0]
	good := callAsking(p.eventType, "envelope", p.path, `"x"`, "x", "1")
	type outcome int
	const (
		read      outcome = iota
		notJSON           // the failure answer
		otherType         // 400
	)
	tests := []struct {
		name, body string
		want       outcome
	}{
		{"Good", good, read},
		{"SpaceAround", " \t\r\n" + good + "\n", read},
		{"EscapedNames", strings.NewReplacer(`"eventType"`, `"\u0065ventType"`, `"data"`, `"d\u0061ta"`, `"userProfile"`, `"user\u0050rofile"`).Replace(good), read},
		{"EscapedType", strings.Replace(good, "com.okta", `com\u002eokta`, 1), read},
		{"EscapedSolidus", strings.Replace(good, `"/data/userProfile/x"`, `"\/data\/userProfile\/x"`, 1), read},
		{"Mark", "\ufeff" + good, notJSON},
		{"MarkAndSpace", " \ufeff" + good, notJSON},
		{"MarkBehind", good + "\ufeff", notJSON},
		{"UTF16", "\xff\xfe" + utf16Text(good, 0), notJSON},
		{"UTF16BE", "\xfe\xff" + utf16Text(good, 1), notJSON},
		{"UTF16NoMark", utf16Text(good, 0), notJSON},
		{"UTF16BENoMark", utf16Text(good, 1), notJSON},
		{"NBSP", good + "\u00a0", notJSON},
		{"WordJoiner", "\u2060" + good, notJSON},
		{"FormFeed", "\f" + good, notJSON},
		{"VerticalTab", good + "\v", notJSON},
		{"NULInFront", "\x00" + good, notJSON},
		{"NULBehind", good + "\x00", notJSON},
		{"ControlZ", good + "\x1a", notJSON},
		{"Twice", good + good, notJSON},
		{"Lines", good + "\n" + good, notJSON},
		{"RecordSeparator", "\x1e" + good, notJSON},
		{"Prefix", ")]}',\n" + good, notJSON},
		{"Padded", "x(" + good + ")", notJSON},
		{"BraceBehind", good + "}", notJSON},
		{"BraceMissing", strings.TrimSuffix(good, "}"), notJSON},
		{"CommaBehind", good + ",", notJSON},
		{"CommentBehind", good + "//", notJSON},
		{"CommentInFront", "/**/" + good, notJSON},
		{"TypeTwice", strings.Replace(good, "{", `{"eventType":"com.okta.saml.tokens.transform",`, 1), notJSON},
		{"TypeTwiceEscaped", strings.Replace(good, "{", `{"\u0065ventType":"com.okta.saml.tokens.transform",`, 1), notJSON},
		{"TypeTwiceAlike", strings.Replace(good, "{", `{"\u0065ventType":"com.okta.user.pre-registration",`, 1), notJSON},
		{"IDTwiceEscaped", strings.Replace(good, "{", `{"event\u0049d":"other",`, 1), notJSON},
		{"DataTwiceEscaped", strings.Replace(good, "{", `{"\u0064ata":{},`, 1), notJSON},
		{"ProfileTwice", strings.Replace(good, `"data":{`, `"data":{"userProfile":{},`, 1), notJSON},
		{"TypeInCapitals", strings.Replace(good, "eventType", "EVENTTYPE", 1), otherType},
		{"TypeAndNUL", strings.Replace(good, "pre-registration", `pre-registration\u0000`, 1), otherType},
		{"TypeAndSpace", strings.Replace(good, "pre-registration", "pre-registration ", 1), otherType},
		{"TypeNumber", strings.Replace(good, `"com.okta.user.pre-registration"`, "1", 1), otherType},
		{"TypeInList", strings.Replace(good, `"com.okta.user.pre-registration"`, `["com.okta.user.pre-registration"]`, 1), otherType},
		{"InAList", "[" + good + "]", otherType},
		{"InAText", string(quoteJSON(good)), otherType},
	}
	f := shapeClient{t: t, gate: d, line: d.dial(), hook: p.hook, path: p.path}
	for i, tt := range tests {
		s, body := shape{name: tt.name}, strings.Replace(tt.body, "envelope", fmt.Sprint("envelope-", i), 1)
		switch tt.want {
		case read, notJSON:
			f.call(s, body, tt.want == read)
		case otherType:
			f.wantOtherType(s, body)
		}
	}
	crowd := "[" + strings.Repeat("[],", 300_000) + "[]]"
	f.wantUnreadable(shape{name: "TooManyValues"}, strings.TrimSuffix(good, "1}}}")+crowd+"}}}")
	f.wantCounts()
}

// utf16Text encodes ASCII in UTF-16.
func utf16Text(text string, high int) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		pair := [2]byte{byte(u), byte(u >> 8)}
		b = append(b, pair[high], pair[1-high])
	}
	return string(b)
}

// TestMinefieldNumbers: a rule that denies the number 5 denies it in every notation, and no other
// number.
func TestMinefieldNumbers(t *testing.T) {
	d := startGate(t, strings.Replace(policy, "data.userProfile.email == 'eve@example.com'", "data.userProfile.level == 5 or data.userProfile.level in [6, 7]", 1), gate.Options{})
	long := strings.Repeat("0", 600)
	tests := []struct {
		level string
		deny  bool
	}{
		{"5", true}, {"5.0", true}, {"5e0", true}, {"5E-0", true}, {"0.5e1", true}, {"50e-1", true}, {"5000e-3", true}, {"0.0005E+4", true},
		{"5." + long, true}, {"5e" + long, true}, {"0." + long + "5e601", true}, {"5" + long + "e-600", true}, {"6." + long, true}, {"7.0", true},
		{"4", false}, {"5.5", false}, {"-5", false}, {"0.5", false}, {"5e1", false}, {"1e400", false}, {"-0", false}, {`"5"`, false}, {"null", false},
		{"18446744073709551621", false}, {"4294967301", false},
	}
	l := d.dial()
	for _, tt := range tests {
		call := validRequest(strings.Replace(body, `"email"`, `"level":`+tt.level+`,"email"`, 1))
		status, text, _ := l.send(call).readResponse()
		for range 2 {
			if strings.Contains(text, "DENY") != tt.deny { // on a busy machine the rule may have timed out
				status, text, _ = l.send(call).readResponse()
			}
		}
		if status != 200 || strings.Contains(text, "DENY") != tt.deny {
			t.Errorf("%.20s: got %d %s", tt.level, status, text)
		}
	}
}
