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

// Count is the number of lines in a log.
type Count struct {
	Lines        int64 // valid lines of one chain
	Fragments    int64 // lines that are not JSON: a crash leaves one, others were added by hand
	LastFragment int64 // line number of the last fragment, from 1
}

// Read calls visit with each line of a log in order, and stops at its first error. A line that
// breaks the chain, or whose hash does not match its bytes, ends the reading with ErrBroken and the
// line number. Fragments are counted and skipped. Lines removed from the end cannot be detected.
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

// chain checks each line against the previous one.
type chain struct {
	last  Line // zero before the first
	known bool // false if reading begins in the middle of a log, so that last is unknown
}

// next checks the next line of a file; ok is false for a fragment. After ErrBroken the chain
// continues from this line.
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

// hasValidHash reports whether the hash at the end of a line matches the bytes before it.
func (l Line) hasValidHash(text []byte) bool {
	rest, ok := bytes.CutSuffix(text, []byte(hashSuffix(l.Hash)))
	sum := sha256.Sum256(append(slices.Clip(rest), '}'))
	return ok && l.Hash == hex.EncodeToString(sum[:])
}

// lastLine returns the last line in the tail of a log, and the error of the lines before it. Unless
// the tail is the whole file, its first line may be incomplete and is skipped.
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
	if !c.known { // many bytes without a line
		broken = ErrBroken
	}
	return c.last, broken
}
