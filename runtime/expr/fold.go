package expr

import (
	"strings"
	"time"
	"unsafe"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Limits of constant folding. A short text can produce a long list, and every expression would keep
// its own.
const (
	maxFoldFuel    = 200_000   // for one expression
	maxFoldMemory  = 256 << 10 // bytes for one constant
	maxFoldedList  = 64        // values of a computed list; a written one is limited by the text
	maxFoldedText  = 1 << 10   // bytes of one text
	maxFoldedTotal = 8 << 20   // bytes of all constants of one Env
)

// fold computes a node without inputs at compile time. A value that cannot be computed is an error
// in the text; one that is too large to keep is computed at run time.
func (k *compiler) fold(n ast.Node, c *code, from ...*code) *code {
	return k.foldTo(maxFoldedList, n, c, from)
}

// foldTo is fold with a limit of values.
func (k *compiler) foldTo(most int, n ast.Node, c *code, from []*code) *code {
	if len(k.errs) > 0 {
		return c
	}
	for _, f := range from {
		if !f.constant {
			return c
		}
	}
	v, err, done := k.compute(c)
	if !done {
		return c
	}
	if err != nil {
		return k.report(n, "%s", bareMessage(err))
	}
	copied := valueCopier{most: most, bytes: maxFoldedTotal - k.env.foldedBytes}
	if v = copied.copyValue(v); copied.exceeded {
		return c
	}
	k.env.foldedBytes = maxFoldedTotal - copied.bytes
	return literal(v)
}

// valueCopier copies a value out of a larger buffer.
type valueCopier struct {
	most, bytes int // that remain
	exceeded    bool
}

func (k *valueCopier) copyValue(v runtime.Value) runtime.Value {
	switch k.most--; {
	case k.most < -1 || k.exceeded:
		k.exceeded = true
	case v.Kind() == runtime.String:
		if s := v.Text(); k.reserve(len(s)) && len(s) <= maxFoldedText {
			return runtime.TextOf(strings.Clone(s))
		}
		k.exceeded = true
	case v.Kind() >= runtime.List && v.Node().Kind() == jsondoc.Missing:
		return k.copyBuilt(v)
	}
	return v
}

func (k *valueCopier) copyBuilt(v runtime.Value) runtime.Value {
	from := v.Items()
	if len(from) > k.most+1 || !k.reserve(len(from)*int(unsafe.Sizeof(v))) {
		k.exceeded = true
		return v
	}
	to := make([]runtime.Value, len(from))
	for i := range from {
		to[i] = k.copyValue(from[i])
	}
	if v.Kind() == runtime.Object {
		return runtime.ObjectOf(to)
	}
	return runtime.ListOf(to)
}

func (k *valueCopier) reserve(bytes int) bool {
	k.bytes -= bytes
	return k.bytes >= 0
}

// compute runs c without an event. done is false when that exceeds the limits; then it is computed
// at run time.
func (k *compiler) compute(c *code) (v runtime.Value, err error, done bool) {
	var m runtime.Meter
	var r runtime.Run
	now := time.Now()
	m.Start(runtime.Budget{Fuel: max(1, maxFoldFuel-k.foldFuel), Memory: maxFoldMemory}, now, time.Time{})
	m.ExcludeTime(time.Minute) // the result depends on fuel, not on the load of the machine
	defer func() { k.foldFuel += m.Spent() }()
	r.Begin(hook.Event{}, now, &m)
	layout := runtime.Layout{Slots: 1, Locals: k.maxLocals}
	r.Scratch.Resize(&layout)
	func() {
		defer recoverFault(&r, &err)
		v = c.eval(&r)
	}()
	return v, err, m.Err() == nil
}

// bareMessage is an error's text without runtime's reason and without the place.
func bareMessage(err error) string {
	_, after, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		return err.Error()
	}
	if i := strings.LastIndex(after, " ("); i > 0 {
		return after[:i]
	}
	return after
}
