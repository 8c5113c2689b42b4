package rules

import (
	"regexp"
	goruntime "runtime"
	"slices"

	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/tables"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/password"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Options configures Load.
type Options struct {
	Env     func(string) (string, bool) // looks up ${env.NAME}; nil: the environment is empty
	Check   bool                        // a missing variable or file is a warning, because the server may have it
	Before  *Set                        // the live Set: for max_shrink of tables, and for reuse of modules; nil: none
	Kept    bool                        // the folder was live before: a module that does not start disables only its rule
	Again   bool                        // start modules again that did not start for Before
	Modules *wasm.Runtime               // runs modules and outlives the Set; nil: module rules are problems
	Random  *runtime.Random             // source of randomness of runs; nil: one with a new key
	Clauses bool                        // count the results of the parts of conditions, which costs time
}

// loader decodes the files of a folder and compiles them.
type loader struct {
	document.Decoder
	folder       *folder.Folder
	options      Options
	files        int
	unreadable   bool     // a file is not YAML
	nonPolicies  []string // YAML files without policy
	vars         []document.Member
	tables       []document.Member
	destinations []document.Member // destinations
	modules      *moduleLoader
	known        []string
	hooks        []*hookSpec
	orgs         []document.Member
	credentials  *credential.Reader
}

// Load compiles a folder. The error is document.Problems, with all problems and warnings of the
// folder. The caller closes the Set.
func Load(f *folder.Folder, o Options) (*Set, error) {
	if o.Env == nil {
		o.Env = func(string) (string, bool) { return "", false }
	}
	if o.Random == nil {
		o.Random = runtime.NewRandom(nil)
	}
	l := &loader{folder: f, options: o}
	l.credentials = credential.NewReader(&l.Decoder, f, o.Env, o.Check)
	for _, name := range f.Names() {
		l.file(name)
	}
	l.reportNonPolicies()
	if l.files == 0 {
		l.Add(document.Problem{Message: "no policy here: want a .yaml file that begins with tenterhook: 1"})
	}
	s := l.set()
	l.Problems = l.Problems.Sorted()
	if slices.ContainsFunc(l.Problems, func(p document.Problem) bool { return !p.Warning }) {
		s.Close() // the Set is dropped, so an error of closing its modules does not matter
		return nil, l.Problems
	}
	s.warnings = l.Problems
	return s, nil
}

func (l *loader) decode(root *document.Node) {
	if v := root.Get(versionField); v != nil && (v.Kind != document.Number || v.Text != "1") {
		l.Add(v.Problem("want tenterhook: 1, the one version of the policy language there is"))
		return
	}
	var f fileSpec
	l.HookType = 0
	document.Decode(&l.Decoder, root.WithoutExtensions(), "a policy file", fileFields, &f)
	l.vars = l.unique(l.vars, f.vars, "the var")
	l.tables = l.unique(l.tables, f.tables, "the table")
	l.destinations = l.unique(l.destinations, f.destinations, "the destination")
	l.orgs = l.unique(l.orgs, f.orgs, "the org")
	for _, k := range f.known {
		l.known = append(l.known, k.Text)
	}
	l.hooks = append(l.hooks, f.hooks...)
}

// unique joins the names of several files and reports duplicates.
func (l *loader) unique(all, more []document.Member, what string) []document.Member {
	for _, m := range more {
		i := slices.IndexFunc(all, func(o document.Member) bool { return o.Key == m.Key })
		if i >= 0 {
			l.Add(m.KeyNode.Problem("%s %s is there already, in %s line %d", what, m.Key, all[i].KeyNode.Source.Name, all[i].KeyNode.Line))
			continue
		}
		all = append(all, m)
	}
	return all
}

// set compiles all hooks. The Set is usable only without problems.
func (l *loader) set() *Set {
	s := &Set{workers: password.NewWorkers(goruntime.GOMAXPROCS(0) - 1), revision: l.folder.Hash(), known: l.known, tables: make(map[string]*table.Table, len(l.tables))}
	for _, t := range l.tables {
		l.table(s, t)
	}
	if text := l.constants(); text != nil {
		if err := s.vars.Parse(text, jsondoc.Limits{Bytes: document.MaxBytes * 2}); err != nil {
			l.Add(l.vars[0].KeyNode.Problem("vars cannot be held: %s", err))
		}
	}
	for _, m := range l.destinations {
		l.destination(s, m)
	}
	orgs := l.readOrgs()
	l.modules = newModuleLoader(l, s.tables)
	names, paths := map[string]*document.Node{}, map[string]*document.Node{}
	for _, h := range l.hooks {
		if h.name != "" {
			l.checkUnique(names, h.name, h.nameAt, "the name %s is taken by the hook in %s line %d")
		}
		if h.path == "" && h.pathAt == nil && h.name != "" {
			h.path, h.pathAt = "/hooks/"+h.name, h.nameAt
		}
		if h.path != "" {
			l.checkUnique(paths, h.path, h.pathAt, "the path %s is taken by the hook in %s line %d")
		}
		if built := l.hook(s, h); built != nil {
			built.Org = l.orgOf(orgs, h)
			s.hooks = append(s.hooks, built)
		}
	}
	return s
}

func (l *loader) checkUnique(by map[string]*document.Node, key string, at *document.Node, format string) {
	if first := by[key]; first != nil {
		l.Add(at.Problem(format, key, first.Source.Name, first.Line))
		return
	}
	by[key] = at
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (l *loader) table(s *Set, t document.Member) {
	if !identifier.MatchString(t.Key) {
		l.Add(t.KeyNode.Problem("want a table's name of letters, digits and _, which rules read as tables.name, got %q", t.Key))
	}
	before := 0
	if l.options.Before != nil {
		if old := l.options.Before.tables[t.Key]; old != nil {
			before = old.Len()
		}
	}
	made, problems := tables.Load(t.Key, t.Value, l.folder, before)
	l.Add(problems...)
	if made == nil { // define the name, so that rules that use the table add no problems
		made, _ = table.New(table.Set, nil)
	}
	s.tables[t.Key] = made
}

// constants returns the vars as a JSON object, or nil. A broken var is null, so that its name is
// defined.
func (l *loader) constants() []byte {
	if len(l.vars) == 0 {
		return nil
	}
	dst := []byte{'{'}
	for i, v := range l.vars {
		if v.Value.HasHoles() {
			l.Add(v.Value.Problem("vars are constants: ${ } is not filled here"))
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsondoc.AppendString(dst, v.Key), ':')
		value, fine := document.AppendJSON(nil, v.Value, document.MaxBytes)
		if !fine {
			value = []byte("null")
		}
		dst = append(dst, value...)
	}
	return append(dst, '}')
}
