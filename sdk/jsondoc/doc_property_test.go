package jsondoc_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// testTree is a random JSON value and, once it is written, where.
type testTree struct {
	kind       jsondoc.Kind
	text       string  // of a string
	whole      int64   // of a number
	float      float64 // of a number, when fraction
	fraction   bool
	names      []string // of an object
	twigs      []*testTree
	start, end int
}

// generator makes twigs and writes them in as many ways as JSON has.
type generator struct {
	*rand.Rand
	out []byte
}

func (g *generator) tree(depth int) *testTree {
	t := &testTree{kind: jsondoc.Null + jsondoc.Kind(g.IntN(int(jsondoc.Object)))}
	if depth == 0 && t.kind >= jsondoc.Array {
		t.kind = jsondoc.String
	}
	switch t.kind {
	case jsondoc.Number:
		t.fraction = g.IntN(3) == 0
		t.float = math.Float64frombits(g.Uint64())
		if math.IsNaN(t.float) || math.IsInf(t.float, 0) {
			t.float = 1.5
		}
		t.whole = int64(g.Uint64()) >> g.IntN(64)
	case jsondoc.String:
		t.text = g.string()
	case jsondoc.Array, jsondoc.Object:
		n := g.IntN(1 << g.IntN(7))
		if depth > 2 {
			n = g.IntN(6)
		}
		seen := map[string]bool{}
		for range n {
			name := g.string()
			if t.kind == jsondoc.Object && seen[name] {
				continue
			}
			seen[name] = true
			t.names, t.twigs = append(t.names, name), append(t.twigs, g.tree(depth-1))
		}
	}
	return t
}

func (g *generator) string() string {
	var b []byte
	for range g.IntN(1 << g.IntN(7)) {
		switch g.IntN(12) {
		case 0:
			b = utf8.AppendRune(b, rune(g.IntN(0x20)))
		case 1:
			b = append(b, `"\/`[g.IntN(3)])
		case 2:
			b = utf8.AppendRune(b, rune(g.IntN(0xd800)))
		case 3:
			b = utf8.AppendRune(b, rune(0xe000+g.IntN(utf8.MaxRune-0xe000+1)))
		default:
			b = append(b, byte(' '+g.IntN(0x5f)))
		}
	}
	return string(b)
}

func (g *generator) space() {
	for g.IntN(4) == 0 {
		g.out = append(g.out, " \t\r\n"[g.IntN(4)])
	}
}

func (g *generator) write(t *testTree) {
	g.space()
	t.start = len(g.out)
	switch t.kind {
	case jsondoc.Null:
		g.out = append(g.out, "null"...)
	case jsondoc.False:
		g.out = append(g.out, "false"...)
	case jsondoc.True:
		g.out = append(g.out, "true"...)
	case jsondoc.Number:
		g.writeNumber(t)
	case jsondoc.String:
		g.writeString(t.text)
	case jsondoc.Array:
		g.writeAll(t, '[', ']')
	case jsondoc.Object:
		g.writeAll(t, '{', '}')
	}
	t.end = len(g.out)
	g.space()
}

func (g *generator) writeNumber(t *testTree) {
	if !t.fraction {
		g.out = strconv.AppendInt(g.out, t.whole, 10)
		return
	}
	g.out = strconv.AppendFloat(g.out, t.float, 'e', -1, 64)
}

func (g *generator) writeAll(t *testTree, open, closer byte) {
	g.out = append(g.out, open)
	if len(t.twigs) == 0 {
		g.space()
	}
	for i, twig := range t.twigs {
		if i > 0 {
			g.out = append(g.out, ',')
		}
		if t.kind == jsondoc.Object {
			g.space()
			g.writeString(t.names[i])
			g.space()
			g.out = append(g.out, ':')
		}
		g.write(twig)
	}
	g.out = append(g.out, closer)
}

// writeString escapes the characters that need it, and at random others.
func (g *generator) writeString(s string) {
	plain := g.IntN(2) == 0
	g.out = append(g.out, '"')
	for _, r := range s {
		if must := r < ' ' || r == '"' || r == '\\'; !must && (plain || g.IntN(8) > 0) {
			g.out = utf8.AppendRune(g.out, r)
			continue
		}
		if r >= 0x10000 {
			r -= 0x10000
			g.unit(0xd800 + r>>10)
			r = 0xdc00 + r&0x3ff
		}
		g.unit(r)
	}
	g.out = append(g.out, '"')
}

func (g *generator) unit(u rune) {
	const lower, upper = "0123456789abcdef", "0123456789ABCDEF"
	digits := lower
	if g.IntN(2) == 0 {
		digits = upper
	}
	g.out = append(g.out, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}

// TestTrees: any tree, in any spelling, is parsed as that tree, with each value at the place where
// it was written.
func TestTrees(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	var d jsondoc.Doc
	for range 3000 {
		g.out = g.out[:0]
		tree := g.tree(4)
		g.write(tree)
		if err := d.Parse(g.out, jsondoc.Limits{}); err != nil {
			t.Fatalf("%s: %v", g.out, err)
		}
		checkTestTree(t, g.out, d.Root(), tree)
		if t.Failed() {
			t.Fatalf("in %q", g.out)
		}
	}
}

func checkTestTree(t *testing.T, src []byte, n jsondoc.Node, want *testTree) {
	t.Helper()
	start, end := n.Span()
	if n.Kind() != want.kind || n.Len() != len(want.twigs) || start != want.start || end != want.end {
		t.Errorf("kind %d, length %d, from %d to %d; want %d, %d, %d, %d", n.Kind(), n.Len(), start, end, want.kind, len(want.twigs), want.start, want.end)
		return
	}
	if string(n.Raw()) != string(src[want.start:want.end]) {
		t.Errorf("raw is %q", n.Raw())
	}
	if n.Text() != want.text {
		t.Errorf("text is %q, want %q", n.Text(), want.text)
	}
	if v, ok := n.Int(); n.Kind() == jsondoc.Number && !want.fraction && (!ok || v != want.whole) {
		t.Errorf("%d, %v; want %d", v, ok, want.whole)
	}
	if n.Kind() == jsondoc.Number && want.fraction && n.Float() != want.float {
		t.Errorf("%v, want %v", n.Float(), want.float)
	}
	i := 0
	for e := range n.Elements() {
		checkTestTree(t, src, e, want.twigs[i])
		i++
	}
	for name, m := range n.Members() {
		if name != want.names[i] || n.Get(name) != m {
			t.Errorf("member %q, want %q", name, want.names[i])
		}
		checkTestTree(t, src, m, want.twigs[i])
		i++
	}
	if i != len(want.twigs) {
		t.Errorf("%d parts, want %d", i, len(want.twigs))
	}
}
