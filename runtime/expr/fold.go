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

// What constants may be. A short text can stand for a long list, and every expression would keep its own.
const (
	maxFoldFuel    = 200_000   // fuel spent on those of one expression
	maxFoldMemory  = 256 << 10 // bytes held for one
	maxFoldedList  = 64        // values in one that is computed; one that is written out is as long as it is written
	maxFoldedText  = 1 << 10   // bytes of one
	maxFoldedTotal = 8 << 20   // bytes of all that one Env keeps
)

// fold computes what needs no event while it is compiled. A value that cannot be computed is a mistake in the text; one
// that is too large to keep is computed when the expression runs.
func (k *compiler) fold(n ast.Node, c *code, from ...*code) *code {
	return k.foldTo(maxFoldedList, n, c, from)
}

// foldTo is fold with at most so many values kept.
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

// valueCopier copies a value out of the memory it was computed in, of which it may have been a small part.
type valueCopier struct {
	most, bytes int // what is left
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

// compute runs c without an event. It is not done when that takes too much; the run will see.
func (k *compiler) compute(c *code) (v runtime.Value, err error, done bool) {
	var m runtime.Meter
	var r runtime.Run
	now := time.Now()
	m.Start(runtime.Budget{Fuel: max(1, maxFoldFuel-k.foldFuel), Memory: maxFoldMemory}, now, time.Time{})
	m.ExcludeTime(time.Minute) // what a text comes to depends on its fuel, and not on what else the machine does
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

// bareMessage is an error's text without runtime's reason and without a place, for messages that have one.
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
