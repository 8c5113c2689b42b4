package rules

import (
	"regexp"
	goruntime "runtime"
	"slices"

	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/password"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Options is what a folder is loaded with.
type Options struct {
	Env     func(string) (string, bool) // looks up ${env.NAME}; nil: the environment is empty
	Check   bool                        // what is not set here, but may be where it is served, is a warning
	Before  *Set                        // the Set that runs now, for tables with max_shrink; nil: none
	Kept    bool                        // the folder was live as it is: a module that cannot be made ready takes its rule with it, and no more
	Again   bool                        // what could not be made ready for Before is tried again
	Modules *wasm.Runtime               // runs modules, and outlives the Set; nil: a rule with one is a problem
	Random  *runtime.Random             // makes the randomness of runs; nil: one with a key of its own
	Clauses bool                        // what the parts of conditions come to is counted, which takes its time
}

// loader gathers what the files of a folder say.
type loader struct {
	decoder
	folder    *folder.Folder
	options   Options
	files     int
	unread    bool     // one of them is no YAML
	strangers []string // YAML files that are not policy
	vars      []member
	tables    []member
	places    []member // destinations
	shelf     *shelf
	known     []string
	hooks     []*hookSpec
	orgs      []member
	shown     map[[32]byte]*hookSpec // digests of secrets, and the first hook that has each
}

// Load compiles a folder. The error is Problems: everything that is wrong with the folder, warnings included. The Set is the
// caller's to close.
func Load(f *folder.Folder, o Options) (*Set, error) {
	if o.Env == nil {
		o.Env = func(string) (string, bool) { return "", false }
	}
	if o.Random == nil {
		o.Random = runtime.NewRandom(nil)
	}
	l := &loader{folder: f, options: o, shown: make(map[[32]byte]*hookSpec)}
	for _, name := range f.Names() {
		l.file(name)
	}
	l.judge()
	if l.files == 0 {
		l.add(Problem{Message: "no policy here: want a .yaml file that begins with tenterhook: 1"})
	}
	s := l.set()
	l.problems = l.problems.sorted()
	if slices.ContainsFunc(l.problems, func(p Problem) bool { return !p.Warning }) {
		s.Close() // its modules; what they say as they go is of no interest
		return nil, l.problems
	}
	s.warnings = l.problems
	return s, nil
}

func (l *loader) decode(root *node) {
	if v := root.get(versionField); v != nil && (v.kind != numberNode || v.text != "1") {
		l.add(v.problem("want tenterhook: 1, the one version of the policy language there is"))
		return
	}
	var f fileSpec
	l.hookType = 0
	decode(&l.decoder, root.withoutExtensions(), "a policy file", fileFields, &f)
	l.vars = l.unique(l.vars, f.vars, "the var")
	l.tables = l.unique(l.tables, f.tables, "the table")
	l.places = l.unique(l.places, f.destinations, "the destination")
	l.orgs = l.unique(l.orgs, f.orgs, "the org")
	for _, k := range f.known {
		l.known = append(l.known, k.text)
	}
	l.hooks = append(l.hooks, f.hooks...)
}

// unique joins the names of several files, and reports those that are there twice.
func (l *loader) unique(all, more []member, what string) []member {
	for _, m := range more {
		i := slices.IndexFunc(all, func(o member) bool { return o.key == m.key })
		if i >= 0 {
			l.add(m.at.problem("%s %s is there already, in %s line %d", what, m.key, all[i].at.src.name, all[i].at.line))
			continue
		}
		all = append(all, m)
	}
	return all
}

// set compiles everything. It is of use only when there are no problems.
func (l *loader) set() *Set {
	s := &Set{workers: password.NewWorkers(goruntime.GOMAXPROCS(0) - 1), revision: l.folder.Hash(), known: l.known, tables: make(map[string]*table.Table, len(l.tables))}
	for _, t := range l.tables {
		l.table(s, t)
	}
	if text := l.constants(); text != nil {
		if err := s.vars.Parse(text, jsondoc.Limits{Bytes: maxPolicyBytes * 2}); err != nil {
			l.add(l.vars[0].at.problem("vars cannot be held: %s", err))
		}
	}
	for _, m := range l.places {
		l.destination(s, m)
	}
	orgs := l.readOrgs()
	l.shelf = newShelf(l, s.tables)
	names, paths := map[string]*node{}, map[string]*node{}
	for _, h := range l.hooks {
		if h.name != "" {
			l.taken(names, h.name, h.nameAt, "the name %s is taken by the hook in %s line %d")
		}
		if h.path == "" && h.pathAt == nil && h.name != "" {
			h.path, h.pathAt = "/hooks/"+h.name, h.nameAt
		}
		if h.path != "" {
			l.taken(paths, h.path, h.pathAt, "the path %s is taken by the hook in %s line %d")
		}
		if built := l.hook(s, h); built != nil {
			built.Org = l.orgOf(orgs, h)
			s.hooks = append(s.hooks, built)
		}
	}
	return s
}

func (l *loader) taken(by map[string]*node, key string, at *node, format string) {
	if first := by[key]; first != nil {
		l.add(at.problem(format, key, first.src.name, first.line))
		return
	}
	by[key] = at
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (l *loader) table(s *Set, t member) {
	if !identifier.MatchString(t.key) {
		l.add(t.at.problem("want a table's name of letters, digits and _, which rules read as tables.name, got %q", t.key))
	}
	before := 0
	if l.options.Before != nil {
		if old := l.options.Before.tables[t.key]; old != nil {
			before = old.Len()
		}
	}
	made, problems := loadTable(t.key, t.value, l.folder, before)
	l.add(problems...)
	if made == nil { // known all the same, so that one mistake is not reported again wherever the table is used
		made, _ = table.New(table.Set, nil)
	}
	s.tables[t.key] = made
}

// constants is the vars as a JSON object, nil when there are none. A var that is broken is null, so that its name is known.
func (l *loader) constants() []byte {
	if len(l.vars) == 0 {
		return nil
	}
	dst := []byte{'{'}
	for i, v := range l.vars {
		if v.value.computed() {
			l.add(v.value.problem("vars are constants: ${ } is not filled here"))
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsondoc.AppendString(dst, v.key), ':')
		value, fine := appendNode(nil, v.value, maxPolicyBytes)
		if !fine {
			value = []byte("null")
		}
		dst = append(dst, value...)
	}
	return append(dst, '}')
}
