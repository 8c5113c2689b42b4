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

// gallery is the folder of attacks. Each is a text that says what it is about, and what wat2wasm makes of it.
const gallery = "testdata/hostile"

// outcome is what becomes of a run that is attacked.
type outcome struct {
	name    string
	reasons []error // one of them; none: the run does what it likes and is none the worse
}

var (
	allowed = outcome{"allowed", nil}
	spins   = outcome{"spins", nil} // out of fuel with little of it, and with all there can be out of time, if not of fuel before
	traps   = outcome{"traps", []error{runtime.ErrTrap}}
	bursts  = outcome{"bursts", []error{runtime.ErrOutput}}
	starves = outcome{"starves", []error{runtime.ErrMemory}}
)

// attacks are the modules that decide, count their calls, and attack when the event asks for it. Their cases are numbered
// and named in the text.
var attacks = []struct {
	file  string
	cases []outcome
}{
	{"spin", slices.Repeat([]outcome{spins}, 8)},
	{"bulk", slices.Repeat([]outcome{spins}, 10)},
	{"grow", []outcome{spins, spins, spins, starves, allowed}},
	{"growtable", []outcome{spins, spins, spins, allowed}},
	{"drop", []outcome{traps}},
	{"state", []outcome{traps}},
	{"deep", []outcome{traps, traps, traps, traps, allowed}},
	{"host", slices.Repeat([]outcome{spins}, 14)},
	{"output", []outcome{bursts, traps, traps, traps, traps, allowed, allowed}},
	{"log", slices.Repeat([]outcome{allowed}, 6)},
	{"pointers", append(slices.Repeat([]outcome{traps}, 14), allowed, allowed, allowed, traps, traps, traps, allowed)},
	{"traps", slices.Repeat([]outcome{traps}, 21)},
	{"wasi", []outcome{traps, traps, allowed, allowed, allowed, allowed, allowed, allowed, allowed, allowed,
		allowed, traps, traps, traps, allowed, traps, allowed, traps, allowed}},
	{"abort", slices.Repeat([]outcome{traps}, 4)},
}

// TestHostile attacks, and wants the attack to end for its own reason, and the next call to find everything as it was.
func TestHostile(t *testing.T) {
	r := newRuntime(t)
	for _, a := range attacks {
		t.Run(a.file, func(t *testing.T) {
			titles := titlesOf(t, a.file)
			p := program(t, r, load(t, r, a.file), wasm.ProgramOptions{})
			if len(titles) != len(a.cases) {
				t.Fatalf("%d cases, want %d", len(titles), len(a.cases))
			}
			calm(t, p)
			for i, o := range a.cases {
				t.Run(titles[i], func(t *testing.T) { attack(t, p, event(i+1, ballast), o) })
			}
		})
	}
}

// event asks for an attack.
func event(number int, ballast string) string {
	return fmt.Sprintf(`{"data":{"attack":"%02d"%s}}`, number, ballast)
}

// attack has p attack, a few times, and be calm after each.
func attack(t *testing.T, p *wasm.Program, body string, o outcome) {
	rounds := []struct {
		budget  runtime.Budget
		reasons []error
	}{{runtime.Budget{}, o.reasons}, {runtime.Budget{}, o.reasons}}
	if o.name == spins.name {
		rounds[0].budget, rounds[0].reasons = runtime.Budget{Time: 20 * time.Millisecond, Fuel: runtime.Most.Fuel}, []error{runtime.ErrTime, runtime.ErrFuel}
		rounds[1].budget, rounds[1].reasons = runtime.Budget{Fuel: 1_000_000}, []error{runtime.ErrFuel}
	}
	for _, round := range rounds {
		got, err := run(t, p, body, round.budget)
		if (err == nil) != (len(round.reasons) == 0) || err != nil && !isOneOf(err, round.reasons) {
			t.Errorf("it came to %v, want %v", err, round.reasons)
		}
		readable(t, got.logs)
		calm(t, p)
	}
}

// ballast is what an event has beside what the attack reads of it.
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

// readable wants logs that can be kept: not much, and text.
func readable(t *testing.T, logs []string) {
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

// calm wants a run that is not attacked to know of no other: it is the first, and memory is as it was.
func calm(t *testing.T, p *wasm.Program) {
	t.Helper()
	got, err := run(t, p, `{"data":{}}`, runtime.Budget{})
	if err != nil || got.draft != `{"debugContext":{"memory":1,"global":1}}` {
		t.Fatalf("afterwards: %s, %v", got.draft, err)
	}
	if most := goruntime.GOMAXPROCS(0) + 1; p.Stats().Instances > most {
		t.Errorf("there are %d instances, want at most %d", p.Stats().Instances, most)
	}
}

// result is what a run came to.
type result struct {
	draft  string
	logs   []string
	memory int64 // at most
}

// run decides on an event, and ends the test when it does not come to an end at all. As elsewhere, a budget that says nothing of
// time is one of fuel.
func run(t *testing.T, p *wasm.Program, body string, b runtime.Budget) (result, error) {
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
		m.Pardon(time.Minute)
	}
	r.Begin(hook.Event{Call: call, Node: call.Doc.Root()}, now, &m)
	err := p.Run(&r, &d)
	return result{string(d.JSON), r.Logs, r.Memory}, err
}

