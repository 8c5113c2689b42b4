package expr

import (
	"math/bits"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/password"
)

// prices are what functions may take whose work is in no proportion to their arguments' sizes, or in a small one; pattern
// is the number of instructions of the second argument's, 1 when it is none. Any other takes no more than two units for every
// byte and what it takes to look at every value, and some to begin with.
var prices = map[string]func(args []size, pattern int64) int64{
	"sort": func(args []size, _ int64) int64 {
		n := args[0].n
		return runtime.Product(runtime.Product(n, int64(bits.Len64(uint64(n)))+1), 4+args[0].element().n>>6)
	},
	"uniq": func(args []size, _ int64) int64 {
		return runtime.Product(runtime.Product(args[0].n, args[0].n), 2+args[0].element().n>>5)
	},
	"glob":      func(args []size, _ int64) int64 { return runtime.Product(args[0].n+1, 2+args[0].n>>3) },
	"regexFind": func(args []size, pattern int64) int64 { return runtime.Product(args[0].n+1, 1+pattern) },
	"regexGroups": func(args []size, pattern int64) int64 {
		return runtime.Sum(64, runtime.Product(args[0].n+1, 1+pattern))
	},
	"regexReplace": func(args []size, pattern int64) int64 {
		return runtime.Product(args[0].n+2, runtime.Product(args[0].n+2, 1+pattern>>2))
	},
	"len":   func(args []size, _ int64) int64 { return runtime.Sum(2, args[0].n>>3) },
	"first": func([]size, int64) int64 { return 1 },
	"last":  func(args []size, _ int64) int64 { return 1 + args[0].n>>3 },
	"trim": func(args []size, _ int64) int64 {
		set := int64(8)
		if len(args) == 2 {
			set = args[1].n
		}
		return runtime.Product(args[0].n+2, 2+set>>3)
	},
	"split": func(args []size, _ int64) int64 { return runtime.Sum(building4(args[0].n), cuts(args[0].n, args[1].n)) },
	"replace": func(args []size, _ int64) int64 {
		return runtime.Sum(32, runtime.Product(2, cuts(args[0].n, args[1].n)), replacedSize(args)>>3)
	},
	"password": func([]size, int64) int64 { return password.BcryptFuel(12) }, // a hash of the usual cost
	"padStart": func([]size, int64) int64 { return 32 + maxText>>3 },
	"padEnd":   func([]size, int64) int64 { return 32 + maxText>>3 },
}

// cuts is what it takes to find all parts of a text.
func cuts(n, part int64) int64 { return runtime.Product(n+1, 3+min(n, stride+part)>>6) }

func replacedSize(args []size) int64 {
	return min(runtime.Sum(args[0].n, runtime.Product(args[0].n+1, args[2].n)), maxText)
}

// call is what a quantifier or function may take.
func (e *estimate) call(name string, args []ast.Node) (int64, size) {
	if quantifiers[name] != nil && len(args) > 0 {
		return e.loop(name, args)
	}
	sizes, fuel, sum := make([]size, len(args)), int64(33), int64(0)
	pattern := int64(1)
	for i, arg := range args {
		f, s := e.of(arg)
		sizes[i] = s
		fuel, sum = runtime.Sum(fuel, f), runtime.Sum(sum, s.n)
		if c := e.k.codes[arg]; i == 1 && c != nil && c.constant && c.value.Kind() == runtime.String && prices[name] != nil {
			pattern = instructions(c.value.Text())
		}
	}
	if price := prices[name]; price != nil && len(args) >= len(functions[name].args)-functions[name].optional {
		return runtime.Sum(fuel, price(sizes, pattern)), given(name, sizes, sum)
	}
	f := functions[name]
	for i, arg := range args {
		fuel = runtime.Sum(fuel, runtime.Product(2, sizes[i].n))
		if c := e.k.codes[arg]; f != nil && c != nil && c.types&f.kinds(i)&(list|object) != 0 {
			fuel = runtime.Sum(fuel, runtime.Product(4, runtime.Product(sizes[i].n, 1+sizes[i].element().n>>3)))
		}
	}
	return fuel, given(name, sizes, sum)
}

// given is how large it may be what a function gives.
func given(name string, args []size, sum int64) size {
	switch name {
	case "split":
		return size{n: min(args[0].n+1, maxList), of: &size{n: args[0].n}}
	case "join":
		return size{n: min(runtime.Product(args[0].n, args[0].element().n+sum), maxText)}
	case "replace":
		return size{n: replacedSize(args)}
	case "padStart", "padEnd", "regexReplace", "toJSON":
		return size{n: maxText}
	case "first", "last":
		return args[0].element()
	case "keys", "values", "uniq", "sort", "targets":
		return args[0]
	case "concat":
		of := size{}
		for _, a := range args {
			of = larger(of, a.element())
		}
		return size{n: min(sum, maxList), of: &of}
	}
	return size{n: max(Assumed, min(runtime.Sum(runtime.Product(sum, 3), 64), maxText))}
}

// loop is what a quantifier may take: the list, and for each of its values the condition or value.
func (e *estimate) loop(name string, args []ast.Node) (int64, size) {
	fuel, s := e.of(args[0])
	each, out := int64(0), s.element()
	if len(args) == 2 {
		body := args[1]
		if p, ok := body.(*ast.PredicateNode); ok {
			body = p.Node
		}
		e.elements = append(e.elements, s.element())
		each, out = e.of(body)
		e.elements = e.elements[:len(e.elements)-1]
	}
	fuel = runtime.Sum(fuel, 34, runtime.Product(s.n, runtime.Sum(each, 6)))
	switch name {
	case "map":
		return fuel, size{n: s.n, of: &out}
	case "filter":
		return fuel, s
	case "find", "findLast":
		return fuel, s.element()
	}
	return fuel, size{n: 24}
}
