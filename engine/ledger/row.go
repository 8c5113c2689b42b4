package ledger

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A row has this form:
//
//	crc32c of the rest and of its key (4) | kind (1) | slot (4) | epoch (4) | body
//
// With slot and kind, a row that is found without its bucket can be put in its place. The epoch counts
// the openings of the file and tells the later of two rows for one place. bbolt's pages have no checksum.
const headerSize = 4 + 1 + 4 + 4

type kind byte

const (
	kindEvent    kind = iota + 1 // a recorded event
	kindPlan                     // the actions that follow from an event, or from an inline call
	kindMarks                    // outcomes of steps
	kindLost                     // placeholder for a row that repair did not find
	kindIDs                      // known ids
	kindDead                     // a dead letter
	kindState                    // the table of slots
	kindIdentity                 // the ledger's UUID
	kindRedriven                 // a redriven dead letter: its action, as a plan
)

var (
	errChecksum = errors.New("checksum does not match")
	errShape    = errors.New("not the shape of its kind")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newRow returns a row with an empty body and capacity for size bytes.
func newRow(k kind, size int) []byte {
	row := make([]byte, headerSize, headerSize+size)
	row[4] = byte(k)
	return row
}

// seal writes the header and the checksum of a row for its place.
func seal(row, key []byte, slot, epoch uint32) {
	binary.BigEndian.PutUint32(row[5:], slot)
	binary.BigEndian.PutUint32(row[9:], epoch)
	binary.BigEndian.PutUint32(row, checksum(row, key))
}

func checksum(row, key []byte) uint32 {
	return crc32.Update(crc32.Checksum(row[4:], castagnoli), castagnoli, key)
}

// header is the header of a row.
type header struct {
	kind        kind
	slot, epoch uint32
}

// openRow verifies a row against its key. It returns the header, and the body as a part of row.
func openRow(key, row []byte) (header, []byte, error) {
	if len(row) < headerSize {
		return header{}, nil, errShape
	}
	if binary.BigEndian.Uint32(row) != checksum(row, key) {
		return header{}, nil, errChecksum
	}
	h := header{kind: kind(row[4]), slot: binary.BigEndian.Uint32(row[5:]), epoch: binary.BigEndian.Uint32(row[9:])}
	return h, row[headerSize:], nil
}

// cursor decodes a body. After the first missing value, bad is set and all values are zero.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) next(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	head := c.b[:n]
	c.b = c.b[n:]
	return head
}

func (c *cursor) u32() uint32 {
	if b := c.next(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.next(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) u8() byte {
	if b := c.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) id() (id ID) {
	copy(id[:], c.next(uint64(len(id))))
	return id
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) bytes() []byte { return c.next(c.uvarint()) }
func (c *cursor) text() string  { return string(c.bytes()) }

// end returns an error if the body was too short or too long.
func (c *cursor) end() error {
	if c.bad || len(c.b) > 0 {
		return errShape
	}
	return nil
}

func appendBytes[T string | []byte](dst []byte, v T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

func key32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func key64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
