package expr

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// Clause is a part of a condition that is itself a condition, with its outcomes: an operand of and
// or or, the condition before a ?, or a side of its :. A not and its operand are one Clause;
// constants are none. A part that a run skips has no outcome there.
type Clause struct {
	Offset  int    // bytes before it in the source text
	Text    string // as written in the source text
	yes, no atomic.Int64
}

// Counts is how often the clause was true, and how often it was not.
func (c *Clause) Counts() (yes, no int64) { return c.yes.Load(), c.no.Load() }

func (c *Clause) count(outcome bool) bool {
	if outcome {
		c.yes.Add(1)
	} else {
		c.no.Add(1)
	}
	return outcome
}

// Clauses are the expression's clauses in the order of the text. There are none unless
// Options.Clauses is set.
func (x *Expression) Clauses() []*Clause { return x.clauses }

// LetClauses are the clauses of a let, as of an expression.
func (e *Env) LetClauses(name string) []*Clause {
	if l := e.lets[name]; l != nil {
		return l.clauses
	}
	return nil
}

// CountWhole also counts a leaf that is one expression, src, as a whole, and returns all its
// Clauses with places in the leaf. There are none unless Options.Clauses is set. Call it before the
// first run.
func (e *Env) CountWhole(t *Text, src string) []*Clause {
	x := t.Whole()
	if !e.o.Clauses || x == nil || x.code.constant {
		return nil
	}
	from := strings.Index(src, "${") + len("${")
	inside := src[from:strings.LastIndex(src, "}")]
	from += len(inside) - len(strings.TrimLeft(inside, " \t\n"))
	all := &Clause{Offset: from, Text: strings.TrimSpace(inside)}
	eval, watched := x.code.eval, *x.code
	watched.eval = func(r *runtime.Run) runtime.Value {
		v := eval(r)
		all.count(v.Kind() == runtime.Bool && v.Bool())
		return v
	}
	x.code = &watched
	return sortClauses(append([]*Clause{all}, x.clauses...))
}

// clause compiles an operand as a condition that is counted as a Clause.
func (k *compiler) clause(n ast.Node) *code { return k.countOutcome(n, k.condition(n)) }

// branch compiles a side of the : of a condition or of a value.
func (k *compiler) branch(n ast.Node) *code {
	c := k.compileBytes(n)
	if c.types != boolean {
		return c
	}
	return k.countOutcome(n, c)
}

// countOutcome makes c count its outcomes in a Clause, when Options.Clauses is set.
func (k *compiler) countOutcome(n ast.Node, c *code) *code {
	if !k.env.o.Clauses || c.constant || len(k.errs) > 0 {
		return c
	}
	from, to := k.extent(n)
	to = max(from, to)
	i := slices.IndexFunc(k.clauses, func(o *Clause) bool { return o.Offset == from && len(o.Text) == to-from })
	if i < 0 {
		i = len(k.clauses)
		k.clauses = append(k.clauses, &Clause{Offset: from, Text: k.src[from:to]})
	}
	into, eval, test := k.clauses[i], c.eval, c.test
	watched := *c
	watched.elementTest, watched.equalsText = nil, nil // these bypass test
	watched.test = func(r *runtime.Run) bool { return into.count(test(r)) }
	watched.eval = func(r *runtime.Run) runtime.Value {
		v := eval(r)
		into.count(v.Kind() == runtime.Bool && v.Bool())
		return v
	}
	return &watched
}

// sortClauses sorts by the order of the text; of two that begin together the larger comes first.
func sortClauses(all []*Clause) []*Clause {
	slices.SortFunc(all, func(a, b *Clause) int {
		return cmp.Or(a.Offset-b.Offset, len(b.Text)-len(a.Text))
	})
	return all
}
