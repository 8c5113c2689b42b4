package expr

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/password"
	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Options are the inputs that the expressions of one hook can read.
type Options struct {
	Type  hook.Type
	Known []string // paths that Okta added, such as data.context.device
	// the policy's constants: an object, or missing. Its Doc must outlive the Env
	Vars    jsondoc.Node
	Tables  map[string]*table.Table // the policy's tables, by name
	Workers *password.Workers       // for password(); without them it is a compile error
	Clauses bool                    // count the outcomes of clauses, which takes time
}

// Env is shared by the expressions of one hook: names, lets, and the place of each value in a Run's
// Scratch. Compile all expressions in one goroutine; they are then safe for concurrent runs.
type Env struct {
	o             Options
	event         *schema.Schema
	layout        runtime.Layout
	paths         []path
	index         map[string]int // by parent and name, see slot
	lets          map[string]*let
	constElements map[jsondoc.Node]elements // by list in vars
	vars          *schema.Schema            // of the variables
	zones         *sync.Map                 // zones that calls named; the names that exist limit its size
	foldedBytes   int                       // of folded constants
	// of lets. A let may run inside any other expression, so lets have locals of their own
	locals int
}

// path is a member of the event that an expression reads. The Slot of the same number holds its
// value.
type path struct {
	parent int // 0: the event itself
	name   string
}

type let struct {
	name   string
	code   *code
	cell   int
	cost   Cost
	size   size
	member string // its name as a Member, when it is one
	inputs []input

	clauses  []*Clause
	warnings Errors
}

// NewEnv makes an Env. A type without known members, such as zero, has no members.
func NewEnv(o Options) *Env {
	e := &Env{o: o, event: schema.Of(o.Type, o.Known), index: make(map[string]int), lets: make(map[string]*let),
		constElements: make(map[jsondoc.Node]elements), zones: new(sync.Map), vars: shapeOfNode(o.Vars)}
	e.slot(0, "") // the event itself
	return e
}

// Let adds a value that is computed at most once for each event, when it is first needed.
// Expressions that are compiled later can read it by name, and so can later lets. The error is
// Errors; the name then exists all the same, so that its uses are not reported too.
func (e *Env) Let(name, src string) error {
	k := newCompiler(e, src)
	c := invalidCode()
	if problem := e.nameProblem(name); problem != "" {
		return Errors{at(src, 0, problem)}
	}
	node, errs := parse(src)
	if k.errs = errs; errs == nil {
		c = k.compileBytes(node)
	}
	l := &let{name: name, code: c, cell: e.layout.Cells, clauses: sortClauses(k.clauses), warnings: k.warnings}
	if len(k.errs) == 0 {
		l.cost, l.size = k.cost(node)
		l.member = k.memberName(node)
		l.inputs = k.inputs(node)
	}
	e.locals = max(e.locals, k.maxLocals)
	e.layout.Locals = max(e.layout.Locals, e.locals)
	e.lets[name] = l
	e.layout.Cells++
	e.layout.Version++
	return k.result()
}

// nameProblem says why a let or variable cannot have that name; "" when it can.
func (e *Env) nameProblem(name string) string {
	if !identifier(name) {
		return fmt.Sprintf("the name %q: want a letter, then letters, digits and _", name)
	}
	if strings.HasPrefix(name, "__") {
		return fmt.Sprintf("the name %s: names that begin with __ are reserved", name)
	}
	if e.lets[name] != nil {
		return fmt.Sprintf("the name %s is already used by a let", name)
	}
	// functions are not reserved: there will be more
	if quantifiers[name] != nil || slices.Contains(keywords, name) {
		return fmt.Sprintf("the name %s is the language's own", name)
	}
	if name == "tables" || name == "vars" || e.event.Known(name) != nil || slices.Contains(e.roots(), name) {
		return fmt.Sprintf("the name %s is the event's own", name)
	}
	return ""
}

var keywords = []string{"true", "false", "nil", "null", "not", "in", "or", "and", "matches", "contains", "startsWith",
	"endsWith", "let", "if", "else"}

func identifier(name string) bool {
	for i, c := range []byte(name) {
		if c != '_' && (c|32)-'a' > 25 && (i == 0 || c-'0' > 9) {
			return false
		}
	}
	return name != "" && name != "_"
}

// roots are the names of the event's own members.
func (e *Env) roots() []string {
	return e.event.Names()
}

// names lists the names that an expression can begin with.
func (e *Env) names() []string {
	all := append(e.roots(), "tables", "vars")
	for name := range e.lets {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// eventHookPath is the path in an event hook for a name of inline hooks or of Okta's documentation;
// "" for any other name.
func (e *Env) eventHookPath(name string) string {
	if e.o.Type != hook.EventHook {
		return ""
	}
	switch name {
	case "data", "events":
		return "event (a rule sees one event of data.events at a time)"
	case "requestType":
		return "event.eventType"
	}
	for _, root := range []string{"event", "delivery"} {
		if slices.Contains(e.event.Known(root).Names(), name) {
			return root + "." + name
		}
	}
	return ""
}

// slot is the number of the Slot for parent.name; parent 0 is the event.
func (e *Env) slot(parent int, name string) int {
	key := fmt.Sprintf("%d %s", parent, name)
	if i, ok := e.index[key]; ok {
		return i
	}
	e.paths = append(e.paths, path{parent, name})
	e.index[key] = len(e.paths) - 1
	e.layout.Slots = len(e.paths)
	e.layout.Version++
	return len(e.paths) - 1
}

// readSlot reads a path from the event and stores the value in its Slot.
func (e *Env) readSlot(r *runtime.Run, i int) runtime.Value {
	if s := &r.Scratch.Slots[i]; s.Known {
		return s.Value
	}
	p := &e.paths[i]
	n := e.root(r, p)
	if p.parent > 0 {
		n = e.readSlot(r, p.parent).Node()
		charge(r, 1+int64(n.Len())>>3)
		n = n.Get(p.name)
	}
	v := runtime.NodeOf(n)
	r.Scratch.SetSlot(i, v)
	return v
}

// root is the value of a root name.
func (e *Env) root(r *runtime.Run, p *path) jsondoc.Node {
	if e.o.Type != hook.EventHook {
		return r.Event.Node.Get(p.name)
	}
	if p.name == "event" {
		return r.Event.Node
	}
	if r.Event.Call == nil || r.Event.Call.Doc == nil {
		return jsondoc.Node{}
	}
	return r.Event.Call.Doc.Root()
}

// readLet is a let's value, computed when it is first read.
func (e *Env) readLet(r *runtime.Run, l *let) runtime.Value {
	charge(r, 1)
	c := &r.Scratch.Cells[l.cell]
	if !c.Known {
		e.computeLet(r, l)
	}
	if c.Missed {
		r.Scratch.Missed = true
	}
	if c.Err != nil {
		panic(&fault{c.Err})
	}
	return c.Value
}

// computeLet computes a let. A value error is stored; an exhausted budget is not, because the next
// rule may have another one.
func (e *Env) computeLet(r *runtime.Run, l *let) {
	c := &r.Scratch.Cells[l.cell]
	outer := r.Scratch.Missed
	r.Scratch.Missed = false
	defer func() {
		c.Missed, r.Scratch.Missed = r.Scratch.Missed, outer
		if p := recover(); p != nil {
			f, ok := p.(*fault)
			if !ok {
				panic(p)
			}
			c.Err, c.Known = fmt.Errorf("let %s: %w", l.name, f.err), true
		}
	}()
	c.Value = l.code.eval(r)
	c.Known = true
}
