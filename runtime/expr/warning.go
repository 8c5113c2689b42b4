package expr

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Doubts are what the expression says that is right, but most likely not what was meant.
func (x *Expression) Doubts() Errors { return x.doubts }

// Doubts are those of the leaf's expressions, with places in the leaf.
func (t *Text) Doubts() Errors { return t.doubts }

// LetDoubts are those of a let.
func (e *Env) LetDoubts(name string) Errors {
	if l := e.lets[name]; l != nil {
		return l.doubts
	}
	return nil
}

func (k *compiler) doubt(n ast.Node, format string, args ...any) {
	one := at(k.src, k.offset(n), fmt.Sprintf(format, args...))
	if !slices.ContainsFunc(k.doubts, func(d *Error) bool { return *d == *one }) {
		k.doubts = append(k.doubts, one)
	}
}

// undummied doubts a password whose hash may be missing, and that names no dummy.
func undummied(k *compiler, n ast.Node, _ []ast.Node, from []*code) {
	if len(from) == 2 && from[1].null {
		k.doubt(n, "password without its dummy: where the hash is missing it takes as long as bcrypt of cost 10, and if the hashes are others, the time an answer takes tells who exists: want as its third argument a hash of their kind and cost")
	}
}
