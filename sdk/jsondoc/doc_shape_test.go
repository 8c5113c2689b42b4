package jsondoc_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

const mib = 1 << 20

// object is one object of n members called name(i).
func object(n int, name func(int) string) []byte {
	b := []byte{'{'}
	for i := range n {
		b = append(b, '"')
		b = append(b, name(i)...)
		b = append(b, `":0,`...)
	}
	b[len(b)-1] = '}'
	return b
}

func many(i int) string { return fmt.Sprint(i) }

// middle makes names that differ only where a hash of their ends does not look.
func middle(i int) string { return fmt.Sprintf("abcdefgh%06dabcdefgh", i) }

// Shapes are texts made to be expensive: each must be parsed or rejected quickly, and for the right
// reason.
var shapes = []struct {
	name string
	text func() []byte
	err  error
}{
	{"brackets", func() []byte { return bytes.Repeat([]byte{'['}, mib) }, jsondoc.ErrDepth},
	{"braces", func() []byte { return bytes.Repeat([]byte(`{"":`), mib/4) }, jsondoc.ErrDepth},
	{"quotes", func() []byte { return bytes.Repeat([]byte{'"'}, mib) }, jsondoc.ErrSyntax},
	{"backslashes", func() []byte { return append([]byte{'"'}, bytes.Repeat([]byte{'\\'}, mib-1)...) }, jsondoc.ErrSyntax},
	{"space", func() []byte { return bytes.Repeat([]byte{' '}, mib) }, jsondoc.ErrSyntax},
	{"commas", func() []byte { return append([]byte{'['}, bytes.Repeat([]byte{','}, mib-1)...) }, jsondoc.ErrSyntax},
	{"digits", func() []byte { return bytes.Repeat([]byte{'1'}, mib) }, nil},
	{"empty arrays", func() []byte { return []byte("[" + strings.Repeat("[],", mib/3-2) + "[]]") }, nil},
	{"ones", func() []byte { return []byte("[" + strings.Repeat("1,", mib/2-2) + "1]") }, nil},
	{"escapes", func() []byte { return []byte(`"` + strings.Repeat(`\n`, mib/2-1) + `"`) }, nil},
	{"escaped names", func() []byte { return object(40_000, func(i int) string { return fmt.Sprintf(`\u0061%d`, i) }) }, nil},
	{"members", func() []byte { return object(100_000, many) }, nil},
	{"members alike", func() []byte { return object(30_000, middle) }, nil},
	{"a member twice", func() []byte { return object(100_000, func(i int) string { return many(i % 99_999) }) }, jsondoc.ErrDuplicate},
	{"a member alike twice", func() []byte { return object(30_000, func(i int) string { return middle(i % 29_999) }) }, jsondoc.ErrDuplicate},
	{"the same member", func() []byte { return object(100_000, func(int) string { return "a" }) }, jsondoc.ErrDuplicate},
	{"objects of some alike", func() []byte {
		o := object(32, middle)
		return append(append([]byte{'['}, bytes.Repeat(append(o, ','), mib/len(o)-2)...), "0]"...)
	}, nil},
	{"deep objects", func() []byte {
		return []byte("[" + strings.Repeat(strings.Repeat(`{"a":`, 60)+"0"+strings.Repeat("}", 60)+",", 2000) + "0]")
	}, nil},
}

func TestShapes(t *testing.T) {
	for _, tt := range shapes {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.text()
			if len(text) > mib {
				t.Fatalf("%d bytes: more than may be read", len(text))
			}
			if err := new(jsondoc.Doc).Parse(text, jsondoc.Limits{}); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
}

func BenchmarkShapes(b *testing.B) {
	for _, tt := range shapes {
		text := tt.text()
		b.Run(strings.ReplaceAll(tt.name, " ", "-"), func(b *testing.B) {
			var d jsondoc.Doc
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d.Parse(text, jsondoc.Limits{})
			}
		})
	}
}

func TestReuse(t *testing.T) {
	var d jsondoc.Doc
	texts := []string{`{"a":"x\ny"}`, `{"a":`, `[1,2,3]`, `{"a":1,"a":2}`, string(object(100, many)), ``, `{"k":"\u00e9"}`, strings.Repeat("[", 100)}
	for i := range 200 {
		text := texts[i%len(texts)]
		fresh := new(jsondoc.Doc)
		want, got := fresh.Parse([]byte(text), jsondoc.Limits{}), d.Parse([]byte(text), jsondoc.Limits{})
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Fatalf("%q: %v, at first %v", text, got, want)
		}
		if !jsondoc.Equal(fresh.Root(), d.Root()) {
			t.Fatalf("%q became %s", text, d.Root().Raw())
		}
	}
	d.Reset()
	if d.Root().Kind() != jsondoc.Missing {
		t.Error("not empty after Reset")
	}
}

func TestConcurrentReaders(t *testing.T) {
	var d jsondoc.Doc
	src := payload(t, "token")
	if err := d.Parse(src, jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			var mine jsondoc.Doc
			if err := mine.Parse(src, jsondoc.Limits{}); err != nil {
				t.Error(err)
			}
			for range 50 {
				if !jsondoc.Equal(d.Root(), mine.Root()) {
					t.Error("differs")
				}
				if d.Root().Pointer("/data/access/claims/cid").Text() != "0oa7fj3ksLq9Vb2Xn0g7" {
					t.Error("not found")
				}
			}
		})
	}
	readers.Wait()
}

// TestPrefixes: every prefix of a call is rejected as it is when no memory follows it. Doc loads
// several bytes at once, and must not use bytes beyond the text.
func TestPrefixes(t *testing.T) {
	for _, name := range []string{"registration", "token"} {
		src := payload(t, name)
		var d, alone jsondoc.Doc
		for n := range src {
			got, want := d.Parse(src[:n], jsondoc.Limits{}), alone.Parse(bytes.Clone(src[:n]), jsondoc.Limits{})
			if got == nil || want == nil || got.Error() != want.Error() {
				t.Fatalf("%s: %v, but alone %v", src[:n], got, want)
			}
		}
	}
}
