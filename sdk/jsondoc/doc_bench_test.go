package jsondoc_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func payload(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// BenchmarkDoc parses the same bytes with a pooled Doc and with a pooled fastjson parser, which
// checks far less.
func BenchmarkDoc(b *testing.B) {
	for _, name := range []string{"registration", "token"} {
		src := payload(b, name)
		b.Run(name+"/doc", func(b *testing.B) {
			var d jsondoc.Doc
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Parse(src, jsondoc.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/fastjson", func(b *testing.B) {
			var p fastjson.Parser
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.ParseBytes(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNode looks a member up by its path, as an expression does, beside fastjson.
func BenchmarkNode(b *testing.B) {
	for _, bm := range []struct {
		name, payload string
		path          []string
	}{
		{"profile", "registration", []string{"data", "userProfile", "email"}},
		{"last", "registration", []string{"data", "userProfile", "newsletter"}},
		{"missing", "registration", []string{"data", "userProfile", "nowhere"}},
		{"claims", "token", []string{"data", "identity", "claims", "groups"}},
	} {
		src := payload(b, bm.payload)
		b.Run(bm.name+"/doc", func(b *testing.B) {
			var d jsondoc.Doc
			if err := d.Parse(src, jsondoc.Limits{}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				n := d.Root()
				for _, name := range bm.path {
					n = n.Get(name)
				}
			}
		})
		b.Run(bm.name+"/fastjson", func(b *testing.B) {
			var p fastjson.Parser
			v, err := p.ParseBytes(src)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				v.Get(bm.path...)
			}
		})
	}
}

// BenchmarkDocRatio alternates between the two parsers, a few texts each, and reports a Doc's time
// relative to fastjson's: the median of all turns, and that of each parser's fastest tenth, when
// the machine was idle. Both are valid on a busy machine.
func BenchmarkDocRatio(b *testing.B) {
	for _, name := range []string{"registration", "token"} {
		src := payload(b, name)
		b.Run(name, func(b *testing.B) {
			var d jsondoc.Doc
			var p fastjson.Parser
			var docs, fasts []time.Duration
			for b.Loop() {
				start := time.Now()
				for range 20 {
					d.Parse(src, jsondoc.Limits{})
				}
				turn := time.Now()
				for range 20 {
					p.ParseBytes(src)
				}
				docs, fasts = append(docs, turn.Sub(start)), append(fasts, time.Since(turn))
			}
			slices.Sort(docs)
			slices.Sort(fasts)
			b.ReportMetric(float64(docs[len(docs)/2])/float64(fasts[len(fasts)/2]), "median-ratio")
			b.ReportMetric(float64(docs[len(docs)/20])/float64(fasts[len(fasts)/20]), "quick-ratio")
		})
	}
}
