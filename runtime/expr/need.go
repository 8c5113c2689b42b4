package expr

import (
	"maps"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// Need is a necessary value of one member of the event. An index over thousands of conditions
// reads the member once and skips those that cannot be true: unless the member is one of Texts or
// begins with one of Beginnings, the condition is false. That holds as long as it and the members
// of the Needs before are texts or missing; otherwise the condition may fail and must run. A Need
// without both selects nothing: it only records that Member is read before the following ones.
type Need struct {
	Member            Member
	Texts, Beginnings []string
}

// maxNeedTexts limits the texts of a Need. More of them would not help an index.
const maxNeedTexts = 256

// Needs are the needs of the condition, in the order in which it reads the members; none when
// nothing is known. A secret member has none: finding a text by its hash does not take constant
// time.
func (x *Expression) Needs() []Need { return x.needs }

// Member is a member of the event, or the result of cheap functions of one member.
type Member struct {
	name   string
	slot   int
	eval   func(*runtime.Run) runtime.Value
	layout *runtime.Layout
}

// Name is equal for all Members of one Env that have the same value.
func (m *Member) Name() string { return m.name }

// Read reads the member as a condition would, and is charged the same. An error wraps one of
// runtime's reasons.
func (m *Member) Read(r *runtime.Run) (v runtime.Value, err error) {
	r.Scratch.Resize(m.layout)
	if s := &r.Scratch.Slots[m.slot]; s.Known {
		return s.Value, nil
	}
	defer recoverFault(r, &err)
	return m.eval(r), nil
}

// memberName is the Member's name for the value of n; "" when it is none.
func (k *compiler) memberName(n ast.Node) string {
	c := k.codes[n]
	if c == nil || c.constant {
		return ""
	}
	if c.slot > 0 {
		return strconv.Itoa(c.slot)
	}
	if id, ok := n.(*ast.IdentifierNode); ok {
		if l := k.env.lets[id.Value]; l != nil {
			return l.member
		}
		return ""
	}
	name, args := callOf(n)
	if f := functions[name]; f == nil || !f.pure || len(args) != 1 {
		return ""
	}
	of := k.memberName(args[0])
	if of == "" {
		return ""
	}
	return name + " " + of
}

// needs are the Needs of the compiled condition n.
func (k *compiler) needs(n ast.Node) (all []Need) {
	for _, term := range flatten(n, true, nil) {
		some, ok := k.termNeeds(term)
		if !ok {
			break
		}
		all = append(all, some...)
	}
	for len(all) > 0 && !all[len(all)-1].isSelective() {
		all = all[:len(all)-1]
	}
	return slices.Clip(all)
}

func (n *Need) isSelective() bool { return len(n.Texts)+len(n.Beginnings) > 0 }

// termNeeds are the Needs of one term of a chain; false when the term may fail though its members
// are texts or missing.
func (k *compiler) termNeeds(n ast.Node) ([]Need, bool) {
	if c := k.codes[n]; c != nil && c.constant && c.value.Kind() <= runtime.Bool {
		return nil, true
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			some, ok := k.termNeeds(n.Node)
			return clearNeeds(some), ok
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "or", "||":
			return k.anyNeeds(flatten(n, false, nil))
		case "and", "&&":
			some, ok := k.anyNeeds(flatten(n, true, nil))
			return clearNeeds(some), ok
		case "==", "!=":
			if c := k.codes[n.Left]; c != nil && (c.constant || isNil(n.Left)) {
				return k.needOf(n.Right, n.Left, n.Operator)
			}
			return k.needOf(n.Left, n.Right, n.Operator)
		case "in", "startsWith", "endsWith", "contains":
			return k.needOf(n.Left, n.Right, n.Operator)
		}
	}
	name, args := callOf(n)
	if f := functions[name]; f != nil && f.op == "startsWith" && len(args) == 2 {
		return k.needOf(args[0], args[1], f.op)
	}
	return nil, false
}

// clearNeeds makes the Needs select nothing.
func clearNeeds(all []Need) []Need {
	for i := range all {
		all[i].Texts, all[i].Beginnings = nil, nil
	}
	return all
}

// anyNeeds are the Needs of a chain of ors: one Need when all terms test the same member.
func (k *compiler) anyNeeds(terms []ast.Node) (all []Need, ok bool) {
	alike := true
	for _, t := range terms {
		some, ok := k.termNeeds(t)
		if !ok {
			return nil, false
		}
		alike = alike && len(some) == 1 && some[0].isSelective() && (len(all) == 0 || some[0].Member.name == all[0].Member.name)
		all = append(all, some...)
	}
	if !alike {
		return clearNeeds(all), true
	}
	one := all[0]
	for _, other := range all[1:] {
		one.Texts, one.Beginnings = append(one.Texts, other.Texts...), append(one.Beginnings, other.Beginnings...)
	}
	return []Need{one.limit()}, true
}

// needOf is the Need of a test of x against the constant y.
func (k *compiler) needOf(x, y ast.Node, op string) ([]Need, bool) {
	name, c, with := k.memberName(x), k.codes[x], k.codes[y]
	if name == "" || c.taint > compared || !(isNil(y) || with != nil && with.constant) {
		return nil, false
	}
	need := Need{Member: Member{name: name, slot: c.slot, eval: c.eval, layout: &k.env.layout}}
	var v runtime.Value
	if with != nil {
		v = with.value
	}
	switch text := v.Kind() == runtime.String; op {
	case "==":
		if text {
			need.Texts = []string{v.Text()}
		}
		return []Need{need}, v.Kind() <= runtime.String
	case "!=":
		return []Need{need}, v.Kind() <= runtime.String
	case "in":
		held := k.env.elementsOf(with)
		if held.set == nil {
			return nil, false
		}
		need.Texts = slices.Sorted(maps.Keys(held.set.texts))
		return []Need{need.limit()}, true
	case "startsWith":
		if text && v.Text() != "" {
			need.Beginnings = []string{v.Text()}
		}
		return []Need{need}, text
	default:
		return []Need{need}, text
	}
}

// limit is the Need, or one that selects nothing when it has too many texts.
func (n Need) limit() Need {
	if len(n.Texts)+len(n.Beginnings) > maxNeedTexts {
		n.Texts, n.Beginnings = nil, nil
	}
	return n
}
