package wasm_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// guestRule is a rule in testdata/guests and the way to build it.
type guestRule struct {
	name  string
	build func() ([]byte, error)
}

// guestRules are the same rule in several languages. A missing compiler skips the test.
var guestRules = []guestRule{
	{"GoJSON", sync.OnceValues(func() ([]byte, error) { return goModule("gojson") })},
	{"GoDecide", sync.OnceValues(func() ([]byte, error) { return goModule("godecide") })},
	{"AssemblyScript", sync.OnceValues(func() ([]byte, error) { return runCompiler(assemblyScript(), "as/rule.ts", "-O3", "-o") })},
	{"CDecide", sync.OnceValues(func() ([]byte, error) { return cModule("c/decide.c") })},
	{"CScan", sync.OnceValues(func() ([]byte, error) { return cModule("c/scan.c") })},
}

func goModule(dir string) ([]byte, error) {
	return runCompiler("go", "build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "./"+dir, "-o")
}

func cModule(file string) ([]byte, error) {
	return runCompiler("clang-14", "--target=wasm32", "-nostdlib", "-O2", "-Wl,--no-entry", file, "-o")
}

// assemblyScript returns the compiler's path, where make tools installs it.
func assemblyScript() string {
	if asc, err := filepath.Abs("../../bin/tools/node_modules/.bin/asc"); err == nil {
		if _, err := os.Stat(asc); err == nil {
			return asc
		}
	}
	return "asc"
}

// runCompiler runs a compiler in the guests' folder and returns its output file, whose path is
// appended to args.
func runCompiler(compiler string, args ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "out.wasm")
	if compiler == "go" { // takes -o before the package
		last := len(args) - 1
		args = append(append(args[:last-1:last-1], "-o", out), args[last-1])
	} else {
		args = append(args, out)
	}
	cmd := exec.Command(compiler, args...)
	cmd.Dir = filepath.Join("testdata", "guests")
	if compiler == "go" {
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", compiler, err, said)
	}
	return os.ReadFile(out)
}

// module builds the rule or skips the test.
func (s *guestRule) module(t testing.TB) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("building and compiling guests takes some seconds")
	}
	b, err := s.build()
	if err != nil {
		t.Skipf("no guest: %v", err)
	}
	return b
}

// signUpCall is a call as Okta sends it, of some 800 bytes, with more attributes on request.
func signUpCall(email string, more int) string {
	var attributes strings.Builder
	for i := range more {
		fmt.Fprintf(&attributes, `"attribute%d": "some text, %d", `, i, i*i)
	}
	return `{"eventId": "GOFQfZHSSwS4jxpvUUEcTQ", "eventTime": "2026-03-01T18:17:18.000Z", "eventType": "com.okta.user.pre-registration",
"eventTypeVersion": "1.0", "contentType": "application/json", "cloudEventVersion": "0.1",
"source": "https://example.okta.com/api/v1/inlineHooks/cal12345abcdefGHIJ0g4", "requestType": "self.service.registration",
"data": {"context": {"request": {"id": "123testId456", "method": "POST", "url": {"value": "/idp/idx/enroll/new"}, "ipAddress": "127.0.0.1"}},
"userProfile": {"firstName": "Rosario", "lastName": "O'Jones <i>", ` + attributes.String() + `"login": "rosario@example.com",
"email": ` + email + `, "department": "Finance", "costCenter": "CC-42"}, "action": "ALLOW"}}`
}

// Expected drafts for those calls.
const (
	wantStamped = `{"commands":[{"type":"com.okta.user.profile.update","value":{"displayName":"Rosario O'Jones <i>","department":"FINANCE"}}]}`
	wantDenied  = `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"Use another address."}}`
)

// TestGuests wants the same draft of all guests but the two in Go, which take long to build:
// BenchmarkIsolated checks their drafts, and TestGuest and the examples test Go guests.
func TestGuests(t *testing.T) {
	tests := []struct{ name, body, draft string }{
		{"Stamped", signUpCall(`"rosario@example.com"`, 0), wantStamped},
		{"Blocked", signUpCall(`"rosario@blocked.example"`, 60), wantDenied},
		{"Missing", signUpCall(`null`, 0), wantDenied},
	}
	for _, s := range guestRules {
		if strings.HasPrefix(s.name, "Go") {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			p := newProgramIn(t, newChildRuntime(t), s.module(t), wasm.ProgramOptions{Sample: []byte(tests[0].body)})
			if err := p.SampleError(); err != nil {
				t.Error(err)
			}
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					got, r, err := newEvent(t, tt.body).run(p, runtime.Budget{})
					if err != nil || got != tt.draft {
						t.Errorf("got %s, %v; it wrote %q", got, err, r.Logs)
					}
				})
			}
		})
	}
}

