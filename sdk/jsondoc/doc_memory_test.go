package jsondoc

import (
	"bytes"
	"testing"
)

// TestMemory: a pooled Doc keeps the memory for ordinary calls, and releases that of a large body
// after a while.
func TestMemory(t *testing.T) {
	ones := func(n int) []byte { return append(bytes.Repeat([]byte("[1],"), n), '0') }
	parse := func(d *Doc, n int) {
		if err := d.Parse(append(append([]byte{'['}, ones(n)...), ']'), Limits{Bytes: 1 << 24}); err != nil {
			t.Fatal(err)
		}
	}
	held := func(d *Doc) int { return 16*cap(d.nodes) + cap(d.text) + 4*cap(d.index) }

	t.Run("a very large body is let go at once", func(t *testing.T) {
		var d Doc
		parse(&d, 1<<18)
		d.Reset()
		if n := held(&d); n > 1<<20 {
			t.Errorf("%d bytes held", n)
		}
	})
	t.Run("a large body is let go after a while", func(t *testing.T) {
		var d Doc
		parse(&d, 1<<14)
		for range 2 * shrinkEvery {
			parse(&d, 10)
		}
		if n := held(&d); n > 1<<16 {
			t.Errorf("%d bytes held", n)
		}
	})
	t.Run("large bodies that keep coming keep their memory", func(t *testing.T) {
		var d Doc
		for i := range 4 * shrinkEvery {
			if i%8 == 0 {
				parse(&d, 1<<14)
			} else {
				parse(&d, 10)
			}
		}
		if n := held(&d); n < 1<<18 {
			t.Errorf("only %d bytes held", n)
		}
	})
	t.Run("ordinary bodies keep theirs", func(t *testing.T) {
		var d Doc
		parse(&d, 500)
		before := held(&d)
		for range 3 * shrinkEvery {
			parse(&d, 10)
		}
		if held(&d) != before {
			t.Errorf("%d bytes held, before %d", held(&d), before)
		}
	})
	t.Run("what is borrowed is let go", func(t *testing.T) {
		var d Doc
		parse(&d, 10)
		d.Reset()
		if d.src != nil {
			t.Error("the text is still held")
		}
	})
}
