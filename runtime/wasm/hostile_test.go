package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// gallery is the folder of attacks: documented texts and their binaries by wat2wasm.
const gallery = "testdata/hostile"

// attackOutcome is the expected end of an attack.
type attackOutcome struct {
	name    string
	reasons []error // one of them; nil: the run succeeds
}

var (
	allowed       = attackOutcome{"allowed", nil}
	spinsForever  = attackOutcome{"spins", nil} // out of fuel or time, depending on the budget
	endsInTrap    = attackOutcome{"traps", []error{runtime.ErrTrap}}
	exceedsOutput = attackOutcome{"bursts", []error{runtime.ErrOutput}}
	exceedsMemory = attackOutcome{"starves", []error{runtime.ErrMemory}}
)

// attacks are modules that count their calls, and attack if the event asks for it. Cases are
// numbered and named in the text.
var attacks = []struct {
	file  string
	cases []attackOutcome
}{
	{"spin", slices.Repeat([]attackOutcome{spinsForever}, 8)},
	{"bulk", slices.Repeat([]attackOutcome{spinsForever}, 10)},
	{"grow", []attackOutcome{spinsForever, spinsForever, spinsForever, exceedsMemory, allowed}},
	{"growtable", []attackOutcome{spinsForever, spinsForever, spinsForever, allowed}},
	{"drop", []attackOutcome{endsInTrap}},
	{"state", []attackOutcome{endsInTrap}},
	{"deep", []attackOutcome{endsInTrap, endsInTrap, endsInTrap, endsInTrap, allowed}},
	{"host", slices.Repeat([]attackOutcome{spinsForever}, 14)},
	{"output", []attackOutcome{exceedsOutput, endsInTrap, endsInTrap, endsInTrap, endsInTrap, allowed, allowed}},
	{"log", slices.Repeat([]attackOutcome{allowed}, 6)},
	{"pointers", append(slices.Repeat([]attackOutcome{endsInTrap}, 14), allowed, allowed, allowed, endsInTrap, endsInTrap, endsInTrap, allowed)},
	{"traps", slices.Repeat([]attackOutcome{endsInTrap}, 21)},
	{"wasi", []attackOutcome{endsInTrap, endsInTrap, allowed, allowed, allowed, allowed, allowed, allowed, allowed, allowed,
		allowed, endsInTrap, endsInTrap, endsInTrap, allowed, endsInTrap, allowed, endsInTrap, allowed}},
	{"abort", slices.Repeat([]attackOutcome{endsInTrap}, 4)},
}

// TestHostile runs each attack: it must end for its own reason, and the next call must not be
// affected.
func TestHostile(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	for _, a := range attacks {
		t.Run(a.file, func(t *testing.T) {
			titles := readCaseTitles(t, a.file)
			p := galleryProgram(t, r, loadGallery(t, r, a.file), wasm.ProgramOptions{})
			if len(titles) != len(a.cases) {
				t.Fatalf("%d cases, want %d", len(titles), len(a.cases))
			}
			wantUndisturbed(t, p)
			for i, o := range a.cases {
				t.Run(titles[i], func(t *testing.T) { runAttack(t, p, attackEvent(i+1, ballast), o) })
			}
		})
	}
}

// attackEvent is an event that requests an attack.
func attackEvent(number int, ballast string) string {
	return fmt.Sprintf(`{"data":{"attack":"%02d"%s}}`, number, ballast)
}

// runAttack runs an attack twice and checks the next call each time.
func runAttack(t *testing.T, p *wasm.Program, body string, o attackOutcome) {
	rounds := []struct {
		budget  runtime.Budget
		reasons []error
	}{{runtime.Budget{}, o.reasons}, {runtime.Budget{}, o.reasons}}
	if o.name == spinsForever.name {
		rounds[0].budget, rounds[0].reasons = runtime.Budget{Time: 20 * time.Millisecond, Fuel: runtime.Max.Fuel}, []error{runtime.ErrTime, runtime.ErrFuel}
		rounds[1].budget, rounds[1].reasons = runtime.Budget{Fuel: 1_000_000}, []error{runtime.ErrFuel}
	}
	for _, round := range rounds {
		got, err := runOnce(t, p, body, round.budget)
		if (err == nil) != (len(round.reasons) == 0) || err != nil && !isOneOf(err, round.reasons) {
			t.Errorf("it came to %v, want %v", err, round.reasons)
		}
		checkLogs(t, got.logs)
		wantUndisturbed(t, p)
	}
}

// ballast is a large part of the event that the attack does not read.
var ballast = func() string {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, `,"member%d":%d`, i, i)
	}
	return b.String()
}()

func isOneOf(err error, reasons []error) bool {
	return slices.ContainsFunc(reasons, func(reason error) bool { return errors.Is(err, reason) })
}

