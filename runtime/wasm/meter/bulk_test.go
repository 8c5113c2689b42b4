package meter_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// pair is a module in its plain and its metered form.
type pair struct {
	plain   api.Module
	metered *guest
}

func newPair(t *testing.T, src []byte) *pair {
	t.Helper()
	r := newRuntime(t, wazero.NewRuntimeConfigCompiler(), &host{})
	plain, err := r.Instantiate(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	return &pair{plain, instantiate(t, rewrite(t, src, meter.Options{Pages: 1000}).Code, wazero.NewRuntimeConfigCompiler())}
}

// call calls both, wants equal results, and returns the fuel spent.
func (p *pair) call(t *testing.T, name string, args ...uint64) int64 {
	t.Helper()
	want, wantErr := p.plain.ExportedFunction(name).Call(context.Background(), args...)
	got, spent, err := p.metered.call(name, args...)
	if firstLine(wantErr) != firstLine(err) || !slices.Equal(want, got) {
		t.Fatalf("%s %v: plain %v %q, metered %v %q", name, args, want, firstLine(wantErr), got, firstLine(err))
	}
	if memory := p.plain.Memory(); memory != nil {
		a, _ := memory.Read(0, memory.Size())
		b, _ := p.metered.Memory().Read(0, p.metered.Memory().Size())
		if !bytes.Equal(a, b) {
			t.Fatalf("%s %v: the memories differ: %d bytes %08x, %d bytes %08x", name, args, len(a), crc32.ChecksumIEEE(a), len(b), crc32.ChecksumIEEE(b))
		}
	}
	return spent
}

// nearOneOf returns a number at or close to one of the interesting ones.
func nearOneOf(r *rand.Rand, of ...int64) uint64 {
	n := of[r.IntN(len(of))]
	if r.IntN(2) == 0 {
		n += r.Int64N(7) - 3
	}
	return uint64(uint32(n))
}

// TestPieces compares chunked operations with plain ones: overlapping, up to the bounds, and
// beyond.
func TestPieces(t *testing.T) {
	const piece, size = 1 << 18, 20 << 16
	p := newPair(t, readFixture(t, "bulk"))
	noise := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for _, m := range []api.Module{p.plain, p.metered} {
		m.Memory().Write(0, noise)
	}
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	for range rounds {
		d := nearOneOf(r, 0, 100, piece, size-piece, size, 1<<32-1)
		s := nearOneOf(r, 0, 100, piece-50, 2*piece, size-piece, size, 1<<32-1)
		n := nearOneOf(r, 0, 100, piece, 2*piece, 3*piece+77, size, size-100, 1<<32-1)
		if r.IntN(3) == 0 {
			p.call(t, "fill", d, uint64(r.Uint32()), n)
			continue
		}
		p.call(t, "copy", d, s, n)
	}
}

// TestTablePieces is the same for tables.
func TestTablePieces(t *testing.T) {
	const piece, size, other = 1 << 14, 40_000, 50_000
	p := newPair(t, readFixture(t, "bulk"))
	r := rand.New(rand.NewPCG(2, 1))
	for i := range uint64(size) {
		p.plain.ExportedFunction("table set").Call(context.Background(), i, i+1)
		p.metered.ExportedFunction("table set").Call(context.Background(), i, i+1)
	}
	rounds := 200
	if testing.Short() {
		rounds = 60
	}
	for range rounds {
		d := nearOneOf(r, 0, 100, piece, size-piece, size, other, 1<<32-1)
		s := nearOneOf(r, 0, 50, piece-30, size-piece, size, 1<<32-1)
		n := nearOneOf(r, 0, 100, piece, 2*piece, 2*piece+77, size, size-100, 1<<32-1)
		switch r.IntN(3) {
		case 0:
			p.call(t, "table fill", d, uint64(1+r.IntN(1000)), n)
		case 1:
			p.call(t, "table copy", d, s, n)
		default:
			p.call(t, "table across", d, s, n)
		}
		for range 8 {
			p.call(t, "t", nearOneOf(r, 0, 100, piece, 2*piece, size-1, int64(uint32(d)), int64(uint32(d+n)))%size)
			p.call(t, "u", uint64(r.IntN(other)))
		}
	}
}

// TestSegmentPieces copies from long segments, also after they are dropped.
func TestSegmentPieces(t *testing.T) {
	const size = 700_000
	types := section(1, []byte{2, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, 0x60, 0, 0})
	exported := section(7, []byte{5, 4}, []byte("init"), []byte{0, 0, 4}, []byte("drop"), []byte{0, 1, 10}, []byte("table init"), []byte{0, 2, 10}, []byte("table drop"), []byte{0, 3, 6}, []byte("memory"), []byte{2, 0})
	bodies := [][]byte{
		{0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 8, 0, 0, 0x0b}, {0, 0xfc, 9, 0, 0x0b},
		{0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 12, 0, 0, 0x0b}, {0, 0xfc, 13, 0, 0x0b},
	}
	code := []byte{4}
	for _, b := range bodies {
		code = append(append(code, byte(len(b))), b...)
	}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	src := wasm(types, section(3, []byte{4, 0, 1, 0, 1}), section(4, []byte{1, 0x70, 0}, uleb(50_000)), section(5, []byte{1, 0, 20}), exported,
		section(9, []byte{1, 1, 0}, uleb(40_000), make([]byte, 40_000)), section(12, []byte{1}), section(10, code), section(11, []byte{1, 1}, uleb(size), data))
	p := newPair(t, src)
	r := rand.New(rand.NewPCG(3, 1))
	both := func(rounds int) {
		for range rounds {
			n := nearOneOf(r, 0, 100, 1<<18, 2<<18, size, 1<<32-1)
			p.call(t, "init", nearOneOf(r, 0, 1000, 20<<16, 20<<16-size, 1<<32-1), nearOneOf(r, 0, 1000, size, 1<<32-1), n)
			p.call(t, "table init", nearOneOf(r, 0, 100, 10_000, 50_000), nearOneOf(r, 0, 100, 40_000), nearOneOf(r, 0, 1<<14, 2<<14, 40_000, 1<<32-1))
		}
	}
	both(60)
	p.call(t, "drop")
	p.call(t, "table drop")
	both(30)
}

// TestLength wants bulk operations and growth charged by length, before they run.
func TestLength(t *testing.T) {
	p := newPair(t, readFixture(t, "bulk"))
	tests := []struct {
		name  string
		args  []uint64
		least int64
		most  int64
	}{
		{"fill", []uint64{0, 1, 0}, 1, 30},
		{"fill", []uint64{0, 1, 80}, 26, 40},
		{"fill", []uint64{0, 1, 1 << 20}, 1 << 17, 1<<17 + 40},
		{"copy", []uint64{0, 9, 1 << 20}, 1 << 17, 1<<17 + 40},
		{"copy", []uint64{0, 9, 1<<32 - 1}, 1 << 29, 1<<29 + 40}, // traps
		{"table fill", []uint64{0, 1, 40_000}, 40_000, 40_040},
		{"size", nil, 0, 0},
		{"grow", []uint64{2}, 1000 + 2*4096, 1000 + 2*4096 + 30},
		{"grow", []uint64{100}, 1000, 1030}, // fails
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.name, test.args), func(t *testing.T) {
			if spent := p.call(t, test.name, test.args...); spent < test.least || spent > test.most {
				t.Errorf("%d units, want %d to %d", spent, test.least, test.most)
			}
		})
	}
}

// TestGrow grows a memory to its own maximum, which is a page less than the declared one.
func TestGrow(t *testing.T) {
	for _, most := range []uint32{20, 30, 40, 50} {
		m := rewrite(t, readFixture(t, "bulk"), meter.Options{Pages: most})
		g := instantiate(t, m.Code, wazero.NewRuntimeConfigCompiler())
		pages := uint64(20)
		for {
			results, _, err := g.call("grow", 3)
			if err != nil {
				t.Fatal(err)
			}
			if uint32(results[0]) == 1<<32-1 {
				break
			}
			pages += 3
		}
		results, _, _ := g.call("grow", min(uint64(most), 40)-pages)
		if results[0] != pages {
			t.Errorf("at most %d: the last pages are refused", most)
		}
		if results, _, _ := g.call("grow", 1); uint32(results[0]) != 1<<32-1 {
			t.Errorf("at most %d: a page more is given", most)
		}
		if m.MemoryMax != min(most, 40)+1 {
			t.Errorf("at most %d: declares %d", most, m.MemoryMax)
		}
	}
}
