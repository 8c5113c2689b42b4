// Package audit is for remembering who changed what: an append-only file of administrative acts, each line of which seals
// all before it.
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
	"sync"
	"time"
)

// What can be wrong with a log.
var (
	ErrBroken = errors.New("the audit log was changed or lost lines") // a line does not follow from the one before it
	ErrFile   = errors.New("not an audit log for its owner alone")    // Open: not a plain file, or others may write it
)

// maxLine is the longest line that is written or read, in bytes.
const maxLine = 64 << 10

// Act is one thing that was done, or tried. No secret and nothing of a payload belongs in it.
type Act struct {
	Act     string `json:"act"`               // "module.put", "set.swap", "serve.start"
	By      string `json:"by,omitempty"`      // "publish token", "policy folder"; empty: the program itself
	From    string `json:"from,omitempty"`    // the address it was asked from
	Subject string `json:"subject,omitempty"` // what it was done to: a module's name, a revision
	Outcome string `json:"outcome"`           // "ok", "refused", "failed"
	Detail  string `json:"detail,omitempty"`
}

// Line is an Act as it stands in the file. Hash is the SHA-256 of the line as it would be without it, and Before that of
// the line before it: a line that is changed, taken out or moved breaks every later one.
type Line struct {
	Number int64     `json:"number"` // from 1
	Time   time.Time `json:"time"`
	Act
	Before string `json:"before,omitempty"`
	Hash   string `json:"hash,omitempty"`
}

// sealed is the line with its hash.
func (l Line) sealed() Line {
	l.Hash = ""
	text, _ := json.Marshal(l) // its parts always can
	sum := sha256.Sum256(text)
	l.Hash = hex.EncodeToString(sum[:])
	return l
}

// Log is an open audit log. It is safe for concurrent use.
type Log struct {
	now func() time.Time

	mu   sync.Mutex // guards what follows
	file *os.File
	last Line // zero when there is none
}

// Open opens the log at a path, which is made when it is not there. What a crash has left of a last line is ended, so that
// it is seen and nothing is glued to it. The caller closes the Log.
func Open(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	l := &Log{now: time.Now, file: f}
	if err := l.resume(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the audit log %s: %w", path, err), f.Close())
	}
	return l, nil
}

// resume finds the last line, from the end of the file: a log may be long.
func (l *Log) resume() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 {
		return ErrFile
	}
	tail := make([]byte, min(info.Size(), 4*maxLine))
	if _, err := l.file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(tail) > 0 && tail[len(tail)-1] != '\n' {
		if _, err := l.file.Write([]byte{'\n'}); err != nil {
			return err
		}
	}
	l.last = lastLine(tail)
	return nil
}

// lastLine is the last whole line of a text, the zero Line when there is none.
func lastLine(text []byte) (last Line) {
	for line := range bytes.Lines(text) {
		var one Line
		if json.Unmarshal(line, &one) == nil && one.Hash != "" {
			last = one
		}
	}
	return last
}

// Write appends an act, and returns when it is on disk.
func (l *Log) Write(a Act) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.Detail = cut(a.Detail, 4<<10)
	a.Subject = cut(a.Subject, 1<<10)
	next := Line{Number: l.last.Number + 1, Time: l.now().UTC(), Act: a, Before: l.last.Hash}.sealed()
	text, _ := json.Marshal(next) // its parts always can
	if _, err := l.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	l.last = next
	return nil
}

func cut(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// Read gives each line of a log to visit, in order, until that returns an error, which it returns. A line that is not one,
// or does not follow from the one before it, ends it with ErrBroken and the place; what a crash cut off is passed over when
// the next line follows all the same. It returns how many lines followed.
func Read(path string, visit func(Line) error) (lines int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read the audit log: %w", err)
	}
	defer f.Close()
	return read(f, visit)
}

func read(r io.Reader, visit func(Line) error) (lines int64, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	var last Line
	for at := 1; s.Scan(); at++ {
		var one Line
		if json.Unmarshal(s.Bytes(), &one) != nil {
			continue // cut off; if it was more than that, the next line does not follow
		}
		if one.Number != last.Number+1 || one.Before != last.Hash || one.Hash != one.sealed().Hash {
			return lines, fmt.Errorf("line %d: %w", at, ErrBroken)
		}
		if err := visit(one); err != nil {
			return lines, err
		}
		last = one
		lines++
	}
	if err := s.Err(); err != nil {
		return lines, fmt.Errorf("after line %d: %w", lines, errors.Join(ErrBroken, err))
	}
	return lines, nil
}
