package rules_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// TestModuleKept: an unchanged rule reuses its instances when the folder is loaded again. They close
// with the last Set.
func TestModuleKept(t *testing.T) {
	const rule = "- {name: r, wasm: modules/lookup.wasm}\n- {name: s, wasm: modules/random.wasm}"
	text := policy("token", "", rule) + "tables: {tiers: {gold: 3}}\n"
	h := newModuleFolder(t, text, "lookup", "random")
	first := h.load(rules.Options{})
	h.files["policy.yaml"] = []byte(strings.Replace(text, "rules:", "concurrency: 9\n    rules:", 1))
	second := h.load(rules.Options{Before: first})
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if got := second.Shared(first); got != 2 {
		t.Errorf("%d of 2 are shared", got)
	}
	if d := decideCall(t, second.Hook("h"), `{}`, nil); !strings.Contains(string(d.Answer), `"tier":3`) {
		t.Errorf("got %s", d.Answer)
	}
	h.files["policy.yaml"] = []byte(strings.Replace(text, "gold: 3", "gold: 4", 1))
	third := h.load(rules.Options{Before: second})
	if got := third.Shared(second); got != 1 {
		t.Errorf("%d are shared, want the one that looks nothing up", got)
	}
	if d := decideCall(t, third.Hook("h"), `{}`, nil); !strings.Contains(string(d.Answer), `"tier":4`) {
		t.Errorf("got %s", d.Answer)
	}
	late := h.load(rules.Options{Before: first}) // which is closed: nothing of it can be held any more but what others hold
	for _, s := range []*rules.Set{second, third, late} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := h.guests.Stats().Modules; n != 0 {
		t.Errorf("%d modules are left", n)
	}
}

// TestModuleKeptFailing: if a folder was live before, a module that cannot be prepared fails only its
// own rules until it can. A new module, or one of a new rule, is rejected.
func TestModuleKeptFailing(t *testing.T) {
	h := newModuleFolder(t, policy("token", "", "- {name: r, wasm: modules/stamp.wasm, on_failure: open}\n- {name: s, wasm: modules/stamp.wasm, on_failure: open}\n- {name: t, debug: {a: 1}}"), "stamp")
	narrow, err := wasm.New(wasm.Options{Limits: meter.Limits{Bytes: 8}})
	if err != nil {
		t.Fatal(err)
	}
	defer narrow.Close()
	wide := h.guests
	failures := func(s *rules.Set) (n int) {
		for _, m := range s.Modules() {
			if strings.Contains(m.Failure, "want at most 8") {
				n++
			}
		}
		return n
	}
	h.guests = narrow
	kept := h.openSet(rules.Options{Kept: true})
	if n := failures(kept); n != 2 {
		t.Fatalf("%d rules fail: %+v", n, kept.Modules())
	}
	d := decideCall(t, kept.Hook("h"), `{}`, nil)
	if len(d.Results) != 3 || runtime.Reason(d.Results[0].Err) != "value" || !strings.Contains(string(d.Answer), `"a"`) {
		t.Errorf("got %s: %+v", d.Answer, d.Results)
	}
	if all := kept.Trials(); len(all) != 2 || !all[0].Refused {
		t.Errorf("trials %+v", all)
	}
	again := h.openSet(rules.Options{Before: kept, Again: true})
	if failures(again) != 2 || again.Shared(kept) != 0 {
		t.Errorf("tried again in vain: %+v", again.Modules())
	}
	h.guests = wide
	if same := h.openSet(rules.Options{Before: kept}); failures(same) != 2 || same.Shared(kept) != 2 {
		t.Errorf("not tried again: %+v", same.Modules())
	}
	if mended := h.openSet(rules.Options{Before: kept, Again: true}); failures(mended) != 0 {
		t.Errorf("mended: %+v", mended.Modules())
	}
	h.files["policy.yaml"] = []byte(policy("token", "", "- {name: r, wasm: modules/stamp.wasm}\n- {name: new, wasm: modules/stamp.wasm}"))
	_, err = rules.Load(folder.New(h.files), rules.Options{Modules: narrow, Before: kept, Again: true})
	if err == nil || strings.Count(err.Error(), "want at most 8") != 1 || !strings.Contains(err.Error(), "policy.yaml:8") {
		t.Errorf("a new rule: %v", err)
	}
}

// BenchmarkReload loads 1,000 rules and 10 modules once more, all of them unchanged.
func BenchmarkReload(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "- {name: r%d, when: domain(data.userProfile.email) == 'd%d.example', profile: {division: d%d}}\n", i, i, i)
	}
	h := newModuleFolder(b, "", "stamp")
	for i := range 10 {
		fmt.Fprintf(&text, "- {name: m%d, wasm: modules/m%d.wasm}\n", i, i)
		h.files[fmt.Sprintf("modules/m%d.wasm", i)] = bytes.Replace(guest(b, "stamp"), []byte("first"), fmt.Appendf(nil, "m%04d", i), 1)
	}
	h.files["policy.yaml"] = []byte(policy("registration", "", text.String()))
	set := h.load(rules.Options{})
	b.ReportAllocs()
	for b.Loop() {
		next := h.load(rules.Options{Before: set})
		set.Close()
		set = next
	}
	b.StopTimer()
	set.Close()
}
