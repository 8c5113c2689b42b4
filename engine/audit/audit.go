// Package audit is for remembering who changed what: an append-only file of administrative acts, each line of which seals
// all before it.
package audit

import (
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

// maxLine is the longest line that is read, in bytes. What is written is shorter: see clean.
const maxLine = 64 << 10

// Act is one thing that was done, or tried. No secret and nothing of a payload belongs in it. Of each text so much is written
// as is said beside it, and what cannot be printed as Printable has it.
type Act struct {
	Act     string `json:"act"`               // "module.put", "set.swap", "serve.start"; 1 KiB
	By      string `json:"by,omitempty"`      // "publish token", "policy folder"; empty: the program itself; 256 bytes
	From    string `json:"from,omitempty"`    // the address it was asked from; 256 bytes
	Subject string `json:"subject,omitempty"` // what it was done to: a module's name, a revision; 1 KiB
	Outcome string `json:"outcome"`           // "begun", "ok", "refused", "failed"; 64 bytes
	Detail  string `json:"detail,omitempty"`  // 4 KiB
}

// sanitize keeps a line far below maxLine, also where each byte takes six as JSON has it.
func (a Act) sanitize() Act {
	return Act{
		Act: Printable(a.Act, 1<<10), By: Printable(a.By, 256), From: Printable(a.From, 256),
		Subject: Printable(a.Subject, 1<<10), Outcome: Printable(a.Outcome, 64), Detail: Printable(a.Detail, 4<<10),
	}
}

// Line is an Act as it stands in the file. Hash is the SHA-256 of the line's bytes as they would be without it, and Before
// that of the line before it: a line that is changed, taken out or moved breaks every later one.
type Line struct {
	Number int64     `json:"number"` // from 1
	Time   time.Time `json:"time"`
	Act
	Before string `json:"before,omitempty"`
	Hash   string `json:"hash,omitempty"` // the last member
}

// seal is the line with its hash, and its bytes.
func (l Line) seal() (Line, []byte) {
	l.Hash = ""
	text, _ := json.Marshal(l) // its parts always can
	sum := sha256.Sum256(text)
	l.Hash = hex.EncodeToString(sum[:])
	return l, append(text[:len(text)-1], hashSuffix(l.Hash)...)
}

// hashSuffix is how a line with a hash ends.
func hashSuffix(hash string) string { return `,"hash":"` + hash + `"}` }

// Log is an open audit log. It is safe for concurrent use.
type Log struct {
	now func() time.Time

	mu        sync.Mutex // guards what follows
	file      *os.File
	last      Line  // zero when there is none
	uncertain bool  // a write went wrong and could not be undone: what is in the file decides
	broken    error // of the last lines, when they were last read
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
	l.last, l.broken = lastLine(tail, info.Size() == int64(len(tail)))
	return nil
}

// Broken says what is wrong with the last lines that were there when the log was opened; nil when they follow each other. The
// log goes on from the last of them all the same, and Read finds the place.
func (l *Log) Broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// Write appends an act, and returns when it is on disk. With an error nothing was appended, or Write sees at the next act
// what was.
func (l *Log) Write(a Act) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.uncertain {
		if err := l.resume(); err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
		l.uncertain = false
	}
	next, text := Line{Number: l.last.Number + 1, Time: l.now().UTC(), Act: a.sanitize(), Before: l.last.Hash}.seal()
	if err := l.append(append(text, '\n')); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	l.last = next
	return nil
}

// append writes all of a line or takes back what it has written. A line of which it is not known that it is on disk is
// taken back, too: its act was not recorded, as its caller hears.
func (l *Log) append(line []byte) error {
	before, err := l.file.Stat()
	if err != nil {
		return err
	}
	_, err = l.file.Write(line)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		l.uncertain = l.file.Truncate(before.Size()) != nil
	}
	return err
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
