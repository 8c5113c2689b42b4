package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// call is the fuel and the size of the result of a quantifier or function.
func (e *estimate) call(name string, args []ast.Node) (int64, size) {
	if q := quantifiers[name]; q != nil && len(args) > 0 {
		return e.loop(q, args)
	}
	sizes, fuel, sum := make([]size, len(args)), int64(33), int64(0)
	f, pattern := functions[name], int64(1)
	priced := f != nil && f.price != nil
	for i, arg := range args {
		f, s := e.estimate(arg)
		sizes[i] = s
		fuel, sum = runtime.Sum(fuel, f), runtime.Sum(sum, s.n)
		if c := e.k.codes[arg]; i == 1 && c != nil && c.constant && c.value.Kind() == runtime.String && priced {
			pattern = instructions(c.value.Text())
		}
	}
	if priced && len(args) >= len(f.args)-f.optional {
		return runtime.Sum(fuel, f.price(sizes, pattern)), f.resultSize(sizes, sum)
	}
	for i, arg := range args {
		fuel = runtime.Sum(fuel, runtime.Product(2, sizes[i].n))
		if c := e.k.codes[arg]; f != nil && c != nil && c.types&f.kinds(i)&(list|object) != 0 {
			fuel = runtime.Sum(fuel, runtime.Product(4, runtime.Product(sizes[i].n, 1+sizes[i].element().n>>3)))
		}
	}
	return fuel, f.resultSize(sizes, sum)
}

// resultSize is how large the result of a function may be. sum is the size of all arguments.
func (f *function) resultSize(args []size, sum int64) size {
	if f != nil && f.size != nil && len(args) >= len(f.args)-f.optional {
		return f.size(args, sum)
	}
	return size{n: max(Assumed, min(runtime.Sum(runtime.Product(sum, 3), 64), maxText))}
}

func sizeOfFirst(args []size, _ int64) size   { return args[0] }
func sizeOfElement(args []size, _ int64) size { return args[0].element() }
func maxTextSize([]size, int64) size          { return size{n: maxText} }

// loop is the fuel of a quantifier: the list, and for each value the condition or value.
func (e *estimate) loop(q *quantifier, args []ast.Node) (int64, size) {
	fuel, s := e.estimate(args[0])
	each, out := int64(0), s.element()
	if len(args) == 2 {
		body := args[1]
		if p, ok := body.(*ast.PredicateNode); ok {
			body = p.Node
		}
		e.elements = append(e.elements, s.element())
		each, out = e.estimate(body)
		e.elements = e.elements[:len(e.elements)-1]
	}
	fuel = runtime.Sum(fuel, 34, runtime.Product(s.n, runtime.Sum(each, 6)))
	if q.size != nil {
		return fuel, q.size(s, out)
	}
	return fuel, size{n: 24}
}
