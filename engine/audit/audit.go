// Package audit keeps the audit log: an append-only file of administrative acts. Each line holds
// the hash of the line before it.
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

// Errors of this package.
var (
	ErrBroken = errors.New("the audit log was changed or lost lines")           // the hash chain is broken
	ErrFile   = errors.New("want a regular file that only its owner can write") // Open: not a regular file, or writable by others
)

// maxLine is the length in bytes of the longest line that Read accepts. Write keeps far below it:
// see sanitize.
const maxLine = 64 << 10

// Act is one administrative act, done or attempted. Callers put no secret and no part of a payload
// in it. Write makes each text printable and truncates it to the length noted beside it.
type Act struct {
	Act     string `json:"act"`               // "module.put", "set.swap", "serve.start"; 1 KiB
	By      string `json:"by,omitempty"`      // "publish token", "policy folder"; empty: the program; 256 bytes
	From    string `json:"from,omitempty"`    // address of the client; 256 bytes
	Subject string `json:"subject,omitempty"` // a module's name, a revision; 1 KiB
	Outcome string `json:"outcome"`           // "begun", "ok", "refused", "failed"; 64 bytes
	Detail  string `json:"detail,omitempty"`  // 4 KiB
}

// sanitize truncates the texts so that a line stays far below maxLine, even if JSON escapes every
// byte with six.
func (a Act) sanitize() Act {
	return Act{
		Act: Printable(a.Act, 1<<10), By: Printable(a.By, 256), From: Printable(a.From, 256),
		Subject: Printable(a.Subject, 1<<10), Outcome: Printable(a.Outcome, 64), Detail: Printable(a.Detail, 4<<10),
	}
}

// Line is an Act as stored in the file. Hash is the SHA-256 of the line's bytes without the member
// itself; Before is the hash of the previous line. Changing, removing or moving a line breaks the
// chain.
type Line struct {
	Number int64     `json:"number"` // from 1
	Time   time.Time `json:"time"`
	Act
	Before string `json:"before,omitempty"`
	Hash   string `json:"hash,omitempty"` // the last member
}

// seal returns the line with its hash, and its bytes.
func (l Line) seal() (Line, []byte) {
	l.Hash = ""
	text, _ := json.Marshal(l) // its parts always can
	sum := sha256.Sum256(text)
	l.Hash = hex.EncodeToString(sum[:])
	return l, append(text[:len(text)-1], hashSuffix(l.Hash)...)
}

// hashSuffix returns the end of a line with this hash.
func hashSuffix(hash string) string { return `,"hash":"` + hash + `"}` }

// Log is an open audit log. It is safe for concurrent use.
type Log struct {
	now func() time.Time

	mu        sync.Mutex // guards what follows
	file      *os.File
	last      Line  // zero if the file has none
	uncertain bool  // a failed write could not be undone; resume reads the file again
	broken    error // of the last lines, as resume found them
}

// Open opens the log at a path and creates it if missing. It ends a partial last line, left by a
// crash, with a newline, so that the next line stands by itself. The caller closes the Log.
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

// resume reads the last line from the end of the file, because a log can be long.
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

// Broken returns the error of the last lines as found by Open, or nil if their chain holds. The log
// continues after the last of them anyway; Read finds the place.
func (l *Log) Broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// Write appends an act and returns when it is on disk. After an error nothing was appended, or the
// next Write finds out what was.
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

// append writes a whole line or truncates the file to its former size. It also truncates if Sync
// fails, because the caller is told that the act was not recorded.
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
