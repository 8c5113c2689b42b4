package expr

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// path is parent.name in the event: a Slot that is filled at the first read.
func (k *compiler) path(n ast.Node, parent int, name string, s *schema.Schema, secret taint) *code {
	env, i := k.env, k.env.slot(parent, name)
	c := &code{types: s.Kinds(), null: parent > 0 || name != "eventType", shape: s, slot: i, taint: secret}
	c.eval = func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		if s := &r.Scratch.Slots[i]; s.Known {
			return s.Value
		}
		return env.readSlot(r, i)
	}
	return complete(c, k.pos(n))
}

// dropNull drops nullability where a surrounding condition tested presence.
func (k *compiler) dropNull(n ast.Node, c *code) *code {
	if c.null && len(k.present) > 0 && k.present[key(n, 0)] > 0 {
		c.null, c.maybeFalse = false, false
	}
	return c
}

func (k *compiler) pointer(n *ast.PointerNode) *code {
	if len(k.elements) == 0 {
		return k.report(n, "# is only known inside a quantifier")
	}
	e := k.elements[len(k.elements)-1]
	switch n.Name {
	case "":
		c := k.variable(e)
		c.isElement = true
		return c
	case "index":
		e.local++
		e.code = &code{types: number}
		return k.variable(e)
	}
	return k.reportUnknown(n, "name", "#"+n.Name, []string{"#index"})
}

func (k *compiler) member(n *ast.MemberNode) *code {
	if name, ok := constantName(n.Property); ok && isRoot(n.Node, "tables") && k.env.lets["tables"] == nil {
		return k.table(n, name)
	}
	base := k.source(n.Node)
	if name, ok := constantName(n.Property); ok {
		if base.table != nil {
			return k.lookup(n, base.table, k.compile(n.Property))
		}
		return k.field(n, base, name)
	}
	index := k.compile(n.Property)
	if base.table != nil {
		return k.lookup(n, base.table, index)
	}
	return k.index(n, base, index)
}

// constantName is the member's name in x.name and x["name"].
func constantName(n ast.Node) (string, bool) {
	s, ok := n.(*ast.StringNode)
	if !ok {
		return "", false
	}
	return s.Value, true
}

func isRoot(n ast.Node, name string) bool {
	id, ok := n.(*ast.IdentifierNode)
	return ok && id.Value == name
}

// hasDot reports whether the member is written with a dot: only those are checked against the
// schema.
func (k *compiler) hasDot(n *ast.MemberNode) bool {
	at := k.offset(n)
	return at < len(k.src) && k.src[at] != '['
}

func (k *compiler) field(n *ast.MemberNode, base *code, name string) *code {
	s, ok := base.shape.Member(name)
	if !ok && k.hasDot(n) {
		return k.reportField(n, base, name)
	}
	if base.types != 0 && base.types&object == 0 {
		return k.reportNoMembers(n, base, name)
	}
	if base.slot > 0 {
		return k.path(n, base.slot, name, s, base.memberTaint(name))
	}
	c := &code{types: s.Kinds(), null: true, shape: s, maybeOther: base.maybeOther, taint: base.memberTaint(name)}
	c.eval = func(r *runtime.Run) runtime.Value {
		v := base.eval(r)
		charge(r, 1+int64(v.Len())>>3)
		return v.Get(name)
	}
	if base.isElement {
		c.elementMember = name
	}
	c = k.fold(n, complete(c, k.pos(n)), base)
	c.shape = s
	return c
}

// reportField reports a member that no call has, with a suggestion or an explanation.
func (k *compiler) reportField(n ast.Node, base *code, name string) *code {
	if outer := outerOf(base.shape, name); outer != "" {
		return k.report(n, "unknown field %s, did you mean %s.%s?", name, outer, name)
	}
	before := len(k.errs)
	c := k.reportUnknown(n, "field", name, base.shape.Names())
	if len(k.errs) > before && k.errs[before].Suggest == "" && base.shape.Note() != "" {
		k.errs[before].Message += ": " + base.shape.Note()
	}
	return c
}

// outerOf is the member of s that has a member of that name, preferably an object; "" without one.
func outerOf(s *schema.Schema, name string) (found string) {
	for _, outer := range s.Names() {
		switch inner := s.Known(outer).Known(name); {
		case inner.HasMembers():
			return outer
		case inner != nil && found == "":
			found = outer
		}
	}
	return found
}

// reportNoMembers reports a member of a value without members. Of a list, an element may have it.
func (k *compiler) reportNoMembers(n *ast.MemberNode, base *code, name string) *code {
	if base.types == list && base.shape.Element().HasMembers() {
		if _, ok := base.shape.Element().Member(name); ok {
			return k.report(n, "a list has no members: want any(LIST, .%s …) or find(LIST, …).%s", name, name)
		}
	}
	return k.report(n, "%s has no members", base.types.String())
}

