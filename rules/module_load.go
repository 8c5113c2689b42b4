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

// moduleLoader loads the modules of a folder. A rule with unchanged module, tables and settings
// reuses the running instances of the previous Set.
type moduleLoader struct {
	*loader
	tables   map[string]*table.Table
	files    map[string]string        // hash of each module by file; "": the file has a reported problem
	faulty   map[string]error         // errors of modules that no rule can use, by hash
	reported map[string]bool          // hashes whose error is reported
	before   map[string]*sharedModule // modules of the previous Set, by key
	hash     string                   // of the tables; "" until needed
}

func newModuleLoader(l *loader, tables map[string]*table.Table) *moduleLoader {
	s := &moduleLoader{loader: l, tables: tables, files: map[string]string{}, faulty: map[string]error{}, reported: map[string]bool{}, before: map[string]*sharedModule{}}
	if l.options.Before == nil {
		return s
	}
	for _, h := range l.options.Before.hooks {
		for i := range h.rules {
			if m, ok := h.rules[i].program.(*sharedModule); ok {
				s.before[m.key] = m
			}
		}
	}
	return s
}

// program returns the program of a module rule, or unavailable after a problem.
func (s *moduleLoader) program(h *Hook, spec *ruleSpec, budget runtime.Budget) runtime.Program {
	m := spec.module
	if m.file == nil {
		return unavailable{}
	}
	file := path.Clean(m.file.Text)
	code, hash := s.read(m, file)
	if hash != "" && s.options.Modules == nil {
		s.Add(m.at.Problem("modules are not run here: want rules of expressions"))
		return unavailable{}
	}
	with, ready := s.with(spec.with)
	if hash == "" || !ready {
		return unavailable{}
	}
	key := fmt.Sprintf("%s %q %q %d %s %q %v %v %s", hash, h.Name, spec.name, h.Type, file, m.sha256, budget, with != nil, with)
	old := s.before[key]
	if s.reuse(old) {
		return old
	}
	made := &sharedModule{key: key, file: file, sha256: hash, pinned: m.sha256 != "", secret: spec.with != nil && spec.with.HasHoles()}
	made.holders.Store(1)
	err := s.faulty[hash]
	if err == nil {
		err = s.start(made, code, spec, wasm.ProgramOptions{Type: h.Type, With: with, Sample: sample.Of(h.Type), Budget: budget})
	}
	switch {
	case err == nil:
		return made
	case s.options.Kept, old != nil && old.failure != "":
		made.failure = describeError(err, made.secret)
		return made
	case !s.reported[hash]:
		s.reportReasons(m.file, file, err, made.secret)
		s.reported[hash] = s.faulty[hash] != nil
	}
	return unavailable{}
}

// reuse reports whether a rule can reuse its previous module, and holds it then.
func (s *moduleLoader) reuse(old *sharedModule) bool {
	if old == nil || old.failure != "" && s.options.Again {
		return false
	}
	return (old.print == "" || old.print == s.tablesHash()) && old.hold()
}

// read reads the file and compares it with the hash in the policy. It returns an empty hash after a
// problem.
func (s *moduleLoader) read(m *moduleSpec, file string) (code []byte, hash string) {
	code, there := s.folder.File(file)
	hash, known := s.files[file]
	switch {
	case !there && !known:
		s.Add(m.file.Problem("there is no %s in the policy folder%s", file, s.remedy(file)))
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

// remedy suggests a cause for a missing module.
func (s *moduleLoader) remedy(file string) string {
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

// start loads and configures the module. The error says why it was rejected.
func (s *moduleLoader) start(made *sharedModule, code []byte, spec *ruleSpec, o wasm.ProgramOptions) error {
	module, err := s.options.Modules.Load(context.Background(), code)
	if err != nil {
		s.faulty[made.sha256] = err
		return err
	}
	defer module.Close() // the Program holds a reference
	if readsTables(module) {
		o.Tables, made.print = s.tables, s.tablesHash()
	}
	if made.Program, err = module.Program(context.Background(), o); err != nil {
		if errors.Is(err, runtime.ErrTime) {
			s.faulty[made.sha256] = err // do not try it again for the next rule: it takes long, and the server may be starting
		}
		return err
	}
	if sampleErr := made.SampleError(); sampleErr != nil {
		s.Add(spec.module.file.Warning("%s: it fails on a sample call, and unless that has what no real one has, it fails on every call: %s", made.file, describeError(sampleErr, made.secret)))
	}
	return nil
}

// readsTables reports whether a module reads tables.
func readsTables(m *wasm.Module) bool {
	return slices.ContainsFunc(m.Report().Imports, func(name string) bool { return strings.HasPrefix(name, "tenterhook.lookup ") })
}

// reportReasons reports each reason as its own problem.
func (s *moduleLoader) reportReasons(at *document.Node, file string, err error, secret bool) {
	for _, reason := range strings.Split(describeError(err, secret), "\n") {
		s.Add(at.Problem("%s: %s", file, reason))
	}
}

// describeError returns the text of an error without the output of a module that was given a
// secret.
func describeError(err error, secret bool) string {
	text := strings.TrimPrefix(err.Error(), wasm.ErrModule.Error()+": ")
	if before, _, wrote := strings.Cut(text, "; it wrote: "); secret && wrote {
		return before + "; what it wrote is left out, because with has ${ } in it"
	}
	return text
}

// Reasons lists the reasons for which package wasm rejects a module.
func Reasons(err error) []string {
	return strings.Split(describeError(err, false), "\n")
}

// maxWith is the length limit of a `with` as JSON, in bytes.
const maxWith = 256 << 10

// with returns the settings of a module as JSON, or nil. It is not ready if a variable or file is
// missing: then the module cannot be configured, without a problem of its own.
func (s *moduleLoader) with(n *document.Node) (text []byte, ready bool) {
	if n == nil {
		return nil, true
	}
	whole, ready := s.fillNode(n)
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

// fillNode returns n with ${env.NAME} and ${file./path} replaced, and false if one of them is
// missing.
func (s *moduleLoader) fillNode(n *document.Node) (*document.Node, bool) {
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
		f.Items[i], ok = s.fillNode(item)
		ready = ready && ok
	}
	for i, m := range f.Members {
		var ok bool
		f.Members[i].Value, ok = s.fillNode(m.Value)
		ready = ready && ok
	}
	return &f, ready
}

// tablesHash returns a hash of the definitions and files of all tables.
func (s *moduleLoader) tablesHash() string {
	if s.hash != "" {
		return s.hash
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
	s.hash = hex.EncodeToString(sum.Sum(nil))
	return s.hash
}
