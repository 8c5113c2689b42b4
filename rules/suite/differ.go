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

// differ compares two JSON values: the order of members and the way a number is written do not count. It is empty when they are
// equal, else what was wanted and what came wherever they part, each beneath its path.
// What came is written as seen has it, which is got without secrets.
func differ(want, got, seen []byte) string {
	a, errA := decodeJSON(want)
	b, errB := decodeJSON(got)
	c, errC := decodeJSON(seen)
	if errA != nil || errB != nil || errC != nil {
		return fmt.Sprintf("want %s\ngot  %s", want, seen)
	}
	d := difference{seen: c}
	d.value(nil, a, b)
	return strings.Join(d.lines, "\n")
}

// difference gathers where two values part.
type difference struct {
	lines []string
	seen  any // what came, without secrets
}

// came is what came at the path, without secrets.
func (d *difference) came(path []string, got any) any {
	if got == (any)(absent{}) {
		return got
	}
	at := d.seen
	for _, name := range path {
		switch v := at.(type) {
		case map[string]any:
			at = or(v, name)
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
	if at == (any)(absent{}) {
		return expr.Mask
	}
	return at
}

// absent is what stands for a member or element that one side does not have.
type absent struct{}

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
	d.lines = append(d.lines, by+"want "+formatValue(want), by+"got  "+formatValue(d.came(path, got)))
}

func (d *difference) object(path []string, want, got map[string]any) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		d.value(append(slices.Clip(path), name), or(want, name), or(got, name))
	}
}

// or is a member, absent when there is none.
func or(of map[string]any, name string) any {
	v, ok := of[name]
	if !ok {
		return absent{}
	}
	return v
}

// list pairs the elements that are equal, in order, and between them holds one against another as they stand.
func (d *difference) list(path []string, want, got []any) {
	i, j := 0, 0
	for _, next := range append(pairs(want, got), [2]int{len(want), len(got)}) {
		for ; i < next[0] || j < next[1]; i, j = min(i+1, next[0]), min(j+1, next[1]) {
			w, g, at := any(absent{}), any(absent{}), j
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

// pairs are the elements that two lists have in common: the most of them, in order. Of long lists they are those with which both
// begin.
func pairs(a, b []any) (all [][2]int) {
	const long = 200
	if len(a) > long || len(b) > long {
		for i := 0; i < min(len(a), len(b)) && reflect.DeepEqual(a[i], b[i]); i++ {
			all = append(all, [2]int{i, i})
		}
		return all
	}
	most := make([][]int, len(a)+1) // most[i][j] is how many a[i:] and b[j:] have
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

// joinPath is the path as set has it.
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

// formatValue is a value on one line.
func formatValue(v any) string {
	if v == (any)(absent{}) {
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
	return plain(v), err
}

// plain writes every number that is the same value the same way.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	case json.Number:
		return number(string(v))
	}
	return v
}

// number is the shortest way to write a whole number or a fraction; one that is very long or very large stays as it is.
func number(text string) json.Number {
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
