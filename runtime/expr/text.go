package expr

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Text is a leaf of a policy file: text with expressions in it, written as ${…}.
type Text struct {
	segments []segment
	plain    bool // it has no expression

	warnings Errors
}

// segment is literal text or an expression.
type segment struct {
	text    string
	escaped string // the text as JSON string content
	hole    *Expression
}

// CompileText compiles a leaf. $${ stands for a literal ${. A hole ends where its brackets and
// strings end, not at the first }. The error is Errors, with places in src.
func CompileText(src string, e *Env) (*Text, error) {
	t := &Text{plain: true}
	var errs Errors
	for rest := 0; rest < len(src); {
		i := strings.Index(src[rest:], "${")
		if i < 0 {
			t.literal(src[rest:])
			break
		}
		at := rest + i
		if at > rest && src[at-1] == '$' {
			t.literal(src[rest:at-1] + "${")
			rest = at + 2
			continue
		}
		t.literal(src[rest:at])
		end := holeEnd(src, at+2)
		if end < 0 {
			errs = append(errs, unclosedHole(src, at))
			break
		}
		errs = append(errs, t.expression(src, at+2, end, e)...)
		rest = end + 1
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return t, nil
}

func unclosedHole(src string, offset int) *Error {
	return at(src, offset, "the ${ is not closed: want }, or $${ for a plain ${")
}

func (t *Text) literal(s string) {
	if n := len(t.segments); n > 0 && t.segments[n-1].hole == nil { // behind a $${
		s = t.segments[n-1].text + s
		t.segments = t.segments[:n-1]
	}
	if s != "" {
		t.segments = append(t.segments, segment{text: s, escaped: string(jsondoc.AppendEscaped(nil, s))})
	}
}

func (t *Text) expression(src string, from, end int, e *Env) Errors {
	t.plain = false
	x, err := Compile(src[from:end], e)
	if err != nil {
		return err.(Errors).shift(src, from)
	}
	for _, c := range x.clauses {
		c.Offset += from
	}
	t.segments = append(t.segments, segment{hole: x})
	t.warnings = append(t.warnings, slices.Clone(x.warnings).shift(src, from)...)
	return nil
}

// holeEnd is the place of the } that closes the hole beginning at i; -1 without one.
func holeEnd(src string, i int) int {
	depth := 0
	for i < len(src) {
		next := lexemeEnd(src, i)
		switch src[i:next] {
		case "(", "[", "{":
			depth++
		case ")", "]":
			depth--
		case "}":
			if depth <= 0 {
				return i
			}
			depth--
		}
		i = next
	}
	return -1
}

// Literal is the text of a leaf without expressions. ok reports whether it is one.
func (t *Text) Literal() (string, bool) {
	if !t.plain {
		return "", false
	}
	if len(t.segments) == 0 {
		return "", true
	}
	return t.segments[0].text, true
}

// Whole is the expression of a leaf that is exactly one, which keeps its kind; nil for any other
// leaf.
func (t *Text) Whole() *Expression {
	if len(t.segments) != 1 {
		return nil
	}
	return t.segments[0].hole
}

// Holes are the leaf's expressions, in order.
func (t *Text) Holes() []*Expression {
	var all []*Expression
	for _, p := range t.segments {
		if p.hole != nil {
			all = append(all, p.hole)
		}
	}
	return all
}

// Outline is the leaf with hole in place of every expression: the part that is known before any call.
func (t *Text) Outline(hole string) string {
	var b strings.Builder
	for _, p := range t.segments {
		if p.hole != nil {
			b.WriteString(hole)
			continue
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// AppendJSON appends the leaf's value as JSON: of a leaf that is one hole its value, of any other a
// string. null reports that a hole was null and nothing was appended. An error wraps one of
// runtime's reasons.
func (t *Text) AppendJSON(dst []byte, r *runtime.Run) (out []byte, null bool, err error) {
	if x := t.Whole(); x != nil {
		v, err := x.evalMasked(r)
		if err != nil || v.IsNull() {
			return dst, err == nil, err
		}
		out, err = v.AppendJSON(dst, r.Meter)
		if err != nil {
			return dst, false, err
		}
		return out, false, nil
	}
	return t.appendString(dst, r, false)
}

// AppendString appends the leaf as a JSON string; a null hole is empty. An error wraps one of
// runtime's reasons.
func (t *Text) AppendString(dst []byte, r *runtime.Run) ([]byte, error) {
	dst, _, err := t.appendString(dst, r, true)
	return dst, err
}

func (t *Text) appendString(dst []byte, r *runtime.Run, fill bool) (out []byte, null bool, err error) {
	out = append(dst, '"')
	for i := range t.segments {
		p := &t.segments[i]
		if p.hole == nil {
			if !r.Meter.Emit(int64(len(p.escaped))) {
				return dst, false, r.Meter.Err()
			}
			out = append(out, p.escaped...)
			continue
		}
		if out, null, err = p.hole.appendEscaped(out, r); err != nil || null && !fill {
			return dst, null, err
		}
	}
	return append(out, '"'), false, nil
}

// appendEscaped appends the value as JSON string content.
func (x *Expression) appendEscaped(dst []byte, r *runtime.Run) (out []byte, null bool, err error) {
	v, err := x.evalMasked(r)
	if err != nil || v.IsNull() {
		return dst, err == nil, err
	}
	out, err = v.AppendEscaped(dst, r.Meter)
	return out, false, err
}

// AppendText appends the leaf as plain text; a null hole is empty.
func (t *Text) AppendText(dst []byte, r *runtime.Run) ([]byte, error) {
	for i := range t.segments {
		p := &t.segments[i]
		if p.hole == nil {
			if !r.Meter.Emit(int64(len(p.text))) {
				return dst, r.Meter.Err()
			}
			dst = append(dst, p.text...)
			continue
		}
		v, err := p.hole.evalMasked(r)
		if err != nil {
			return dst, err
		}
		if dst, err = v.AppendText(dst, r.Meter); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// AppendHoles appends the leaf as plain text, and lets fit rewrite what each hole appended to dst,
// from an offset on; fit may be nil. null reports that a hole was null and nothing was appended.
func (t *Text) AppendHoles(dst []byte, r *runtime.Run, fit func(dst []byte, from int) []byte) (out []byte, null bool, err error) {
	out = dst
	for i := range t.segments {
		p := &t.segments[i]
		if p.hole == nil {
			if !r.Meter.Emit(int64(len(p.text))) {
				return dst, false, r.Meter.Err()
			}
			out = append(out, p.text...)
			continue
		}
		v, err := p.hole.evalMasked(r)
		if err != nil || v.IsNull() {
			return dst, err == nil, err
		}
		from := len(out)
		if out, err = v.AppendText(out, r.Meter); err != nil {
			return dst, false, err
		}
		if fit != nil {
			out = fit(out, from)
		}
	}
	return out, false, nil
}
