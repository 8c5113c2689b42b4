package hook_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// operation is one operation of a patch, as the reference reads it.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// applyReference is the slow, obvious reference: it applies the operation to decoded JSON, and
// returns nil if that is impossible.
func applyReference(target any, o operation, names []string) any {
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(names[0])
	switch v := target.(type) {
	case map[string]any:
		below, there := v[name]
		switch {
		case len(names) > 1 && there:
			if below = applyReference(below, o, names[1:]); below == nil {
				return nil
			}
			v[name] = below
		case len(names) > 1 || !there && o.Op != "add":
			return nil
		case o.Op == "remove":
			delete(v, name)
		default:
			v[name] = o.Value
		}
		return v
	case []any:
		if len(names) > 1 || o.Op != "add" {
			i, ok := position(name, len(v)-1)
			if !ok {
				return nil
			}
			switch {
			case len(names) > 1:
				below := applyReference(v[i], o, names[1:])
				if below == nil {
					return nil
				}
				v[i] = below
			case o.Op == "remove":
				return append(append([]any{}, v[:i]...), v[i+1:]...)
			default:
				v[i] = o.Value
			}
			return v
		}
		i, ok := position(name, len(v))
		if name == "-" {
			i, ok = len(v), true
		}
		if !ok {
			return nil
		}
		return append(append(append([]any{}, v[:i]...), o.Value), v[i:]...)
	}
	return nil
}

func position(name string, last int) (int, bool) {
	i, err := strconv.Atoi(name)
	return i, err == nil && i >= 0 && i <= last && strconv.Itoa(i) == name
}

// reference applies all operations to a copy of the claims, or none.
func reference(claims map[string]any, operations []operation) (map[string]any, bool) {
	target := copyOf(claims).(map[string]any)
	for _, o := range operations {
		o.Value = copyOf(o.Value)
		if applyReference(target, o, strings.Split(o.Path, "/")[2:]) == nil {
			return nil, false
		}
	}
	return target, true
}

func copyOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for name, m := range v {
			c[name] = copyOf(m)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = copyOf(e)
		}
		return c
	}
	return v
}

// TestPatchAgainstReference: Merge and the reference agree on thousands of random patches, rule by
// rule: on which of them fit, and on their joint result.
func TestPatchAgainstReference(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var m hook.Merge
	fitted, refused := 0, 0
	for range 1500 {
		claims := randomObject(r, 3)
		text := encode(t, map[string]any{"data": map[string]any{"access": map[string]any{"claims": claims}}})
		m.Begin(event(t, hook.Token, text))
		state := claims
		for range 1 + r.IntN(6) {
			operations := randomOperations(r)
			value := encode(t, operations)
			next, want := reference(state, operations)
			err := m.Add("rule", &hook.Draft{JSON: []byte(command(access, value))})
			if (err == nil) != want {
				t.Fatalf("claims %s\nnow %s\npatch %s\ngot %v, reference fits: %v", encode(t, claims), encode(t, state), value, err, want)
			}
			if want {
				state = next
				fitted++
			} else {
				refused++
			}
		}
		var answer struct{ Commands []struct{ Value []operation } }
		if err := json.Unmarshal([]byte(render(t, hook.Token, &m)), &answer); err != nil {
			t.Fatal(err)
		}
		if len(answer.Commands) > 0 {
			if all, ok := reference(claims, answer.Commands[0].Value); !ok || !reflect.DeepEqual(all, state) {
				t.Fatalf("the whole patch gives %v, rule by rule it was %v", all, state)
			}
		}
	}
	if fitted < 500 || refused < 500 {
		t.Errorf("%d patches fitted and %d were refused: want enough of both", fitted, refused)
	}
}

var someNames = []string{"a", "b", "c", "x/y", "t~", "0"}

func randomObject(r *rand.Rand, depth int) map[string]any {
	o := map[string]any{}
	for range r.IntN(5) {
		o[someNames[r.IntN(len(someNames))]] = randomValue(r, depth)
	}
	return o
}

func randomValue(r *rand.Rand, depth int) any {
	switch k := r.IntN(6); {
	case depth > 0 && k < 2:
		return randomObject(r, depth-1)
	case depth > 0 && k < 4:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	}
	return float64(r.IntN(100))
}

