package rules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// shelf has the modules of the folder under load, and those of the Set before it: a rule whose module, tables and settings are what
// they were goes on with the instances it has.
type shelf struct {
	*loader
	tables map[string]*table.Table
	files  map[string]string    // the modules' hashes, by file; empty: what is wrong with the file is reported
	faulty map[string]error     // why modules cannot be used by any rule, by hash
	told   map[string]bool      // that this is reported
	before map[string]*instance // by key
	print  string               // of the tables, once it was asked for
}

func newShelf(l *loader, tables map[string]*table.Table) *shelf {
	s := &shelf{loader: l, tables: tables, files: map[string]string{}, faulty: map[string]error{}, told: map[string]bool{}, before: map[string]*instance{}}
	if l.options.Before == nil {
		return s
	}
	for _, h := range l.options.Before.hooks {
		for i := range h.rules {
			if m, ok := h.rules[i].program.(*instance); ok {
				s.before[m.key] = m
			}
		}
	}
	return s
}

// program makes a rule's program of its module. Where there was a problem it is one that cannot be run.
func (s *shelf) program(h *Hook, spec *ruleSpec, budget runtime.Budget) runtime.Program {
	m := spec.module
	if m.file == nil {
		return unready{}
	}
	file := path.Clean(m.file.Text)
	code, hash := s.read(m, file)
	if hash != "" && s.options.Modules == nil {
		s.Add(m.at.Problem("modules are not run here: want rules of expressions"))
		return unready{}
	}
	with, ready := s.with(spec.with)
	if hash == "" || !ready {
		return unready{}
	}
	key := fmt.Sprintf("%s %q %q %d %s %q %v %v %s", hash, h.Name, spec.name, h.Type, file, m.sha256, budget, with != nil, with)
	old := s.before[key]
	if s.shared(old) {
		return old
	}
	made := &instance{key: key, file: file, sha256: hash, pinned: m.sha256 != "", secret: spec.with != nil && spec.with.HasHoles()}
	made.holders.Store(1)
	err := s.faulty[hash]
	if err == nil {
		err = s.start(made, code, spec, wasm.ProgramOptions{Type: h.Type, With: with, WarmUp: sample.Of(h.Type), Budget: budget})
	}
	switch {
	case err == nil:
		return made
	case s.options.Kept, old != nil && old.failure != "":
		made.failure = wording(err, made.secret)
		return made
	case !s.told[hash]:
		s.refused(m.file, file, err, made.secret)
		s.told[hash] = s.faulty[hash] != nil
	}
	return unready{}
}

// shared reports whether a rule goes on with what it had, which it holds then.
func (s *shelf) shared(old *instance) bool {
	if old == nil || old.failure != "" && s.options.Again {
		return false
	}
	return (old.print == "" || old.print == s.fingerprint()) && old.hold()
}

// read finds the file and holds it against the policy's hash; the hash is empty when there was a problem.
func (s *shelf) read(m *moduleSpec, file string) (code []byte, hash string) {
	code, there := s.folder.File(file)
	hash, known := s.files[file]
	switch {
	case !there && !known:
		s.Add(m.file.Problem("there is no %s in the policy folder%s", file, s.instead(file)))
		fallthrough
	case !there:
		s.files[file] = ""
		return nil, ""
	case !known:
		sum := sha256.Sum256(code)
		hash = hex.EncodeToString(sum[:])
		s.files[file] = hash
	}
	if m.sha256 != "" && m.sha256 != hash {
		s.Add(m.sha256At.Problem("%s is another file than this: its SHA-256 is %s", file, hash))
		return nil, ""
	}
	return code, hash
}

// instead is what to do about a module that is not there.
func (s *shelf) instead(file string) string {
	name := strings.TrimSuffix(path.Base(file), ".wasm")
	for _, source := range s.folder.Names() {
		ext := path.Ext(source)
		if !strings.HasPrefix(source, path.Dir(file)+"/") || ext == ".wasm" {
			continue
		}
		if path.Base(path.Dir(source)) == name || strings.TrimSuffix(path.Base(source), ext) == name {
			return fmt.Sprintf(": it may have to be built first, of %s", source)
		}
	}
	return document.Suggest(file, modulesOf(s.folder))
}

