package jsondoc_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestKinds(t *testing.T) {
	tests := []struct {
		text string
		kind jsondoc.Kind
		len  int
	}{
		{`null`, jsondoc.Null, 0}, {`false`, jsondoc.False, 0}, {`true`, jsondoc.True, 0}, {`1`, jsondoc.Number, 0}, {`"[]"`, jsondoc.String, 0},
		{`[1,[2,3],{}]`, jsondoc.Array, 3}, {`{"a":{"b":1},"c":[]}`, jsondoc.Object, 2}, {`[]`, jsondoc.Array, 0}, {`{}`, jsondoc.Object, 0},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			n := root(t, " "+tt.text+" ")
			if n.Kind() != tt.kind || n.Len() != tt.len || string(n.Raw()) != tt.text {
				t.Errorf("kind %d, length %d, raw %s", n.Kind(), n.Len(), n.Raw())
			}
			if start, end := n.Span(); start != 1 || end != 1+len(tt.text) {
				t.Errorf("span %d to %d", start, end)
			}
			if n.Bool() != (tt.text == "true") {
				t.Error("Bool is", n.Bool())
			}
		})
	}
}

// TestMissing: everything below a missing node is missing.
func TestMissing(t *testing.T) {
	var empty jsondoc.Doc
	for name, n := range map[string]jsondoc.Node{
		"zero node": {}, "empty doc": empty.Root(), "member": root(t, `{"a":1}`).Get("b"), "member of a number": root(t, `1`).Get("a"),
		"element": root(t, `[1]`).At(1), "element before": root(t, `[1]`).At(-1), "element of an object": root(t, `{"0":1}`).At(0),
	} {
		t.Run(name, func(t *testing.T) {
			_, isInt := n.Int()
			start, end := n.Span()
			if n.Kind() != jsondoc.Missing || n.Raw() != nil || n.Text() != "" || n.Bool() || isInt || n.Float() != 0 || n.Len() != 0 || start+end != 0 {
				t.Error("there is something")
			}
			if n.Get("a").Kind() != jsondoc.Missing || n.At(0).Kind() != jsondoc.Missing || n.Pointer("/a").Kind() != jsondoc.Missing {
				t.Error("it has something")
			}
			for range n.Members() {
				t.Error("a member")
			}
			for range n.Elements() {
				t.Error("an element")
			}
		})
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		`""`: "", `"a"`: "a", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u0000\u00e9\uD834\udd1e"`: "\x00é𝄞",
		`"é\né"`: "é\né", `"tail\u0021 and more of it"`: "tail! and more of it", `1`: "", `null`: "", `["a"]`: "",
	} {
		if got := root(t, text).Text(); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

// TestGet: objects of every size find each of their names, in every representation, and no others.
func TestGet(t *testing.T) {
	for _, size := range []int{0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 32, 33, 34, 64, 65, 1000} {
		for shape, name := range map[string]func(int) string{
			"short":   func(i int) string { return fmt.Sprint(i) },
			"long":    func(i int) string { return fmt.Sprintf("%020d", i) },
			"alike":   func(i int) string { return fmt.Sprintf("attribute-%06d-attribute", i) },
			"growing": func(i int) string { return strings.Repeat("x", i) },
			"escaped": func(i int) string { return fmt.Sprintf("a\n%d", i) },
		} {
			t.Run(fmt.Sprint(shape, " ", size), func(t *testing.T) {
				members := make([]string, size)
				for i := range members {
					members[i] = fmt.Sprintf("%s:%d", jsondoc.AppendString(nil, name(i)), i)
				}
				n := root(t, `[{"before":{"1":0}},{`+strings.Join(members, ",")+`},{}]`).At(1)
				for i := range size {
					if v, ok := n.Get(name(i)).Int(); !ok || v != int64(i) {
						t.Fatalf("%q is %s", name(i), n.Get(name(i)).Raw())
					}
				}
				for _, other := range []string{name(size), "before", name(size) + "x", "\xff"} {
					if n.Get(other).Kind() != jsondoc.Missing {
						t.Errorf("%q is there", other)
					}
				}
			})
		}
	}
}

func TestIterate(t *testing.T) {
	n := root(t, `{"a":[1,[2,[]],{"x":3}],"b":{"y":{},"z":[4]},"\u0063":5}`)
	var got []string
	for name, v := range n.Members() {
		got = append(got, name+" "+string(v.Raw()))
	}
	if want := []string{`a [1,[2,[]],{"x":3}]`, `b {"y":{},"z":[4]}`, `c 5`}; !slices.Equal(got, want) {
		t.Errorf("members are %q", got)
	}
	got = nil
	for v := range n.Get("a").Elements() {
		got = append(got, string(v.Raw()))
	}
	if want := []string{`1`, `[2,[]]`, `{"x":3}`}; !slices.Equal(got, want) {
		t.Errorf("elements are %q", got)
	}
	for range n.Members() {
		break
	}
	for i, want := range []string{`1`, `[2,[]]`, `{"x":3}`, ``} {
		if got := n.Get("a").At(i).Raw(); string(got) != want {
			t.Errorf("element %d is %s", i, got)
		}
	}
	if got := root(t, `[7,"8",null]`).At(2).Raw(); string(got) != `null` {
		t.Errorf("element 2 is %s", got)
	}
}

// TestPointer has the examples of RFC 6901, section 5, and pointers that must find nothing.
func TestPointer(t *testing.T) {
	n := root(t, `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"o":{"p":[{"q":9}]}}`)
	for pointer, want := range map[string]string{
		"/foo": `["bar","baz"]`, "/foo/0": `"bar"`, "/": "0", "/a~1b": "1", "/c%d": "2", "/e^f": "3", "/g|h": "4", `/i\j`: "5", `/k"l`: "6",
		"/ ": "7", "/m~0n": "8", "/o/p/0/q": "9", "/foo/2": "", "/foo/-": "", "/foo/00": "", "/foo/01": "", "/foo/+1": "", "/foo/": "",
		"/foo/bar": "", "foo": "", "/o/p/q": "", "/a~1b/x": "", "/foo/99999999999999999999": "", "/m~01n": "",
	} {
		if got := n.Pointer(pointer).Raw(); string(got) != want {
			t.Errorf("%s is %s, want %s", pointer, got, want)
		}
	}
	if got := n.Pointer(""); got != n {
		t.Error("the empty pointer is not the node itself")
	}
}

func TestInt(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "7": 7, "-7": -7, "3600": 3600, "999999999999999999": 999999999999999999, "-99999999999999999": -99999999999999999,
		"1000000000000000000": 1e18, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		if got, ok := root(t, text).Int(); !ok || got != want {
			t.Errorf("%s is %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"9223372036854775808", "-9223372036854775809", "1.0", "1e3", "1E0", "1e400", "0.0", strings.Repeat("9", 1000), `"1"`, "null", "true", "[1]"} {
		if got, ok := root(t, text).Int(); ok {
			t.Errorf("%s is %d", text, got)
		}
	}
}

func TestFloat(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "1": 1, "-1": -1, "3600": 3600, "1.5": 1.5, "-2.5e-3": -0.0025, "1e3": 1000, "0.1": 0.1, "999999999999999": 999999999999999,
		"9007199254740993": 9007199254740992, "123456789012345678901234567890": 123456789012345678901234567890,
		"1e400": math.Inf(1), "-1e400": math.Inf(-1), "1e-400": 0, `"1"`: 0, "null": 0,
	} {
		if got := root(t, text).Float(); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
	if got := root(t, "-0").Float(); !math.Signbit(got) {
		t.Error("-0 lost its sign")
	}
}

func TestEqual(t *testing.T) {
	same := [][]string{
		{`null`, ` null `}, {`true`, `true`}, {`"a"`, `"\u0061"`}, {`"/"`, `"\/"`}, {`[]`, `[ ]`}, {`{}`, `{ }`},
		{`0`, `-0`, `0.0`, `0e7`, `-0.000e-99`, `0e99999999999999999999`}, {`1`, `1.0`, `1e0`, `10e-1`, `0.1e1`, `0.01E+2`, `1.000`},
		{`100`, `1e2`, `1.00E+2`, `100.0`, `1000e-1`, `1e0002`}, {`-12.5`, `-125e-1`, `-0.125e2`}, {`1e400`, `10e399`, `0.1e401`}, {`101`, `10.1e1`},
		{`9007199254740993`, `9007199254740993.0`}, {`1e99999999999999999999`, `1e99999999999999999999`},
		{`[1,2,{"a":null}]`, `[1.0,2e0,{"a":null}]`}, {`{"a":1,"b":[2]}`, `{"b":[2],"a":1}`, `{"\u0062":[2.0],"a":1e0}`},
		{`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}`, `{"f":6,"e":5,"d":4,"c":3,"b":2,"a":1}`},
	}
	for i, texts := range same {
		for j, a := range texts {
			for _, b := range texts[j:] {
				if !jsondoc.Equal(root(t, a), root(t, b)) || !jsondoc.Equal(root(t, b), root(t, a)) {
					t.Errorf("%s is not %s", a, b)
				}
			}
			for _, others := range same[i+1:] {
				if jsondoc.Equal(root(t, a), root(t, others[0])) {
					t.Errorf("%s is %s", a, others[0])
				}
			}
		}
	}
	for _, pair := range [][2]string{
		{`1`, `-1`}, {`1`, `"1"`}, {`1`, `11`}, {`1`, `10`}, {`1.01`, `1.1`}, {`0`, `null`}, {`false`, `null`}, {`true`, `false`}, {`""`, `null`},
		{`9007199254740993`, `9007199254740992`}, {`1e400`, `1e401`}, {`1e99999999999999999999`, `1e99999999999999999998`}, {`1e-400`, `0`},
		{`[1]`, `[2]`}, {`[1]`, `[1,1]`}, {`[1,2]`, `[2,1]`}, {`{"a":1}`, `{"a":2}`}, {`{"a":1}`, `{"b":1}`}, {`{"a":1}`, `{"a":1,"b":1}`}, {`{"a":null}`, `{"b":null}`}, {`[]`, `{}`}, {`"a"`, `"A"`},
	} {
		if jsondoc.Equal(root(t, pair[0]), root(t, pair[1])) {
			t.Errorf("%s is %s", pair[0], pair[1])
		}
	}
	if !jsondoc.Equal(jsondoc.Node{}, root(t, `{}`).Get("a")) || jsondoc.Equal(jsondoc.Node{}, root(t, `null`)) {
		t.Error("what is missing equals what is missing, and nothing else")
	}
}

// TestNoAllocation: the evaluator's operations on the hot path must not allocate.
func TestNoAllocation(t *testing.T) {
	token := payload(t, "token")
	var d, other jsondoc.Doc
	if err := other.Parse(token, jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, f := range map[string]func(){
		"parse":   func() { d.Parse(token, jsondoc.Limits{}) },
		"get":     func() { seen += len(other.Root().Get("data").Get("identity").Get("claims").Get("email").Text()) },
		"pointer": func() { seen += len(other.Root().Pointer("/data/identity/claims/groups/3").Text()) },
		"equal":   func() { jsondoc.Equal(d.Root(), other.Root()) },
		"numbers": func() { seen += int(other.Root().Pointer("/data/identity/claims/auth_time").Float()) },
		"members": func() {
			for name, v := range other.Root().Pointer("/data/identity/claims").Members() {
				seen += len(name) + v.Len()
			}
		},
		"elements": func() {
			for v := range other.Root().Pointer("/data/identity/claims/groups").Elements() {
				seen += len(v.Text())
			}
		},
	} {
		d.Parse(token, jsondoc.Limits{})
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