func randomOperations(r *rand.Rand) []operation {
	operations := make([]operation, 1+r.IntN(3))
	for i := range operations {
		path := "/claims/" + randomName(r)
		for r.IntN(2) == 0 {
			if r.IntN(2) == 0 {
				path += "/" + strconv.Itoa(r.IntN(4))
			} else {
				path += "/" + append([]string{"-", "00", ""}, randomName(r), randomName(r), randomName(r))[r.IntN(6)]
			}
		}
		operations[i] = operation{Op: []string{"add", "add", "replace", "remove"}[r.IntN(4)], Path: path}
		if operations[i].Op != "remove" {
			operations[i].Value = randomValue(r, 2)
		}
	}
	return operations
}

func randomName(r *rand.Rand) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(someNames[r.IntN(len(someNames))])
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// An awkward draft is refused before it costs much; an ordinary one of the largest size is not.
func TestMergeCost(t *testing.T) {
	call := event(t, hook.Token, `{"data":{"access":{"claims":{"list":[`+strings.Repeat("1,", 200_000)+`1]}}}}`)
	t.Run("many operations", func(t *testing.T) {
		var b strings.Builder
		for i := range 700 {
			fmt.Fprintf(&b, `{"op":"add","path":"/claims/c%d","value":%d},`, i, i)
		}
		var m hook.Merge
		m.Begin(call)
		if err := m.Add("rule", &hook.Draft{JSON: []byte(command(access, "["+strings.TrimSuffix(b.String(), ",")+"]"))}); err != nil {
			t.Error(err)
		}
	})
	t.Run("insertions at the start of a long list", func(t *testing.T) {
		operations := strings.Repeat(`{"op":"add","path":"/claims/list/0","value":1},`, 5000)
		var m hook.Merge
		m.Begin(call)
		err := m.Add("rule", &hook.Draft{JSON: []byte(command(access, "["+strings.TrimSuffix(operations, ",")+"]"))})
		if err == nil || !strings.Contains(err.Error(), "costs too much to try out") {
			t.Error(err)
		}
	})
	t.Run("far into a list of objects", func(t *testing.T) { // each element is found at once, not counted off
		call := event(t, hook.Token, `{"data":{"access":{"claims":{"list":[`+strings.Repeat(`{"a":[1]},`, 80_000)+`1]}}}}`)
		var b strings.Builder
		for i := range 4000 {
			fmt.Fprintf(&b, `{"op":"add","path":"/claims/list/%d/a/0","value":1},`, 79_999-i)
		}
		var m hook.Merge
		m.Begin(call)
		if err := m.Add("rule", &hook.Draft{JSON: []byte(command(access, "["+strings.TrimSuffix(b.String(), ",")+"]"))}); err != nil {
			t.Error(err)
		}
	})
	t.Run("one operation in each draft", func(t *testing.T) {
		var m hook.Merge
		m.Begin(event(t, hook.Token, tokenCall))
		var err error
		for i := 0; i < 2000 && err == nil; i++ {
			err = m.Add("rule", &hook.Draft{JSON: fmt.Appendf(nil, command(access, `[{"op":"add","path":"/claims/c%d","value":1}]`), i)})
		}
		if err == nil || m.Work() > 2<<18+1<<14 {
			t.Error(err, m.Work())
		}
	})
	t.Run("questions are free", func(t *testing.T) {
		var m hook.Merge
		m.Begin(event(t, hook.Token, tokenCall))
		m.Has(hook.AccessToken, "sub")
		before := m.Work()
		for range 1000 {
			m.Has(hook.AccessToken, "nothing")
		}
		if m.Work() != before {
			t.Error(m.Work(), before)
		}
	})
	t.Run("profiles without end", func(t *testing.T) {
		var m hook.Merge
		m.Begin(event(t, hook.UserImport, importCall))
		var err error
		for i := 0; i < 20 && err == nil; i++ {
			var b strings.Builder
			for j := range 800 {
				fmt.Fprintf(&b, `"a%d":1,`, i*800+j)
			}
			err = m.Add("rule", &hook.Draft{JSON: []byte(command(profile, "{"+strings.TrimSuffix(b.String(), ",")+"}"))})
		}
		if err == nil || !strings.Contains(err.Error(), "too much to compare") {
			t.Error(err)
		}
	})
}
