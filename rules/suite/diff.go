package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// diffJSON compares two JSON values, independent of the order of members and of the form of
// numbers. It returns "" if they are equal, else the wanted and the actual value at each differing
// path. Actual values are written from redacted, which is got without secrets.
func diffJSON(want, got, redacted []byte) string {
	a, errA := decodeJSON(want)
	b, errB := decodeJSON(got)
	c, errC := decodeJSON(redacted)
	if errA != nil || errB != nil || errC != nil {
		return fmt.Sprintf("want %s\ngot  %s", want, redacted)
	}
	d := difference{redacted: c}
	d.value(nil, a, b)
	return strings.Join(d.lines, "\n")
}

// difference collects the differing paths of two values.
type difference struct {
	lines    []string
	redacted any // the actual value without secrets
}

// redactedValue returns the actual value at the path, without secrets.
func (d *difference) redactedValue(path []string, got any) any {
	if got == (any)(missingValue{}) {
		return got
	}
	at := d.redacted
	for _, name := range path {
		switch v := at.(type) {
		case map[string]any:
			at = memberOrMissing(v, name)
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return expr.Mask
			}
			at = v[i]
		default:
			return expr.Mask
		}
	}
	if at == (any)(missingValue{}) {
		return expr.Mask
	}
	return at
}

// missingValue stands for a member or element that one side lacks.
type missingValue struct{}

func (d *difference) value(path []string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			d.object(path, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			d.list(path, w, g)
			return
		}
	}
	if reflect.DeepEqual(want, got) {
		return
	}
	by := ""
	if len(path) > 0 {
		d.lines, by = append(d.lines, "at "+joinPath(path)), "  "
	}
	d.lines = append(d.lines, by+"want "+formatValue(want), by+"got  "+formatValue(d.redactedValue(path, got)))
}

func (d *difference) object(path []string, want, got map[string]any) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		d.value(append(slices.Clip(path), name), memberOrMissing(want, name), memberOrMissing(got, name))
	}
}

// memberOrMissing returns a member, or missingValue.
func memberOrMissing(of map[string]any, name string) any {
	v, ok := of[name]
	if !ok {
		return missingValue{}
	}
	return v
}

// list pairs equal elements in order and compares the elements between them by position.
func (d *difference) list(path []string, want, got []any) {
	i, j := 0, 0
	for _, next := range append(commonElements(want, got), [2]int{len(want), len(got)}) {
		for ; i < next[0] || j < next[1]; i, j = min(i+1, next[0]), min(j+1, next[1]) {
			w, g, at := any(missingValue{}), any(missingValue{}), j
			if i < next[0] {
				w = want[i]
			}
			if j < next[1] {
				g = got[j]
			} else {
				at = i
			}
			d.value(append(slices.Clip(path), fmt.Sprint(at)), w, g)
		}
		i, j = next[0]+1, next[1]+1
	}
}

// commonElements returns a longest common subsequence of two lists; for long lists, the common
// prefix.
func commonElements(a, b []any) (all [][2]int) {
	const long = 200
	if len(a) > long || len(b) > long {
		for i := 0; i < min(len(a), len(b)) && reflect.DeepEqual(a[i], b[i]); i++ {
			all = append(all, [2]int{i, i})
		}
		return all
	}
	most := make([][]int, len(a)+1) // most[i][j]: length of the longest common subsequence of a[i:] and b[j:]
	most[len(a)] = make([]int, len(b)+1)
	for i := len(a) - 1; i >= 0; i-- {
		most[i] = make([]int, len(b)+1)
		for j := len(b) - 1; j >= 0; j-- {
			if most[i][j] = max(most[i+1][j], most[i][j+1]); reflect.DeepEqual(a[i], b[j]) {
				most[i][j] = most[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case reflect.DeepEqual(a[i], b[j]):
			all = append(all, [2]int{i, j})
			i, j = i+1, j+1
		case most[i+1][j] >= most[i][j+1]:
			i++
		default:
			j++
		}
	}
	return all
}

// joinPath returns the path in the syntax of `set`.
func joinPath(path []string) string {
	if !slices.ContainsFunc(path, func(s string) bool { return s == "" || strings.ContainsAny(s, "./") }) {
		return strings.Join(path, ".")
	}
	var pointer []byte
	for _, name := range path {
		pointer = jsondoc.AppendPointer(pointer, name)
	}
	return string(pointer)
}

// formatValue returns a value on one line.
func formatValue(v any) string {
	if v == (any)(missingValue{}) {
		return "nothing"
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func decodeJSON(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return normalizeNumbers(v), err
}

// normalizeNumbers gives equal numbers the same text.
func normalizeNumbers(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = normalizeNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normalizeNumbers(v[name])
		}
	case json.Number:
		return normalizeNumber(string(v))
	}
	return v
}

// normalizeNumber returns the shortest text of a number. Very long or large numbers stay unchanged.
func normalizeNumber(text string) json.Number {
	const long = 40
	if len(text) > long {
		return json.Number(text)
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok && len(strings.TrimLeft(exponent, "+-0")) > 2 {
		return json.Number(text)
	}
	r, ok := new(big.Rat).SetString(text)
	switch {
	case !ok:
		return json.Number(text)
	case r.IsInt():
		return json.Number(r.Num().String())
	}
	return json.Number(strings.TrimRight(r.FloatString(150), "0"))
}