// checkLogs wants few and valid log lines.
func checkLogs(t *testing.T, logs []string) {
	t.Helper()
	size := 0
	for _, line := range logs {
		if size += len(line); !utf8.ValidString(line) {
			t.Errorf("a line that is not text: %q", line)
		}
	}
	if size > 32<<10 || len(logs) > 100 {
		t.Errorf("%d lines with %d bytes are kept", len(logs), size)
	}
}

// wantUndisturbed runs without an attack and wants fresh state: the counters show the first call.
func wantUndisturbed(t *testing.T, p *wasm.Program) {
	t.Helper()
	got, err := runOnce(t, p, `{"data":{}}`, runtime.Budget{})
	if err != nil || got.draft != `{"debugContext":{"memory":1,"global":1}}` {
		t.Fatalf("afterwards: %s, %v", got.draft, err)
	}
	if most := goruntime.GOMAXPROCS(0) + 1; p.Stats().Instances > most {
		t.Errorf("there are %d instances, want at most %d", p.Stats().Instances, most)
	}
}

// result is the result of a run.
type result struct {
	draft  string
	logs   []string
	memory int64 // peak
}

// runOnce decides on an event and panics if the run never ends. A budget without a time limits fuel
// only.
func runOnce(t *testing.T, p *wasm.Program, body string, b runtime.Budget) (result, error) {
	t.Helper()
	watchdog := time.AfterFunc(3*time.Minute, func() { panic("a run does not end") })
	defer watchdog.Stop()
	call := &hook.Call{Type: hook.Registration, ID: "e", Doc: new(jsondoc.Doc)}
	if err := call.Doc.Parse([]byte(body), jsondoc.Limits{Bytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	var r runtime.Run
	var m runtime.Meter
	var d hook.Draft
	now := time.Now()
	m.Start(b, now, time.Time{})
	if b.Time == 0 {
		m.ExcludeTime(time.Minute)
	}
	r.Begin(hook.Event{Call: call, Node: call.Doc.Root()}, now, &m)
	err := p.Run(&r, &d)
	return result{string(d.JSON), r.Logs, r.Memory}, err
}

func loadGallery(t *testing.T, r *wasm.Runtime, file string) *wasm.Module {
	t.Helper()
	m, err := r.Load(context.Background(), readGallery(t, file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func readGallery(t *testing.T, file string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(gallery, file+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func galleryProgram(t *testing.T, r *wasm.Runtime, m *wasm.Module, o wasm.ProgramOptions) *wasm.Program {
	t.Helper()
	words, err := table.New(table.Set, []table.Entry{{Key: "words"}})
	if err != nil {
		t.Fatal(err)
	}
	o.Type, o.Tables = hook.Registration, map[string]*table.Table{"words": words}
	p, err := m.Program(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// readCaseTitles reads the names of a module's cases from its text.
func readCaseTitles(t *testing.T, file string) (titles []string) {
	text, err := os.ReadFile(filepath.Join(gallery, file+".wat"))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^ +;; \d\d: (.*)$`).FindAllSubmatch(text, -1) {
		titles = append(titles, string(match[1]))
	}
	if titles == nil {
		return []string{"a trap in the middle"}
	}
	return titles
}

// TestHostileOutcomes checks drafts and memory after attacks.
func TestHostileOutcomes(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	p := galleryProgram(t, r, loadGallery(t, r, "output"), wasm.ProgramOptions{})
	tests := []struct {
		name   string
		number int
		draft  string
	}{
		{"NoOpinionAnywhere", 6, ""},
		{"AnswerInMemoryThatGoes", 7, `{"debugContext":{"memory":0,"global":0}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := runOnce(t, p, attackEvent(test.number, ""), runtime.Budget{})
			wantUndisturbed(t, p) // reuses the instance: the draft's memory is overwritten now
			if err != nil || got.draft != test.draft {
				t.Errorf("got %s, %v", got.draft, err)
			}
		})
	}
	t.Run("MemoryIsGivenBack", func(t *testing.T) {
		p := galleryProgram(t, r, loadGallery(t, r, "grow"), wasm.ProgramOptions{Budget: runtime.Budget{Memory: 4 << 20}})
		for body, want := range map[string]int64{attackEvent(5, ""): 4 << 20, `{"data":{}}`: 128 << 10} {
			if got, err := runOnce(t, p, body, runtime.Budget{}); err != nil || got.memory != want {
				t.Errorf("%s: it had %d bytes, want %d: %v", body, got.memory, want, err)
			}
		}
	})
}

// TestHostileBeginnings has modules misbehave before their first event: they must not become
// Programs.
func TestHostileBeginnings(t *testing.T) {
	tests := []struct {
		name, file, with string
		err              error // nil: it becomes a Program
		step             string
	}{
		{"EndlessStart", "start", "", runtime.ErrTime, "start"},
		{"TrappingStart", "starttrap", "", runtime.ErrTrap, "start"},
		{"GreedyStart", "startgrow", "", nil, ""},
		{"EndlessInitialize", "initialize", "", runtime.ErrTime, "_initialize"},
		{"EndlessConfigure", "configure", "1", runtime.ErrTime, "configure"},
		{"RefusingConfigure", "configure", "2", runtime.ErrTrap, "configure"},
		{"TrappingConfigure", "configure", "3", runtime.ErrTrap, "configure"},
		{"LeavingConfigure", "configure", "4", runtime.ErrTrap, "configure"},
		{"GreedyConfigure", "configure", "5", nil, ""},
		{"TalkingConfigure", "configure", "6", runtime.ErrTime, "configure"},
		{"UnasksConfigure", "spin", "1", runtime.ErrTrap, "configure"},
		{"EndlessAlloc", "configure", "0", nil, ""},
	}
	r := newRuntime(t, wasm.Options{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := loadGallery(t, r, test.file)
			watchdog := time.AfterFunc(3*time.Minute, func() { panic("it does not end") })
			defer watchdog.Stop()
			p, err := openWithin(m, wasm.ProgramOptions{Type: hook.Registration, With: []byte(test.with)}, test.err, test.step)
			if test.err == nil && err == nil {
				wantUndisturbed(t, p)
				p.Close()
				return
			}
			if !errors.Is(err, test.err) || !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), test.step) || len(err.Error()) > 40<<10 {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("EndlessSampleCall", func(t *testing.T) {
		_, err := openWithin(loadGallery(t, r, "spin"), wasm.ProgramOptions{Type: hook.Registration, Sample: []byte(attackEvent(1, ""))}, runtime.ErrTime, "sample call")
		if !errors.Is(err, runtime.ErrTime) || !strings.Contains(err.Error(), "sample call") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("FirstEventCached", func(t *testing.T) {
		sample := signUpCall(`"sample@example.com"`, 0)
		wantOwnEmails(t, galleryProgram(t, r, loadGallery(t, r, "first"), wasm.ProgramOptions{Sample: []byte(sample)}))
	})
	t.Run("TrappingSampleCall", func(t *testing.T) {
		p := galleryProgram(t, r, loadGallery(t, r, "traps"), wasm.ProgramOptions{Sample: []byte(attackEvent(1, ""))})
		if !errors.Is(p.SampleError(), runtime.ErrTrap) {
			t.Errorf("got %v", p.SampleError())
		}
		wantUndisturbed(t, p)
	})
}

// TestHostileAlloc has alloc return wrong addresses for the event.
func TestHostileAlloc(t *testing.T) {
	tests := []struct {
		name, with string
		attackOutcome
	}{
		{"Nowhere", "1", exceedsMemory},
		{"PastTheEnd", "2", endsInTrap},
		{"EndsPastTheEnd", "3", endsInTrap},
		{"GoesRound", "4", endsInTrap},
		{"OverTheAnswer", "5", allowed},
		{"OddAddress", "6", allowed},
		{"Never", "7", spinsForever},
		{"Traps", "8", endsInTrap},
		{"InGrownMemory", "9", allowed},
	}
	r := newRuntime(t, wasm.Options{})
	m := loadGallery(t, r, "alloc")
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := galleryProgram(t, r, m, wasm.ProgramOptions{With: []byte(test.with)})
			wantUndisturbed(t, p)
			runAttack(t, p, attackEvent(i+1, ballast[:strings.Index(ballast, `,"member100"`)]), test.attackOutcome)
		})
	}
}

// TestRejectedGallery wants modules rejected before they run, with the reason in their text.
func TestRejectedGallery(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(gallery, "refused", "*.wat"))
	if err != nil || len(files) == 0 {
		t.Fatal("nothing is refused", err)
	}
	wants := regexp.MustCompile(`(?m)^;; refused: ?(.*)$`)
	r := newRuntime(t, wasm.Options{})
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".wat")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			match := wants.FindSubmatch(text)
			if match == nil {
				t.Fatal("its text does not say what it is refused for")
			}
			m, err := r.Load(context.Background(), readGallery(t, "refused/"+name))
			if err == nil {
				m.Close()
			}
			if !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), string(match[1])) {
				t.Errorf("got %v, want it rejected: %s", err, match[1])
			}
		})
	}
}

// TestGalleryIsFresh compares the binaries with the texts.
func TestGalleryIsFresh(t *testing.T) {
	assembler, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is not installed (apt package wabt)")
	}
	for pattern, flags := range map[string][]string{
		"*.wat":         nil,
		"refused/*.wat": {"--no-check", "--enable-all"},
	} {
		files, err := filepath.Glob(filepath.Join(gallery, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			out := filepath.Join(t.TempDir(), "out.wasm")
			if said, err := exec.Command(assembler, append(flags, file, "-o", out)...).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", file, err, said)
				continue
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := os.ReadFile(strings.TrimSuffix(file, ".wat") + ".wasm"); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what its text says: assemble it with wat2wasm %s (%v)", file, strings.Join(flags, " "), err)
			}
		}
	}
}
