package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// guest is one of the tests' modules.
func guest(t testing.TB, name string) []byte {
	t.Helper()
	code, err := os.ReadFile("testdata/modules/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// guests adds the test modules to a fixture that names testdata/modules, and returns a runtime for
// them, or nil if the fixture has none.
func guests(t testing.TB, files map[string][]byte) *wasm.Runtime {
	t.Helper()
	any := false
	for name, text := range files {
		if path.Ext(name) != ".wasm" {
			continue
		}
		any = true
		if strings.TrimSpace(string(text)) == "testdata/modules" {
			files[name] = guest(t, strings.TrimSuffix(path.Base(name), ".wasm"))
		}
	}
	if !any {
		return nil
	}
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

// moduleFolder is a folder with modules for repeated loads.
type moduleFolder struct {
	t      testing.TB
	guests *wasm.Runtime
	files  map[string][]byte
}

func newModuleFolder(t testing.TB, policy string, names ...string) *moduleFolder {
	h := &moduleFolder{t: t, files: map[string][]byte{"policy.yaml": []byte(policy)}}
	for _, name := range names {
		h.files["modules/"+name+".wasm"] = []byte("testdata/modules")
	}
	h.guests = guests(t, h.files)
	return h
}

func (h *moduleFolder) load(o rules.Options) *rules.Set {
	h.t.Helper()
	o.Modules = h.guests
	if o.Env == nil {
		o.Env = env
	}
	s, err := rules.Load(folder.New(h.files), o)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// openSet loads the set of a folder with modules. The set is closed before its runtime.
func (h *moduleFolder) openSet(o rules.Options) *rules.Set {
	s := h.load(o)
	h.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return s
}

func decideCall(t testing.TB, h *rules.Hook, body string, fixed *rules.Fixed) *rules.Decision {
	t.Helper()
	d := &rules.Decision{Trace: &rules.Trace{}, Fixed: fixed}
	c := call(t, h, body)
	c.ID = c.Doc.Root().Get("eventId").Text()
	h.Decide(c, d)
	valid(t, h, d.Answer)
	return d
}

// TestModule has rules with modules beside rules without: their drafts are merged alike.
func TestModule(t *testing.T) {
	h := newModuleFolder(t, policy("registration", "", `
- {name: before, profile: {division: none, title: x}}
- {name: stamp, when: data.userProfile.login != 'nobody', wasm: modules/stamp.wasm}
- {name: settings, wasm: modules/with.wasm, with: {list: [1, "a", null], key: "${env.SECRET}"}}
- {name: plain, wasm: modules/with.wasm}
- {name: after, log: "after ${data.userProfile.login}"}`), "stamp", "with")
	s := h.openSet(rules.Options{})
	hk := s.Hook("h")
	d := decideCall(t, hk, `{"data":{"userProfile":{"login":"x"}}}`, nil)
	want := `{"commands":[{"type":"com.okta.user.profile.update","value":{"division":"first","title":"x"}}],"debugContext":{"with":null}}`
	if string(d.Answer) != want || d.Outcome != rules.Answered || len(d.Results) != 5 {
		t.Errorf("got %s, %+v", d.Answer, d.Results)
	}
	for _, i := range []int{1, 2, 3} {
		if r := d.Results[i]; r.Memory != 64<<10 || r.Fuel <= 0 || r.Time <= 0 {
			t.Errorf("rule %d: %+v", i, r)
		}
	}
	if r := d.Results[4]; r.Memory != 0 || r.Time != 0 || d.Trace.Rules[1].Memory != 64<<10 || d.Trace.Rules[4].Memory != 0 {
		t.Errorf("a rule of expressions: %+v, traces %+v", r, d.Trace.Rules)
	}
	if got := d.Trace.Rules[2].Draft; got != `{"debugContext":{"with":{"list":[1,"a",null],"key":"t5mQzv0Lk2Rb8JxW"}}}` {
		t.Errorf("configured with %s", got)
	}
	if d := decideCall(t, hk, `{"data":{"userProfile":{"login":"nobody"}}}`, nil); d.Results[1].Rule == 1 {
		t.Error("the module of a rule that does not match has run")
	}
	all := s.Modules()
	if len(all) != 3 || all[0].Hook != "h" || all[0].Rule != "stamp" || all[0].File != "modules/stamp.wasm" || len(all[0].SHA256) != 64 || all[0].Pinned {
		t.Errorf("modules: %+v", all)
	}
}

// TestModuleFailure: a hook that can deny denies if a module fails, unless its rule says
// otherwise.
func TestModuleFailure(t *testing.T) {
	tests := []struct {
		name, kind, more   string
		closed, hookCloses bool
		warning            string
	}{
		{"registration", "registration", "", true, true, ""},
		{"registration, open", "registration", ", on_failure: open", false, true, "counts for nothing when it fails"},
		{"token", "token", "", true, true, ""},
		{"token, open", "token", ", on_failure: open", false, false, ""},
		{"token, closed", "token", ", on_failure: closed", true, true, ""},
		{"saml", "saml", "", true, true, ""},
		{"saml, open", "saml", ", on_failure: open", false, false, ""},
		{"user-import", "user-import", "", false, false, ""},
		{"password-import", "password-import", "", true, false, ""},
		{"telephony", "telephony", "", false, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newModuleFolder(t, policy(tt.kind, "", "- {name: r, wasm: modules/talk.wasm"+tt.more+"}\n- {name: after, debug: {after: true}}"), "talk")
			s := h.openSet(rules.Options{})
			hk := s.Hook("h")
			open, closed := string(hook.OpenAnswer(hk.Type)), string(hook.ClosedAnswer(hk.Type))
			if got := string(hk.Failure); got == closed != tt.hookCloses && open != closed {
				t.Errorf("the hook's failure answer is %s", got)
			}
			d := decideCall(t, hk, `{"data":{"evil":true}}`, nil)
			if len(d.Results) == 0 || !errors.Is(d.Results[0].Err, runtime.ErrTrap) {
				t.Fatalf("results: %+v", d.Results)
			}
			if ended := len(d.Trace.Rules) == 1; ended != tt.closed {
				t.Errorf("the chain ends: %v, answer %s", ended, d.Answer)
			}
			if tt.closed && string(d.Answer) != closed {
				t.Errorf("got %s", d.Answer)
			}
			told := slices.ContainsFunc(s.Warnings(), func(p document.Problem) bool { return strings.Contains(p.Message, "when it fails") })
			if told != (tt.warning != "") {
				t.Errorf("warnings: %v", s.Warnings())
			}
			if want := []rules.Log{{Rule: "r", Text: "hello", Module: true}}; !slices.Equal(d.Logs, want) {
				t.Errorf("logs: %+v", d.Logs)
			}
		})
	}
}

// TestModuleStops holds a module that never ends to its rule's budget; the call after it is
// answered as ever.
func TestModuleStops(t *testing.T) {
	for name, budget := range map[string]string{"time": "{time: 5ms}", "fuel": "{fuel: 100000}"} {
		t.Run(name, func(t *testing.T) {
			h := newModuleFolder(t, policy("token", "budget: {time: 2s}", "- {name: r, on_failure: open, budget: "+budget+", wasm: modules/evil.wasm}\n- {name: after, debug: {after: true}}"), "evil")
			hk := h.openSet(rules.Options{}).Hook("h")
			calm := &rules.Fixed{} // whose time is not what is tested
			evil := map[string]*rules.Fixed{"time": nil, "fuel": calm}[name]
			for range 3 {
				d := decideCall(t, hk, `{"data":{"evil":1}}`, evil)
				if len(d.Results) != 2 || runtime.Reason(d.Results[0].Err) != name || !strings.Contains(string(d.Answer), "after") {
					t.Fatalf("got %s, %+v", d.Answer, d.Results)
				}
				if d := decideCall(t, hk, `{"data":{}}`, calm); d.Results[0].Err != nil {
					t.Fatal(d.Results[0].Err)
				}
			}
		})
	}
}

// TestModuleRandom: randomness is the same for the same call, another for another, and a test's own
// where it is fixed.
func TestModuleRandom(t *testing.T) {
	h := newModuleFolder(t, policy("token", "", "- {name: r, wasm: modules/random.wasm}"), "random")
	one, two := runtime.NewRandom([]byte("one")), runtime.NewRandom([]byte("two"))
	a := h.openSet(rules.Options{Random: one}).Hook("h")
	b := h.openSet(rules.Options{Random: two}).Hook("h")
	answer := func(hk *rules.Hook, body string, fixed *rules.Fixed) string {
		return string(decideCall(t, hk, body, fixed).Answer)
	}
	first := answer(a, `{"eventId":"1"}`, nil)
	if answer(a, `{"eventId":"1"}`, nil) != first {
		t.Error("the same call has other randomness")
	}
	if answer(a, `{"eventId":"2"}`, nil) == first || answer(b, `{"eventId":"1"}`, nil) == first {
		t.Error("another call, or another key, has the same randomness")
	}
	fixed := &rules.Fixed{Now: time.Unix(0, 0)}
	if answer(a, `{"eventId":"1"}`, fixed) != answer(b, `{"eventId":"2"}`, fixed) {
		t.Error("fixed randomness is not")
	}
}

// TestModuleEvents gives each event of an event hook to its module.
func TestModuleEvents(t *testing.T) {
	h := newModuleFolder(t, policy("event", "", "- {name: r, on: user.session.start, wasm: modules/talk.wasm}\n- {name: other, on: user.lifecycle.create, wasm: modules/talk.wasm}"), "talk")
	hk := h.openSet(rules.Options{}).Hook("h")
	d := decideCall(t, hk, `{"data":{"events":[{"uuid":"1","eventType":"user.session.start","data":{"evil":1}}]}}`, nil)
	if len(d.Results) != 1 || !errors.Is(d.Results[0].Err, runtime.ErrTrap) {
		t.Errorf("results: %+v", d.Results)
	}
}

// TestModulePinned runs the module that the policy names by its hash, and its mark is in the list.
func TestModulePinned(t *testing.T) {
	h := newModuleFolder(t, policy("registration", "", "- {name: r, wasm: modules/stamp.wasm}"), "stamp")
	sum := h.openSet(rules.Options{}).Modules()[0].SHA256
	h.files["policy.yaml"] = []byte(policy("registration", "", "- {name: r, wasm: {file: ./modules/stamp.wasm, sha256: "+sum+"}}"))
	if all := h.openSet(rules.Options{}).Modules(); !all[0].Pinned || all[0].File != "modules/stamp.wasm" {
		t.Errorf("modules: %+v", all)
	}
	h.files["modules/stamp.wasm"] = bytes.Replace(h.files["modules/stamp.wasm"], []byte("first"), []byte("other"), 1)
	if _, err := rules.Load(folder.New(h.files), rules.Options{Modules: h.guests}); err == nil || !strings.Contains(err.Error(), "is another file than this") {
		t.Errorf("got %v", err)
	}
}

// TestModuleUnready: an unset variable is only a warning when a folder is checked, and the rule that
// needs it fails.
func TestModuleUnready(t *testing.T) {
	h := newModuleFolder(t, policy("token", "", "- {name: r, wasm: modules/with.wasm, with: {key: '${env.ABSENT}'}}"), "with")
	s := h.openSet(rules.Options{Check: true})
	if w := s.Warnings(); len(w) == 0 || !strings.Contains(fmt.Sprint(w), "the environment has no ABSENT") {
		t.Errorf("warnings: %v", w)
	}
	if d := decideCall(t, s.Hook("h"), `{}`, nil); d.Outcome != rules.Failed || runtime.Reason(d.Results[0].Err) != "value" {
		t.Errorf("got %s: %+v", d.Answer, d.Results)
	}
}

// TestModuleEndless refuses modules that do not get to their first call, or through it.
func TestModuleEndless(t *testing.T) {
	for name, step := range map[string]string{"endless": "_initialize", "loop": "sample call"} {
		h := newModuleFolder(t, policy("token", "", "- {name: r, wasm: modules/"+name+".wasm}"), name)
		_, err := rules.Load(folder.New(h.files), rules.Options{Modules: h.guests})
		if err == nil || !regexp.MustCompile(`policy\.yaml:7:25: modules/`+name+`\.wasm: `+step+`: out of fuel`).MatchString(err.Error()) {
			t.Errorf("got %v", err)
		}
	}
}

// TestModuleLeftover: a folder that is refused leaves no module behind.
func TestModuleLeftover(t *testing.T) {
	h := newModuleFolder(t, policy("token", "", "- {name: r, wasm: modules/random.wasm}\n- {name: s, nothing: 1}"), "random")
	if _, err := rules.Load(folder.New(h.files), rules.Options{Modules: h.guests}); err == nil {
		t.Error("it is taken")
	}
	if n := h.guests.Stats().Modules; n != 0 {
		t.Errorf("%d modules are left", n)
	}
}

// TestTrials runs trial calls of every type, and a module with an endless loop.
func TestTrials(t *testing.T) {
	tests := []struct {
		name  string
		types int
		fine  []string
	}{
		{"stamp", 7, []string{"registration", "user-import"}},
		{"with", 7, []string{"registration", "token", "saml", "user-import", "password-import", "telephony"}},
		{"talk", 7, []string{"registration", "token", "saml", "user-import", "password-import", "telephony", "event"}},
		{"endless", 1, nil},
		{"loop", 1, nil},
	}
	r := newModuleFolder(t, "", "stamp").guests
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := r.Load(t.Context(), guest(t, tt.name))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			all := rules.Trials(t.Context(), m, rules.TrialOptions{})
			var fine []string
			for _, one := range all {
				if one.Failure == "" {
					fine = append(fine, one.Type)
					if one.Fuel <= 0 || one.Memory != 64<<10 || one.Time <= 0 {
						t.Errorf("%+v", one)
					}
				}
			}
			if len(all) != tt.types || !slices.Equal(fine, tt.fine) {
				t.Errorf("got %+v", all)
			}
		})
	}
}

// TestGuestsAreFresh compares the assembled modules with their source texts.
func TestGuestsAreFresh(t *testing.T) {
	assembler, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is not installed (apt package wabt)")
	}
	files, err := filepath.Glob("testdata/modules/*.wat")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		out := filepath.Join(t.TempDir(), "out.wasm")
		if said, err := exec.Command(assembler, file, "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, guest(t, strings.TrimSuffix(filepath.Base(file), ".wat"))) {
			t.Errorf("%s is not what its text says: assemble it with wat2wasm", file)
		}
	}
}

// BenchmarkModule is a call of one rule, whose module sets an attribute.
func BenchmarkModule(b *testing.B) {
	h := newModuleFolder(b, policy("registration", "", "- {name: r, wasm: modules/stamp.wasm}"), "stamp")
	hk := h.openSet(rules.Options{}).Hook("h")
	c := call(b, hk, string(sample.Of(hook.Registration)))
	c.Deadline = time.Time{}
	var d rules.Decision
	b.ReportAllocs()
	for b.Loop() {
		hk.Decide(c, &d)
	}
}