// firstGuests are modules that cache the e-mail address of the first event they decide.
var firstGuests = []guestRule{
	{"Go", sync.OnceValues(func() ([]byte, error) { return goModule("gofirst") })},
	{"AssemblyScript", sync.OnceValues(func() ([]byte, error) { return runCompiler(assemblyScript(), "as/first.ts", "-O3", "-o") })},
	{"C", sync.OnceValues(func() ([]byte, error) { return cModule("c/first.c") })},
}

// TestFirstEventCached wants a module's cache to be empty in each call: neither the sample call nor
// an earlier call may decide a later one. TestHostileBeginnings has such a module as text.
func TestFirstEventCached(t *testing.T) {
	for _, s := range firstGuests {
		t.Run(s.name, func(t *testing.T) {
			sample := signUpCall(`"sample@example.com"`, 0)
			p := newProgramIn(t, newChildRuntime(t), s.module(t), wasm.ProgramOptions{Sample: []byte(sample)})
			wantOwnEmails(t, p)
		})
	}
}

// wantOwnEmails runs calls with different addresses, and wants the address of each call in its
// draft.
func wantOwnEmails(t *testing.T, p *wasm.Program) {
	t.Helper()
	if err := p.SampleError(); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"rosario@example.com", "kim@example.org", "sample@example.com"} {
		got, r, err := newEvent(t, signUpCall(`"`+email+`"`, 0)).run(p, runtime.Budget{})
		if want := `{"debugContext":{"first":"` + email + `"}}`; err != nil || got != want {
			t.Errorf("got %s, %v; want %s; it wrote %q", got, err, want, r.Logs)
		}
	}
}

// rejectedGuests are modules that a compiler made with the wrong options, or that use what is not
// available here, with the remedy that the rejection names.
var rejectedGuests = []struct {
	guestRule
	want string
}{
	{guestRule{"GoCommand", func() ([]byte, error) {
		return runCompiler("go", "build", "-trimpath", "-ldflags=-s -w", "./godecide", "-o")
	}}, "in Go -buildmode=c-shared"},
	{guestRule{"AssemblyScriptSeed", func() ([]byte, error) { return runCompiler(assemblyScript(), "as/random.ts", "-O3", "-o") }}, "(env.seed): of env only abort is there; AssemblyScript imports seed for Math.random: compile with --use seed="},
	{guestRule{"CUndefined", func() ([]byte, error) {
		return runCompiler("clang-14", "--target=wasm32", "-nostdlib", "-O2", "-Wl,--no-entry,--allow-undefined", "c/undefined.c", "-o")
	}}, "with clang or wasm-ld, a function that was declared and never defined"},
}

func TestRejectedGuests(t *testing.T) {
	for _, s := range rejectedGuests {
		t.Run(s.name, func(t *testing.T) {
			_, err := openProgram(t, newRuntime(t, wasm.Options{}), s.module(t), wasm.ProgramOptions{})
			if !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), s.want) || len(err.Error()) > 1<<10 {
				t.Errorf("got %v, want it rejected: %s", err, s.want)
			}
		})
	}
}

// The remedies of the rejections work.
func TestRemedies(t *testing.T) {
	seed := guestRule{"AssemblyScriptSeed", func() ([]byte, error) {
		return runCompiler(assemblyScript(), "as/random.ts", "-O3", "--use", "seed=as/random/hostSeed", "-o")
	}}
	p := newProgramIn(t, newChildRuntime(t), seed.module(t), wasm.ProgramOptions{Sample: []byte(body)})
	random, drafts := runtime.NewRandom([]byte("key")), make(map[string]bool)
	for _, id := range []string{"1", "1", "2", "3"} {
		e := newEvent(t, strings.Replace(body, `"eventId":"1"`, `"eventId":"`+id+`"`, 1))
		e.call.ID = id
		r, d := new(runtime.Run), new(hook.Draft)
		e.begin(r, new(runtime.Meter), runtime.Budget{})
		r.Random = random
		if err := p.Run(r, d); err != nil {
			t.Fatal(err)
		}
		drafts[string(d.JSON)] = true
	}
	if len(drafts) != 3 {
		t.Errorf("three events and one repeat gave the numbers %v", drafts)
	}
}
