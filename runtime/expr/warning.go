package expr

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Warnings are parts of the expression that are valid but most likely not intended.
func (x *Expression) Warnings() Errors { return x.warnings }

// Warnings are those of the leaf's expressions, with places in the leaf.
func (t *Text) Warnings() Errors { return t.warnings }

// LetWarnings are those of a let.
func (e *Env) LetWarnings(name string) Errors {
	if l := e.lets[name]; l != nil {
		return l.warnings
	}
	return nil
}

func (k *compiler) warn(n ast.Node, format string, args ...any) {
	one := at(k.src, k.offset(n), fmt.Sprintf(format, args...))
	if !slices.ContainsFunc(k.warnings, func(d *Error) bool { return *d == *one }) {
		k.warnings = append(k.warnings, one)
	}
}

// warnNoDummy warns of a password whose hash may be missing and that names no dummy.
func warnNoDummy(k *compiler, n ast.Node, _ []ast.Node, from []*code) {
	if len(from) == 2 && from[1].null {
		k.warn(n, "password has no dummy: for a missing hash it takes as long as bcrypt of cost 10; if other hashes take another time, the time of an answer reveals which users exist: add a hash of their kind and cost as third argument")
	}
}
