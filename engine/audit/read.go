package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Count is what a log has.
type Count struct {
	Lines        int64 // that follow each other
	Fragments    int64 // that are no JSON: a crash leaves one, cut off; others were put there
	LastFragment int64 // where the last scrap stands, from 1
}

// Read gives each line of a log to visit, in order, until that returns an error, which it returns. A line that does not
// follow from the one before it, or whose bytes are not those that were sealed, ends it with ErrBroken and the place; a
// scrap is counted and passed over. Lines that were taken off the end are not missed.
func Read(path string, visit func(Line) error) (Count, error) {
	f, err := os.Open(path)
	if err != nil {
		return Count{}, fmt.Errorf("read the audit log: %w", err)
	}
	defer f.Close()
	return read(f, visit)
}

func read(r io.Reader, visit func(Line) error) (n Count, err error) {
	c := chain{known: true}
	in := bufio.NewReaderSize(r, maxLine)
	for at := int64(1); ; at++ {
		text, err := in.ReadSlice('\n')
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return n, fmt.Errorf("line %d: %w", at, errors.Join(ErrBroken, err))
		}
		if end && len(text) == 0 {
			return n, nil
		}
		one, ok, err := c.next(bytes.TrimSuffix(text, []byte{'\n'}))
		switch {
		case err != nil:
			return n, fmt.Errorf("line %d: %w", at, err)
		case !ok:
			n.Fragments++
			n.LastFragment = at
			continue
		}
		if err := visit(one); err != nil {
			return n, err
		}
		n.Lines++
	}
}

// chain holds each line against the one before it.
type chain struct {
	last  Line // zero before the first
	known bool // last is what the next one must follow; false where reading begins amid a log
}

// next is the next line of a file; ok is false of a scrap. With ErrBroken, it goes on from this one all the same.
func (c *chain) next(text []byte) (l Line, ok bool, err error) {
	if !json.Valid(text) {
		return Line{}, false, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&l) != nil {
		return Line{}, false, ErrBroken
	}
	follows := !c.known || l.Number == c.last.Number+1 && l.Before == c.last.Hash
	c.last, c.known = l, true
	if !follows || !l.hasValidHash(text) {
		return Line{}, false, ErrBroken
	}
	return l, true, nil
}

// hasValidHash is whether the hash that a line ends with is that of all its bytes before.
func (l Line) hasValidHash(text []byte) bool {
	rest, ok := bytes.CutSuffix(text, []byte(hashSuffix(l.Hash)))
	sum := sha256.Sum256(append(slices.Clip(rest), '}'))
	return ok && l.Hash == hex.EncodeToString(sum[:])
}

// lastLine is the last line in the end of a log, or in all of it, and what is wrong with those before it. What may have been
// cut at the beginning is passed over.
func lastLine(text []byte, all bool) (last Line, broken error) {
	if !all {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	c := chain{known: all}
	for line := range bytes.Lines(text) {
		if _, _, err := c.next(bytes.TrimSuffix(line, []byte{'\n'})); err != nil {
			broken = err
		}
	}
	if !c.known { // many bytes, and no line in them
		broken = ErrBroken
	}
	return c.last, broken
}