func modulesOf(f *folder.Folder) []string {
	return slices.DeleteFunc(slices.Clone(f.Names()), func(name string) bool { return path.Ext(name) != ".wasm" })
}

// start loads the module and makes it ready. When it is refused the error says why.
func (s *shelf) start(made *instance, code []byte, spec *ruleSpec, o wasm.ProgramOptions) error {
	module, err := s.options.Modules.Load(context.Background(), code)
	if err != nil {
		s.faulty[made.sha256] = err
		return err
	}
	defer module.Close() // the Program holds it
	if looks(module) {
		o.Tables, made.print = s.tables, s.fingerprint()
	}
	if made.Program, err = module.Program(context.Background(), o); err != nil {
		if errors.Is(err, runtime.ErrTime) {
			s.faulty[made.sha256] = err // the next rule is not tried: it takes long, and this may be the start
		}
		return err
	}
	if cold := made.WarmUpError(); cold != nil {
		s.Add(spec.module.file.Warning("%s: it fails on a sample call, and unless that has what no real one has, it fails on every call: %s", made.file, wording(cold, made.secret)))
	}
	return nil
}

// looks reports whether a module looks into tables.
func looks(m *wasm.Module) bool {
	return slices.ContainsFunc(m.Report().Imports, func(name string) bool { return strings.HasPrefix(name, "tenterhook.lookup ") })
}

// refused reports each reason by itself.
func (s *shelf) refused(at *document.Node, file string, err error, secret bool) {
	for _, reason := range strings.Split(wording(err, secret), "\n") {
		s.Add(at.Problem("%s: %s", file, reason))
	}
}

// wording leaves out what a module wrote that has been told a secret.
func wording(err error, secret bool) string {
	text := strings.TrimPrefix(err.Error(), wasm.ErrModule.Error()+": ")
	if before, _, wrote := strings.Cut(text, "; it wrote: "); secret && wrote {
		return before + "; what it wrote is left out, because with has ${ } in it"
	}
	return text
}

// Reasons takes apart why package wasm refuses a module.
func Reasons(err error) []string {
	return strings.Split(wording(err, false), "\n")
}

// maxWith is the length of the longest with, as JSON.
const maxWith = 256 << 10

// with is a module's settings as JSON; nil when there are none. It is not ready where something is not set that they name: then
// the module cannot be configured, which is no fault of its own.
func (s *shelf) with(n *document.Node) (text []byte, ready bool) {
	if n == nil {
		return nil, true
	}
	whole, ready := s.filled(n)
	if !ready {
		return nil, false
	}
	text, ready = document.AppendJSON(nil, whole, maxWith)
	if len(text) > maxWith {
		s.Add(n.Problem("with is too large: want at most %d KiB; data goes into tables", maxWith>>10))
		return nil, false
	}
	return text, ready
}

// filled is n with ${env.NAME} and ${file./path} filled in; false when one of them is not there.
func (s *shelf) filled(n *document.Node) (*document.Node, bool) {
	if !n.HasHoles() {
		return n, true
	}
	f, ready := *n, true
	if n.Kind == document.Text {
		f.Text = s.credentials.ReadText(n, "value")
		return &f, f.Text != ""
	}
	f.Items, f.Members = slices.Clone(n.Items), slices.Clone(n.Members)
	for i, item := range f.Items {
		var ok bool
		f.Items[i], ok = s.filled(item)
		ready = ready && ok
	}
	for i, m := range f.Members {
		var ok bool
		f.Members[i].Value, ok = s.filled(m.Value)
		ready = ready && ok
	}
	return &f, ready
}

// fingerprint tells tables apart by what they are made of.
func (s *shelf) fingerprint() string {
	if s.print != "" {
		return s.print
	}
	sum := sha256.New()
	for _, t := range s.loader.tables {
		text, _ := document.AppendJSON(nil, t.Value, document.MaxBytes)
		fmt.Fprintf(sum, "%q %s\n", t.Key, text)
		if file := t.Value.Get("file"); file != nil {
			content, _ := s.folder.File(path.Clean(file.Text))
			fmt.Fprintf(sum, "%x\n", sha256.Sum256(content))
		}
	}
	s.print = hex.EncodeToString(sum.Sum(nil))
	return s.print
}
