package rules

import (
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Module is the module of a rule.
type Module struct {
	Hook   string `json:"hook"`
	Rule   string `json:"rule"`
	File   string `json:"file"`   // in the folder
	SHA256 string `json:"sha256"` // of the file, in hex
	Pinned bool   `json:"pinned"` // the policy pins its hash

	Failure string `json:"failure,omitempty"` // why it does not start, although it did before: the rule fails
}

// Modules lists the modules that rules run, in the order of the hooks and their rules.
func (s *Set) Modules() (all []Module) {
	for _, h := range s.hooks {
		for i := range h.rules {
			if m, ok := h.rules[i].program.(*sharedModule); ok {
				all = append(all, Module{h.Name, h.rules[i].name, m.file, m.sha256, m.pinned, m.failure})
			}
		}
	}
	return all
}

// moduleSpec is the value of wasm.
type moduleSpec struct {
	at, file *document.Node
	sha256   string
	sha256At *document.Node
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

var moduleFields = []document.Field[moduleSpec]{
	{Key: "file", Doc: "The module: a .wasm file of the policy folder.", Schema: document.TextSchema, Required: true,
		Read: func(_ *document.Decoder, m *moduleSpec, n *document.Node) { m.file = n }},
	{Key: "sha256", Doc: "The file's SHA-256 in hex: no other is run.", Schema: `{"type":"string","pattern":"^[0-9a-f]{64}$"}`,
		Read: func(d *document.Decoder, m *moduleSpec, n *document.Node) {
			if m.sha256, m.sha256At = n.Text, n; !sha256Hex.MatchString(n.Text) {
				d.Add(n.Problem("want the file's SHA-256 as a text of 64 digits in lower-case hex, got %s", n.Describe()))
				m.sha256 = ""
			}
		}},
}

func readModule(d *document.Decoder, n *document.Node) *moduleSpec {
	m := &moduleSpec{at: n, file: n}
	if n.Kind != document.Text {
		m.file = nil
		document.Decode(d, n, "a module", moduleFields, m)
	}
	if m.file != nil && (m.file.Kind != document.Text || !strings.HasSuffix(m.file.Text, ".wasm")) {
		got := m.file.Describe()
		if m.file.Kind == document.Text && m.file.Text != "" {
			got = fmt.Sprintf("%q", m.file.Text)
		}
		d.Add(m.file.Problem("want a .wasm file of the policy folder, such as modules/score.wasm, got %s", got))
		m.file = nil
	}
	return m
}

// restricts reports whether the module counts as denying or restricting. Its behaviour is unknown,
// so it does if the hook type can deny at all, unless the rule has `on_failure: open`; on
// registration hooks it always does.
func (m *moduleSpec) restricts(r *ruleSpec) bool {
	return m != nil && !hook.FailureFixed(r.typ) && (r.typ.GuardsAccounts() || r.onFailure != "open")
}

// Wrote returns the last log lines of the rule's module, for the text of its failure, or "". It is
// for the author of the module and may hold any part of the call.
func (d *Decision) Wrote(rule string) string {
	var lines []string
	for _, l := range d.Logs {
		if l.Module && l.Rule == rule {
			lines = append(lines, l.Text)
		}
	}
	return wrote(lines)
}

// wrote keeps only the last lines, because a failing module logs the reason at the end.
func wrote(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	const most = 3
	return "; it wrote: " + strings.Join(lines[max(0, len(lines)-most):], " / ")
}

// sharedModule is the running module of one rule. Sets with an unchanged rule share it.
type sharedModule struct {
	*wasm.Program        // nil if failure is set
	key           string // equal for rules that can share it
	print         string // of the tables it reads; "": it reads none
	file, sha256  string
	pinned        bool
	secret        bool   // its configuration holds one
	failure       string // why it did not start
	holders       atomic.Int64
}

// hold adds a reference of a Set. It returns false if the module is closed already.
func (m *sharedModule) hold() bool {
	for {
		n := m.holders.Load()
		if n == 0 {
			return false
		}
		if m.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Run runs the module on the event.
func (m *sharedModule) Run(r *runtime.Run, d *hook.Draft) error {
	if m.failure != "" {
		return fmt.Errorf("%w: its module could not be started: %s", runtime.ErrValue, m.failure)
	}
	return m.Program.Run(r, d)
}

// Close releases the reference of one Set, and closes the module with the last.
func (m *sharedModule) Close() error {
	if m.holders.Add(-1) > 0 || m.Program == nil {
		return nil
	}
	return m.Program.Close()
}

// unavailable is the program of a rule whose module cannot be configured in `check`.
type unavailable struct{}

var errUnready = fmt.Errorf("%w: the settings of its module are not set here", runtime.ErrValue)

// Run fails.
func (unavailable) Run(*runtime.Run, *hook.Draft) error { return errUnready }

// Close does nothing.
func (unavailable) Close() error { return nil }
