// Package pages reads the pages of a bbolt file without bbolt.
//
// bbolt checks the checksum of its two meta pages and nothing else, falls back to the older one in
// silence, and panics where a page is not what it expects, in part in goroutines of its own. So a
// ledger reads its file here first, and takes nothing on trust.
package pages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// Size is the size of a page. A file with another is damaged.
const Size = 4096

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2
	pageHeader  = 16
	flagBranch  = 1
	flagLeaf    = 2
	flagMeta    = 4
	flagBucket  = 1 // of a leaf's element
	noFreelist  = ^uint64(0)
	maxDepth    = 32
)

// ErrDamaged is wrapped by every error that is about the content of a file, and by none that is
// about reading it.
var ErrDamaged = errors.New("the ledger is damaged")

var errShape = errors.New("not the shape of a page")

var native = binary.NativeEndian

// Tree is the content of a file as its newer meta page has it.
type Tree struct {
	file io.ReaderAt
	root uint64
	high uint64 // the first page that is not in use
	seen []uint64
	bufs [maxDepth][]byte
}

// meta is the content of a meta page.
type meta struct {
	root, freelist, high, tx uint64
}

// Open reads both meta pages. Both must be valid: a meta page is written as one sector, so a kill
// never leaves half of one.
func Open(file io.ReaderAt, size int64) (*Tree, error) {
	var m [2]meta
	for i := range m {
		page := make([]byte, Size)
		if err := readPage(file, page, uint64(i)); err != nil {
			return nil, err
		}
		var err error
		if m[i], err = readMeta(page, uint64(i)); err != nil {
			return nil, err
		}
	}
	newer := m[0]
	if m[1].tx > m[0].tx {
		newer = m[1]
	}
	switch {
	case m[0].tx+1 != m[1].tx && m[1].tx+1 != m[0].tx:
		return nil, Damagef("the meta pages are of transactions %d and %d, which do not follow each other", m[0].tx, m[1].tx)
	case newer.high < 3 || newer.high > uint64(size)/Size:
		return nil, Damagef("%d pages are in use, the file has %d", newer.high, size/Size)
	case newer.freelist != noFreelist && newer.tx > 1:
		return nil, Damagef("it was written by another program")
	}
	return &Tree{file: file, root: newer.root, high: newer.high, seen: make([]uint64, newer.high/64+1)}, nil
}

func readMeta(page []byte, id uint64) (meta, error) {
	b := page[pageHeader:]
	h := fnv.New64a()
	h.Write(b[:56])
	switch {
	case native.Uint64(page) != id || native.Uint16(page[8:]) != flagMeta:
		return meta{}, Damagef("meta page %d is not one", id)
	case native.Uint32(b) != boltMagic || native.Uint32(b[4:]) != boltVersion || native.Uint32(b[8:]) != Size:
		return meta{}, Damagef("meta page %d has another format", id)
	case native.Uint64(b[56:]) != h.Sum64():
		return meta{}, Damagef("meta page %d: checksum does not match", id)
	}
	m := meta{root: native.Uint64(b[16:]), freelist: native.Uint64(b[32:]), high: native.Uint64(b[40:]), tx: native.Uint64(b[48:])}
	if m.tx%2 != id {
		return meta{}, Damagef("meta page %d is in the other's place", id)
	}
	return m, nil
}

// Damagef returns an error that wraps ErrDamaged.
func Damagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// Element is an entry of a leaf page, or of a branch page. Key and Value are parts of the page.
type Element struct {
	Key, Value []byte
	IsBucket   bool
	child      uint64
}

// forEach reads the entries of a page. Each lies within the page, and each key is greater than the
// one before.
func forEach(page []byte, do func(Element) error) error {
	leaf := native.Uint16(page[8:]) == flagLeaf
	count := int(native.Uint16(page[10:]))
	if pageHeader+16*count > len(page) {
		return errShape
	}
	var last []byte
	for i := range count {
		at := pageHeader + 16*i
		e, err := readElement(page[at:], leaf)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(last, e.Key) >= 0 {
			return errShape
		}
		last = e.Key
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}

func readElement(b []byte, leaf bool) (e Element, err error) {
	var at, key, value uint64
	var flags uint32
	if leaf {
		e.IsBucket, flags = native.Uint32(b)&flagBucket != 0, native.Uint32(b)
		at, key, value = uint64(native.Uint32(b[4:])), uint64(native.Uint32(b[8:])), uint64(native.Uint32(b[12:]))
	} else {
		at, key = uint64(native.Uint32(b)), uint64(native.Uint32(b[4:]))
		e.child = native.Uint64(b[8:])
	}
	if at < 16 || at+key+value > uint64(len(b)) || flags&^flagBucket != 0 || key == 0 {
		return Element{}, errShape
	}
	e.Key, e.Value = b[at:at+key], b[at+key:at+key+value]
	return e, nil
}

// page reads a page to which no other page has pointed.
func (t *Tree) page(id uint64, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return nil, Damagef("page %d lies too deep", id)
	}
	buf := t.bufs[depth]
	if buf == nil {
		buf = make([]byte, Size)
	}
	buf = buf[:Size]
	if err := t.claim(id, 1); err != nil {
		return nil, err
	}
	if err := readPage(t.file, buf, id); err != nil {
		return nil, err
	}
	flags, more := native.Uint16(buf[8:]), uint64(native.Uint32(buf[12:]))
	if native.Uint64(buf) != id || (flags != flagBranch && flags != flagLeaf) {
		return nil, Damagef("page %d is not what its parent takes it for", id)
	}
	if err := t.claim(id+1, more); err != nil {
		return nil, err
	}
	if more > 0 {
		buf = append(buf, make([]byte, more*Size)...)
		if err := readPage(t.file, buf[Size:], id+1); err != nil {
			return nil, err
		}
	}
	t.bufs[depth] = buf
	return buf, nil
}