// index is x[i]: a list's value, from its end when i is negative, or an object's member.
func (k *compiler) index(n *ast.MemberNode, base, index *code) *code {
	if k.wantKinds(n, base, list|object, "[ ]") {
		k.wantKinds(n, index, indexes(base.types), "the index between [ and ]")
	}
	pos := k.pos(n)
	c := &code{types: anything, null: true, maybeOther: anyUncertain(base, index), taint: derivedTaint(base, index)}
	if base.shape != nil && base.types == list {
		c.shape = base.shape.Element()
		c.types = c.shape.Kinds()
	}
	c.eval = func(r *runtime.Run) runtime.Value {
		v, i := base.eval(r), index.eval(r)
		switch i.Kind() {
		case runtime.Null:
			return runtime.Value{}
		case runtime.String:
			charge(r, 1+int64(v.Len())>>3)
			return v.Get(i.Text())
		case runtime.Int:
			at := i.Int()
			if at < 0 {
				at += int64(v.Len())
			}
			charge(r, 1+max(0, min(at, int64(v.Len())))>>3)
			return v.At(int(max(-1, min(at, maxIndex))))
		}
		fail(pos, "want a whole number or a text between [ and ], got %s", i.Kind())
		return i
	}
	return k.fold(n, complete(c, pos), base, index)
}

const maxIndex = 1 << 30

// indexes are the kinds of an index into a value of these kinds.
func indexes(base types) (by types) {
	if base&object == 0 && base != 0 {
		return number
	}
	if base&list == 0 && base != 0 {
		return text
	}
	return number | text
}

// table is tables.name.
func (k *compiler) table(n *ast.MemberNode, name string) *code {
	t := k.env.o.Tables[name]
	if t == nil {
		var names []string
		for name := range k.env.o.Tables {
			names = append(names, name)
		}
		slices.Sort(names)
		return k.reportUnknown(n, "table", name, names)
	}
	c := invalidCode()
	c.table = t
	return c
}

// lookup is tables.name[key].
func (k *compiler) lookup(n ast.Node, t *table.Table, index *code) *code {
	k.wantKinds(n, index, text|number, "a table's key")
	pos := k.pos(n)
	c := &code{types: anything, null: true, maybeOther: index.maybeOther, taint: derivedTaint(index)}
	c.eval = func(r *runtime.Run) runtime.Value {
		key, ok := tableKey(r, t, index.eval(r), pos)
		if !ok {
			return runtime.Value{}
		}
		found := t.Lookup(key)
		if found.Kind() == jsondoc.Missing {
			failUnlessKey(t, key, pos)
		}
		return runtime.NodeOf(found)
	}
	return complete(c, pos)
}

// tableKey is the key as a text; false when it is missing.
func tableKey(r *runtime.Run, t *table.Table, v runtime.Value, pos string) (string, bool) {
	charge(r, 4)
	switch v.Kind() {
	case runtime.Null:
		return "", false
	case runtime.String:
		charge(r, int64(len(v.Text()))>>6)
		return v.Text(), true
	case runtime.Int, runtime.Float:
		return numberKey(r, t, v, pos), true
	}
	fail(pos, "a table's key is a text, got %s", v.Kind())
	return "", false
}

// numberKey is a number as written, or as a whole number where the table has no such key: 5.0 and
// 5e0 are 5, as for ==.
func numberKey(r *runtime.Run, t *table.Table, v runtime.Value, pos string) string {
	if isUnparsedNumber(v) {
		fail(pos, "a table's key: %s", unparsedNumber)
	}
	key := textOf(r, v).Text()
	if i, whole := wholeOf(v); whole && !t.Has(key) {
		key = textOf(r, runtime.IntOf(i)).Text()
	}
	return key
}

// varsObject is vars: the policy's constants, whose members are all known.
func (k *compiler) varsObject() *code {
	c := literal(runtime.NodeOf(k.env.o.Vars))
	c.shape = k.env.vars
	return c
}

func shapeOfNode(n jsondoc.Node) *schema.Schema {
	switch n.Kind() {
	case jsondoc.Object:
		members := make(map[string]*schema.Schema, n.Len())
		for name, m := range n.Members() {
			members[name] = shapeOfNode(m)
		}
		return schema.ObjectOf(members)
	case jsondoc.Array:
		return schema.New(list)
	case jsondoc.Missing, jsondoc.Null:
		return schema.ObjectOf(map[string]*schema.Schema{})
	}
	return nil
}

// key names a path in compiler.present; "" for other nodes and very long paths.
func key(n ast.Node, depth int) string {
	if depth > 16 {
		return ""
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.ChainNode:
		return key(n.Node, depth)
	case *ast.PointerNode:
		return "#" + n.Name
	case *ast.MemberNode:
		name, ok := constantName(n.Property)
		if !ok {
			return ""
		}
		if base := key(n.Node, depth+1); base != "" {
			return fmt.Sprintf("%s[%q]", base, name)
		}
	}
	return ""
}
