package expr

import (
	"math/bits"
	"slices"

	"github.com/tenterhook/tenterhook/runtime"
)

// listFunctions work on lists and objects.
var listFunctions = map[string]*function{
	"first": {usage: "first(list) value", doc: "the first value, null when there is none",
		example: `first(['a', 'b'])`, value: `"a"`,
		args: []types{list}, result: anything, null: true, price: func([]size, int64) int64 { return 1 }, size: sizeOfElement, call: first},
	"last": {usage: "last(list) value", doc: "the last value, null when there is none",
		example: `last(['a', 'b'])`, value: `"b"`, cost: "1 + values/8",
		args: []types{list}, result: anything, null: true, price: func(args []size, _ int64) int64 { return 1 + args[0].n>>3 }, size: sizeOfElement, call: last},
	"keys": {usage: "keys(object) list", doc: "the members' names",
		example: `keys({'a': 1, 'b': 2})`, value: `["a","b"]`, cost: "1 for each member",
		args: []types{object}, result: list, size: sizeOfFirst, call: keys},
	"values": {usage: "values(object) list", doc: "the members' values",
		example: `values({'a': 1, 'b': 2})`, value: `[1,2]`, cost: "1 for each member",
		args: []types{object}, result: list, size: sizeOfFirst, keepsSecret: true, call: values},
	"concat": {usage: "concat(lists) list", doc: "the values of all lists, one list after the other",
		example: `concat(['a'], ['b'])`, value: `["a","b"]`, cost: "1 for each value",
		args: []types{list}, variadic: true, result: list, size: concatSize, keepsSecret: true, call: concat},
	"uniq": {usage: "uniq(list) list", doc: "every value once, null ones left out",
		example: `uniq(['a', 'b', 'a', nil])`, value: `["a","b"]`, cost: "1 for each pair of values it gives and is given",
		args: []types{list}, result: list, price: uniqPrice, size: sizeOfFirst, call: uniq},
	"sort": {usage: "sort(list) list", doc: "a list of numbers or of texts, in order",
		example: `sort(['b', 'a'])`, value: `["a","b"]`, cost: "1 for each comparison",
		args: []types{list}, result: list, price: sortPrice, size: sizeOfFirst, call: sortList},
	"list": {usage: "list(value) list", doc: "a list as it is, any other value as a list of it alone: for members that are a text in one call and a list in another",
		example: `'a' in list('a') and 'a' in list(['a', 'b'])`, value: `true`, cost: "2",
		args: []types{anything}, result: list, size: listSize, keepsSecret: true, call: toList},
	"kind": {usage: "kind(value) text", doc: "text, number, boolean, list or object",
		example: `kind('a') + ' ' + kind([1])`, value: `"text list"`, cost: "1",
		args: []types{anything}, result: text, size: func([]size, int64) size { return size{n: 16} }, call: kindName},
}

func sortPrice(args []size, _ int64) int64 {
	n := args[0].n
	return runtime.Product(runtime.Product(n, int64(bits.Len64(uint64(n)))+1), 4+args[0].element().n>>6)
}

func uniqPrice(args []size, _ int64) int64 {
	return runtime.Product(runtime.Product(args[0].n, args[0].n), 2+args[0].element().n>>5)
}

func concatSize(args []size, sum int64) size {
	of := size{}
	for _, a := range args {
		of = larger(of, a.element())
	}
	return size{n: min(sum, maxList), of: &of}
}

func first(_ *runtime.Run, args []runtime.Value, _ string) runtime.Value { return args[0].At(0) }

func last(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	charge(r, int64(args[0].Len())>>3)
	return args[0].At(args[0].Len() - 1)
}

func keys(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	b := newBuilder(r, args[0].Len())
	eachMember(r, args[0], func(name string, _ runtime.Value) bool { b.add(runtime.TextOf(name)); return true })
	return runtime.ListOf(b.values)
}

func values(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	b := newBuilder(r, args[0].Len())
	eachMember(r, args[0], func(_ string, v runtime.Value) bool { b.add(v); return true })
	return runtime.ListOf(b.values)
}

func concat(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	size := 0
	for _, v := range args {
		size += v.Len()
	}
	b := newBuilder(r, size)
	for _, v := range args {
		each(r, v, func(_ int, item runtime.Value) bool { b.add(item); return true })
	}
	return runtime.ListOf(b.values)
}

// uniq compares every value with those kept so far and charges for each comparison.
func uniq(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	b := newBuilder(r, 0)
	each(r, args[0], func(_ int, item runtime.Value) bool {
		if item.IsNull() {
			r.Scratch.Missed = true
			return true
		}
		for _, kept := range b.values {
			if equal(r, kept, item) {
				return true
			}
		}
		b.add(item)
		return true
	})
	return runtime.ListOf(b.values)
}

// sortList charges for every comparison.
func sortList(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	b := newBuilder(r, args[0].Len())
	each(r, args[0], func(_ int, item runtime.Value) bool {
		if !numeric(item) && item.Kind() != runtime.String {
			fail(pos, "sort wants numbers or texts, got %s", item.Kind())
		}
		b.add(item)
		return true
	})
	slices.SortStableFunc(b.values, func(x, y runtime.Value) int {
		charge(r, 1)
		if numeric(x) != numeric(y) {
			fail(pos, "sort wants all numbers or all texts")
		}
		return compareValues(r, x, y, pos, "sort")
	})
	return runtime.ListOf(b.values)
}

func listSize(args []size, _ int64) size {
	item := args[0].element()
	return size{n: max(1, args[0].n), of: &size{n: max(args[0].n, item.n), of: item.of}}
}

func toList(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	if args[0].Kind() == runtime.List {
		return args[0]
	}
	b := newBuilder(r, 1)
	b.add(args[0])
	return runtime.ListOf(b.values)
}

func kindName(_ *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	return runtime.TextOf([...]string{"", "boolean", "number", "number", "text", "list", "object"}[args[0].Kind()])
}
