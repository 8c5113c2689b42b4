package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt checks the checksum of its two meta pages and nothing else, falls back to the older one in silence, and panics where a page
// is not what it expects, some of it in goroutines of its own. So the file is read here first, with nothing taken on trust.
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

var native = binary.NativeEndian

// tree is bbolt's file, as far as its newer meta page says.
type tree struct {
	file io.ReaderAt
	root uint64
	high uint64 // the first page that is not in use
	seen []uint64
	bufs [maxDepth][]byte
}

// meta is what a meta page says.
type meta struct {
	root, freelist, high, tx uint64
}

// openTree reads both meta pages. Both must be whole: a kill never leaves one that is not, since it is written as one sector.
func openTree(file io.ReaderAt, size int64) (*tree, error) {
	var m [2]meta
	for i := range m {
		page := make([]byte, pageSize)
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
		return nil, damaged("the meta pages are of transactions %d and %d, which do not follow each other", m[0].tx, m[1].tx)
	case newer.high < 3 || newer.high > uint64(size)/pageSize:
		return nil, damaged("%d pages are in use, the file has %d", newer.high, size/pageSize)
	case newer.freelist != noFreelist && newer.tx > 1:
		return nil, damaged("it was written by another program")
	}
	return &tree{file: file, root: newer.root, high: newer.high, seen: make([]uint64, newer.high/64+1)}, nil
}

func readMeta(page []byte, id uint64) (meta, error) {
	b := page[pageHeader:]
	h := fnv.New64a()
	h.Write(b[:56])
	switch {
	case native.Uint64(page) != id || native.Uint16(page[8:]) != flagMeta:
		return meta{}, damaged("meta page %d is not one", id)
	case native.Uint32(b) != boltMagic || native.Uint32(b[4:]) != boltVersion || native.Uint32(b[8:]) != pageSize:
		return meta{}, damaged("meta page %d has another format", id)
	case native.Uint64(b[56:]) != h.Sum64():
		return meta{}, damaged("meta page %d: checksum does not match", id)
	}
	m := meta{root: native.Uint64(b[16:]), freelist: native.Uint64(b[32:]), high: native.Uint64(b[40:]), tx: native.Uint64(b[48:])}
	if m.tx%2 != id {
		return meta{}, damaged("meta page %d is in the other's place", id)
	}
	return m, nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// element is an entry of a page. Key and value are parts of it.
type element struct {
	flags      uint32
	key, value []byte
	child      uint64
}

// elements reads a page's entries, each within the page and each key greater than the one before.
func elements(page []byte, do func(element) error) error {
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
		if i > 0 && bytes.Compare(last, e.key) >= 0 {
			return errShape
		}
		last = e.key
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}

func readElement(b []byte, leaf bool) (e element, err error) {
	var at, key, value uint64
	if leaf {
		e.flags = native.Uint32(b)
		at, key, value = uint64(native.Uint32(b[4:])), uint64(native.Uint32(b[8:])), uint64(native.Uint32(b[12:]))
	} else {
		at, key = uint64(native.Uint32(b)), uint64(native.Uint32(b[4:]))
		e.child = native.Uint64(b[8:])
	}
	if at < 16 || at+key+value > uint64(len(b)) || e.flags&^flagBucket != 0 || key == 0 {
		return element{}, errShape
	}
	e.key, e.value = b[at:at+key], b[at+key:at+key+value]
	return e, nil
}

// page reads a page that nothing else has pointed to yet.
func (t *tree) page(id uint64, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return nil, damaged("page %d lies too deep", id)
	}
	buf := t.bufs[depth]
	if buf == nil {
		buf = make([]byte, pageSize)
	}
	buf = buf[:pageSize]
	if err := t.claim(id, 1); err != nil {
		return nil, err
	}
	if err := readPage(t.file, buf, id); err != nil {
		return nil, err
	}
	flags, more := native.Uint16(buf[8:]), uint64(native.Uint32(buf[12:]))
	if native.Uint64(buf) != id || (flags != flagBranch && flags != flagLeaf) {
		return nil, damaged("page %d is not what its parent takes it for", id)
	}
	if err := t.claim(id+1, more); err != nil {
		return nil, err
	}
	if more > 0 {
		buf = append(buf, make([]byte, more*pageSize)...)
		if err := readPage(t.file, buf[pageSize:], id+1); err != nil {
			return nil, err
		}
	}
	t.bufs[depth] = buf
	return buf, nil
}

// readPage tells a file that ends too early, which is damaged, from one that cannot be read just now.
func readPage(file io.ReaderAt, buf []byte, id uint64) error {
	_, err := file.ReadAt(buf, int64(id)*pageSize)
	if errors.Is(err, io.EOF) {
		return damaged("page %d: the file ends before it", id)
	}
	return err
}

func (t *tree) claim(id, count uint64) error {
	if id < 2 || id > t.high || count > t.high-id {
		return damaged("page %d lies beyond the %d pages in use", id, t.high)
	}
	for p := id; p < id+count; p++ {
		if t.seen[p/64]&(1<<(p%64)) != 0 {
			return damaged("page %d is used twice", p)
		}
		t.seen[p/64] |= 1 << (p % 64)
	}
	return nil
}

// walk hands every entry of the tree under page id to do, in the order of the keys, all of which lie in [low, high).
func (t *tree) walk(id uint64, low, high []byte, depth int, do func(element) error) error {
	page, err := t.page(id, depth)
	if err != nil {
		return err
	}
	var children []element
	err = elements(page, func(e element) error {
		if bytes.Compare(e.key, low) < 0 || high != nil && bytes.Compare(e.key, high) >= 0 {
			return damaged("page %d has a key out of its place", id)
		}
		if native.Uint16(page[8:]) == flagLeaf {
			return do(e)
		}
		children = append(children, e)
		return nil
	})
	if err == errShape {
		return damaged("page %d is not readable", id)
	}
	if err != nil {
		return err
	}
	for i, c := range children {
		end := high
		if i+1 < len(children) {
			end = children[i+1].key
		}
		if err := t.walk(c.child, c.key, end, depth+1, do); err != nil {
			return err
		}
	}
	return nil
}

// bucket hands every entry of the bucket with that value to do.
func (t *tree) bucket(value []byte, do func(element) error) error {
	if len(value) < 16 {
		return damaged("a bucket is not readable")
	}
	if root := native.Uint64(value); root != 0 {
		return t.walk(root, nil, nil, 0, do)
	}
	page := value[16:] // small ones lie in their parent's page
	if len(page) < pageHeader || native.Uint16(page[8:]) != flagLeaf {
		return damaged("a bucket is not readable")
	}
	if err := elements(page, do); err != errShape {
		return err
	}
	return damaged("a bucket is not readable")
}