func newRuntime(t *testing.T) *wasm.Runtime {
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

func load(t *testing.T, r *wasm.Runtime, file string) *wasm.Module {
	t.Helper()
	m, err := r.Load(context.Background(), source(t, file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func source(t *testing.T, file string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(gallery, file+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func program(t *testing.T, r *wasm.Runtime, m *wasm.Module, o wasm.ProgramOptions) *wasm.Program {
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

// titlesOf are the names of a module's cases, out of its text.
func titlesOf(t *testing.T, file string) (titles []string) {
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

// TestHostileOutcomes looks closer at answers that need more than a reason.
func TestHostileOutcomes(t *testing.T) {
	r := newRuntime(t)
	p := program(t, r, load(t, r, "output"), wasm.ProgramOptions{})
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
			got, err := run(t, p, event(test.number, ""), runtime.Budget{})
			calm(t, p) // the same instance: what the draft was read from is overwritten by now
			if err != nil || got.draft != test.draft {
				t.Errorf("got %s, %v", got.draft, err)
			}
		})
	}
	t.Run("MemoryIsGivenBack", func(t *testing.T) {
		p := program(t, r, load(t, r, "grow"), wasm.ProgramOptions{Budget: runtime.Budget{Memory: 4 << 20}})
		for body, want := range map[string]int64{event(5, ""): 4 << 20, `{"data":{}}`: 128 << 10} {
			if got, err := run(t, p, body, runtime.Budget{}); err != nil || got.memory != want {
				t.Errorf("%s: it had %d bytes, want %d: %v", body, got.memory, want, err)
			}
		}
	})
}

// TestHostileBeginnings has modules misbehave before their first event: they never become a Program.
func TestHostileBeginnings(t *testing.T) {
	tests := []struct {
		name, file, with string
		err              error // nil: it becomes one
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
	r := newRuntime(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := load(t, r, test.file)
			watchdog := time.AfterFunc(3*time.Minute, func() { panic("it does not end") })
			defer watchdog.Stop()
			p, err := begun(m, wasm.ProgramOptions{Type: hook.Registration, With: []byte(test.with)}, test.err, test.step)
			if test.err == nil && err == nil {
				calm(t, p)
				p.Close()
				return
			}
			if !errors.Is(err, test.err) || !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), test.step) || len(err.Error()) > 40<<10 {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("EndlessWarmUp", func(t *testing.T) {
		_, err := begun(load(t, r, "spin"), wasm.ProgramOptions{Type: hook.Registration, Warm: []byte(event(1, ""))}, runtime.ErrTime, "warm-up")
		if !errors.Is(err, runtime.ErrTime) || !strings.Contains(err.Error(), "warm-up") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("TrappingWarmUp", func(t *testing.T) {
		p := program(t, r, load(t, r, "traps"), wasm.ProgramOptions{Warm: []byte(event(1, ""))})
		if !errors.Is(p.Cold(), runtime.ErrTrap) {
			t.Errorf("got %v", p.Cold())
		}
		calm(t, p)
	})
}

// TestHostileAlloc has modules lie about where the event goes.
func TestHostileAlloc(t *testing.T) {
	tests := []struct {
		name, with string
		outcome
	}{
		{"Nowhere", "1", starves},
		{"PastTheEnd", "2", traps},
		{"EndsPastTheEnd", "3", traps},
		{"GoesRound", "4", traps},
		{"OverTheAnswer", "5", allowed},
		{"OddAddress", "6", allowed},
		{"Never", "7", spins},
		{"Traps", "8", traps},
		{"InGrownMemory", "9", allowed},
	}
	r := newRuntime(t)
	m := load(t, r, "alloc")
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := program(t, r, m, wasm.ProgramOptions{With: []byte(test.with)})
			calm(t, p)
			attack(t, p, event(i+1, ballast[:strings.Index(ballast, `,"member100"`)]), test.outcome)
		})
	}
}

// TestRefused wants modules refused by words of their own before anything of them runs.
func TestRefused(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(gallery, "refused", "*.wat"))
	if err != nil || len(files) == 0 {
		t.Fatal("nothing is refused", err)
	}
	wants := regexp.MustCompile(`(?m)^;; refused: ?(.*)$`)
	r := newRuntime(t)
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
			m, err := r.Load(context.Background(), source(t, "refused/"+name))
			if err == nil {
				m.Close()
			}
			if !errors.Is(err, wasm.ErrModule) || !strings.Contains(err.Error(), string(match[1])) {
				t.Errorf("got %v, want it refused: %s", err, match[1])
			}
		})
	}
}

// TestGalleryIsFresh holds what is assembled to its text.
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
