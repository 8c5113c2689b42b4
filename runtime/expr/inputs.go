package expr

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Inputs are the inputs of an expression, each once and in the order of the text.
type Inputs struct {
	Paths  []string // members of the event, as dotted paths
	Tables []string // tables with an entry that the expression looks up
}

// Inputs lists the inputs of the expression and of its lets.
func (x *Expression) Inputs() Inputs {
	var all Inputs
	x.env.appendInputs(&all, x.inputs, true)
	return all
}

// Paths lists the members of the event that the expression names itself. Its lets may read others:
// see Inputs.
func (x *Expression) Paths() []string {
	var all Inputs
	x.env.appendInputs(&all, x.inputs, false)
	return all.Paths
}

// input is a Slot, a let, or the name of a table.
type input struct {
	slot  int
	let   *let
	table string
}

func (e *Env) appendInputs(all *Inputs, inputs []input, lets bool) {
	for _, in := range inputs {
		switch {
		case in.slot > 0:
			all.Paths = appendUnique(all.Paths, e.pathOf(in.slot))
		case in.table != "":
			all.Tables = appendUnique(all.Tables, in.table)
		case lets:
			e.appendInputs(all, in.let.inputs, true)
		}
	}
}

func appendUnique(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

// pathOf is the dotted path of a Slot.
func (e *Env) pathOf(slot int) string {
	p := e.paths[slot]
	if p.parent == 0 {
		return p.name
	}
	return e.pathOf(p.parent) + "." + p.name
}

// inputs lists the inputs of the compiled tree n. For data.a.b only the whole path counts, not data
// and data.a.
func (k *compiler) inputs(n ast.Node) (all []input) {
	k.walk(n, func(n ast.Node) {
		c := k.codes[n]
		if c == nil {
			return
		}
		switch n := n.(type) {
		case *ast.IdentifierNode:
			if c.slot > 0 {
				all = append(all, input{slot: c.slot})
			} else if l := k.env.lets[n.Value]; l != nil {
				all = append(all, input{let: l})
			}
		case *ast.MemberNode:
			base := k.codes[n.Node]
			switch {
			case base == nil:
			case c.slot > 0 && len(all) > 0 && all[len(all)-1].slot == base.slot: // visited just before
				all[len(all)-1].slot = c.slot
			case base.table != nil:
				if table, ok := n.Node.(*ast.MemberNode); ok {
					name, _ := constantName(table.Property)
					all = append(all, input{table: name})
				}
			}
		}
	})
	return slices.Clip(all)
}
