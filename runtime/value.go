package runtime

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Kind is the kind of a Value.
type Kind uint8

// The kinds. JSON's null and a missing member are both Null.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Object
)

// String is the kind's name in messages.
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a number", "a text", "a list", "an object"}[k]
}

// Value is the result of an expression. The zero Value is null. A Value may share the memory of the
// event's Doc or of the Run's Scratch: it is valid until the Run begins again.
//
// It is one flat struct that is passed in registers and never boxed. A text is a pointer and a
// length, and so is a built list or object (whose names and values alternate). A value from a
// document is its node; a number keeps its node too, so that it is written as it was read.
type Value struct {
	node jsondoc.Node
	ptr  unsafe.Pointer
	num  uint64
	kind Kind
}

// BoolOf is b as a Value.
func BoolOf(b bool) Value {
	if b {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}

// IntOf is i as a Value.
func IntOf(i int64) Value { return Value{kind: Int, num: uint64(i)} }

// FloatOf is f as a Value.
func FloatOf(f float64) Value { return Value{kind: Float, num: math.Float64bits(f)} }

// TextOf is s as a Value; it shares s's memory.
func TextOf(s string) Value {
	return Value{kind: String, ptr: unsafe.Pointer(unsafe.StringData(s)), num: uint64(len(s))}
}

// ListOf is a list of values; it shares their memory.
func ListOf(values []Value) Value {
	return Value{kind: List, ptr: unsafe.Pointer(unsafe.SliceData(values)), num: uint64(len(values))}
}

// ObjectOf is an object of alternating names and values; it shares their memory. Names must be
// distinct.
func ObjectOf(pairs []Value) Value {
	v := ListOf(pairs)
	v.kind = Object
	return v
}

// NodeOf is the value of a document's node.
func NodeOf(n jsondoc.Node) Value {
	switch n.Kind() {
	case jsondoc.True:
		return Value{kind: Bool, num: 1}
	case jsondoc.False:
		return Value{kind: Bool}
	case jsondoc.String:
		return TextOf(n.Text())
	case jsondoc.Number:
		return numberOf(n)
	case jsondoc.Array:
		return Value{kind: List, node: n}
	case jsondoc.Object:
		return Value{kind: Object, node: n}
	}
	return Value{}
}

// maxNumberLength is the longest number that is parsed, because the sender chooses the length. A
// longer one is NaN and can only be passed on.
const maxNumberLength = 512

func numberOf(n jsondoc.Node) Value {
	raw := n.Raw()
	if len(raw) > maxNumberLength {
		return Value{kind: Float, num: math.Float64bits(math.NaN()), node: n}
	}
	if i, ok := intOf(raw); ok {
		return Value{kind: Int, num: uint64(i), node: n}
	}
	f := n.Float()
	if i, ok := wholeIntOf(raw, f); ok {
		return Value{kind: Int, num: uint64(i), node: n}
	}
	return Value{kind: Float, num: math.Float64bits(f), node: n}
}

// intOf parses a whole number that fits; strconv would allocate an error for others.
func intOf(raw []byte) (int64, bool) {
	digits := raw
	if raw[0] == '-' {
		digits = raw[1:]
	}
	if len(digits) > 19 {
		return 0, false
	}
	var u uint64
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		u = u*10 + uint64(c)
	}
	if len(digits) < len(raw) {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u < 1<<63
}

// Kind is the kind of v.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == Null }

// Bool reports whether v is true.
func (v Value) Bool() bool { return v.kind == Bool && v.num != 0 }

// Int is an Int's value; 0 for other kinds.
func (v Value) Int() int64 {
	if v.kind != Int {
		return 0
	}
	return int64(v.num)
}

// Float is a number's value, for an Int the nearest; 0 for other kinds.
func (v Value) Float() float64 {
	switch v.kind {
	case Int:
		return float64(int64(v.num))
	case Float:
		return math.Float64frombits(v.num)
	}
	return 0
}

// Text is a String's content; "" for other kinds.
func (v Value) Text() string {
	if v.kind != String {
		return ""
	}
	return unsafe.String((*byte)(v.ptr), v.num)
}

// Node is the node of v in a document; missing for built values, texts, booleans and null.
func (v Value) Node() jsondoc.Node { return v.node }

// Items are the values of a built List, or the alternating names and values of a built Object; nil
// for a node.
func (v Value) Items() []Value {
	if v.kind < List {
		return nil
	}
	return unsafe.Slice((*Value)(v.ptr), v.num)
}

// Len is the number of a List's values or an Object's members; 0 for other kinds.
func (v Value) Len() int {
	switch {
	case v.kind < List:
		return 0
	case v.node.Kind() != jsondoc.Missing:
		return v.node.Len()
	case v.kind == Object:
		return int(v.num) / 2
	}
	return int(v.num)
}

// Get is the Object's member of that name; null for other kinds.
func (v Value) Get(name string) Value {
	if v.kind != Object {
		return Value{}
	}
	pairs := v.Items()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].Text() == name {
			return pairs[i+1]
		}
	}
	return NodeOf(v.node.Get(name))
}