// readPage returns ErrDamaged for a file that ends too early, and the error of the system for a
// failed read.
func readPage(file io.ReaderAt, buf []byte, id uint64) error {
	_, err := file.ReadAt(buf, int64(id)*Size)
	if errors.Is(err, io.EOF) {
		return Damagef("page %d: the file ends before it", id)
	}
	return err
}

func (t *Tree) claim(id, count uint64) error {
	if id < 2 || id > t.high || count > t.high-id {
		return Damagef("page %d lies beyond the %d pages in use", id, t.high)
	}
	for p := id; p < id+count; p++ {
		if t.seen[p/64]&(1<<(p%64)) != 0 {
			return Damagef("page %d is used twice", p)
		}
		t.seen[p/64] |= 1 << (p % 64)
	}
	return nil
}

// Used returns the number of pages that are in use, free ones between them included.
func (t *Tree) Used() uint64 { return t.high }

// Root calls do for every entry of the root, in the order of the keys.
func (t *Tree) Root(do func(Element) error) error { return t.walk(t.root, nil, nil, 0, do) }

// walk calls do for every entry below a page, in the order of the keys. All keys lie in [low,
// high).
func (t *Tree) walk(id uint64, low, high []byte, depth int, do func(Element) error) error {
	page, err := t.page(id, depth)
	if err != nil {
		return err
	}
	var children []Element
	err = forEach(page, func(e Element) error {
		if bytes.Compare(e.Key, low) < 0 || high != nil && bytes.Compare(e.Key, high) >= 0 {
			return Damagef("page %d has a key out of its place", id)
		}
		if native.Uint16(page[8:]) == flagLeaf {
			return do(e)
		}
		children = append(children, e)
		return nil
	})
	if err == errShape {
		return Damagef("page %d is not readable", id)
	}
	if err != nil {
		return err
	}
	for i, c := range children {
		end := high
		if i+1 < len(children) {
			end = children[i+1].Key
		}
		if err := t.walk(c.child, c.Key, end, depth+1, do); err != nil {
			return err
		}
	}
	return nil
}

// Bucket calls do for every entry of a bucket. value is its entry in the root.
func (t *Tree) Bucket(value []byte, do func(Element) error) error {
	if len(value) < 16 {
		return Damagef("a bucket is not readable")
	}
	if root := native.Uint64(value); root != 0 {
		return t.walk(root, nil, nil, 0, do)
	}
	page := value[16:] // small ones lie in their parent's page
	if len(page) < pageHeader || native.Uint16(page[8:]) != flagLeaf {
		return Damagef("a bucket is not readable")
	}
	if err := forEach(page, do); err != errShape {
		return err
	}
	return Damagef("a bucket is not readable")
}

// ScanLeaves calls do for every entry of every leaf page of the file, whether the tree has it or
// not, with its value's place in the file. do reports whether the entry is genuine. Pages that
// cannot be read are skipped. A leaf has at most that many bytes.
func ScanLeaves(file io.ReaderAt, size int64, most uint64, do func(e Element, at int64) bool) {
	buf := make([]byte, Size)
	pages := uint64(size) / Size
	for id := uint64(2); id < pages; id++ {
		if _, err := file.ReadAt(buf, int64(id)*Size); err != nil {
			continue
		}
		if native.Uint16(buf[8:]) != flagLeaf || native.Uint64(buf) != id {
			continue
		}
		page := buf
		if more := uint64(native.Uint32(buf[12:])); more > 0 && more < pages-id && more < most/Size {
			page = make([]byte, (more+1)*Size)
			n, _ := file.ReadAt(page, int64(id)*Size)
			page = page[:n]
		}
		scanLeaf(page, int64(id)*Size, do)
	}
}

// scanLeaf ignores the count of a leaf: the headers of the entries end where the first genuine
// entry begins.
func scanLeaf(page []byte, at int64, do func(e Element, at int64) bool) {
	end := len(page)
	for i := pageHeader; i+16 <= end; i += 16 {
		e, err := readElement(page[i:], true)
		if err != nil {
			continue
		}
		start := i + int(native.Uint32(page[i+4:]))
		value := start + len(e.Key)
		if !e.IsBucket {
			if do(e, at+int64(value)) {
				end = min(end, start)
			}
			continue
		}
		if len(e.Value) > 16+pageHeader && native.Uint64(e.Value) == 0 {
			scanLeaf(e.Value[16:], at+int64(value)+16, do)
		}
	}
}
