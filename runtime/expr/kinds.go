package expr

import (
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
)

// types is the set of kinds that a value may have; null is apart.
type types = schema.Kinds

const (
	boolean  = schema.Boolean
	number   = schema.Number
	text     = schema.Text
	list     = schema.List
	object   = schema.Object
	anything = schema.Any
)

// typeOf is a value's kind as a set of one.
func typeOf(v runtime.Value) types {
	return [...]types{0, boolean, number, number, text, list, object}[v.Kind()]
}