// At is the List's value i, from 0; null without one.
func (v Value) At(i int) Value {
	if v.kind != List || i < 0 || i >= v.Len() {
		return Value{}
	}
	if built := v.Items(); built != nil {
		return built[i]
	}
	return NodeOf(v.node.At(i))
}

// AppendText appends v as text content: a String's content, "" for null, a number in plain notation,
// and JSON for other kinds.
// The Meter is charged for all of it.
func (v Value) AppendText(dst []byte, m *Meter) ([]byte, error) {
	switch v.kind {
	case Null:
		return dst, nil
	case String:
		if !m.Emit(int64(v.num)) {
			return dst, m.Err()
		}
		return append(dst, v.Text()...), nil
	case Int, Float:
		if len(v.node.Raw()) > maxNumberLength {
			break
		}
		from := len(dst)
		if dst = v.AppendPlain(dst); !m.Emit(int64(len(dst) - from)) {
			return dst[:from], m.Err()
		}
		return dst, nil
	}
	return v.AppendJSON(dst, m)
}

// AppendJSON appends v as JSON. The Meter is charged before anything is written.
func (v Value) AppendJSON(dst []byte, m *Meter) ([]byte, error) {
	if raw := v.node.Raw(); raw != nil {
		if !m.Emit(int64(len(raw))) {
			return dst, m.Err()
		}
		return append(dst, raw...), nil
	}
	switch v.kind {
	case String:
		if !m.Emit(2) {
			return dst, m.Err()
		}
		dst, err := appendEscaped(append(dst, '"'), v.Text(), m)
		return append(dst, '"'), err
	case List, Object:
		return v.appendItems(dst, m)
	}
	if !m.Emit(24) {
		return dst, m.Err()
	}
	return v.AppendScalar(dst), nil
}

// AppendEscaped appends v as JSON string content: AppendText, escaped.
func (v Value) AppendEscaped(dst []byte, m *Meter) ([]byte, error) {
	if v.kind == String {
		return appendEscaped(dst, v.Text(), m)
	}
	from := len(dst)
	dst, err := v.AppendText(dst, m)
	if err != nil || v.kind < String {
		return dst, err
	}
	return appendEscaped(dst[:from], string(dst[from:]), m)
}

// appendEscaped charges for escapes after they are written: they add at most five times the text.
func appendEscaped(dst []byte, s string, m *Meter) ([]byte, error) {
	if !m.Emit(int64(len(s))) {
		return dst, m.Err()
	}
	from := len(dst)
	dst = jsondoc.AppendEscaped(dst, s)
	if more := len(dst) - from - len(s); more > 0 && !m.Emit(int64(more)) {
		return dst[:from], m.Err()
	}
	return dst, nil
}

// AppendScalar appends a null, a boolean or a number as JSON, and nothing for other kinds.
func (v Value) AppendScalar(dst []byte) []byte {
	if raw := v.node.Raw(); raw != nil && v.kind < String {
		return append(dst, raw...)
	}
	switch v.kind {
	case Null:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, v.num != 0)
	case Int:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case Float:
		return appendFloat(dst, v.Float())
	}
	return dst
}

func (v Value) appendItems(dst []byte, m *Meter) ([]byte, error) {
	open, end := byte('['), byte(']')
	if v.kind == Object {
		open, end = '{', '}'
	}
	var err error
	dst = append(dst, open)
	for i, item := range v.Items() {
		if i > 0 {
			sep := byte(',')
			if v.kind == Object && i%2 == 1 {
				sep = ':'
			}
			dst = append(dst, sep)
		}
		if dst, err = item.AppendJSON(dst, m); err != nil {
			return dst, err
		}
	}
	if !m.Emit(2 + int64(v.num)) {
		return dst, m.Err()
	}
	return append(dst, end), nil
}

// appendFloat writes f as encoding/json does: plain between 1e-6 and 1e21, else with an exponent.
func appendFloat(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}
