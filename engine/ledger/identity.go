package ledger

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/engine/durable"
)

// identity is the file beside the ledger, one line: the ledger's UUID, how it was closed, and the
// number of the last commit. bbolt takes an empty file for a new one and any file for the right
// one; this line detects both. The file is also the lock, so it is overwritten in place and never
// replaced.
type identity struct {
	file     *os.File
	uuid     string // 32 hexadecimal digits
	state    string
	sequence uint64
}

const (
	stateMaking = "making" // the file is not complete: nothing was acknowledged
	stateOpen   = "open"
	stateClosed = "closed"

	identityFormat = "tenterhook ledger 1 %s %-6s %020d %08x\n"
	identitySize   = 20 + 32 + 1 + 6 + 1 + 20 + 1 + 8 + 1
	adviceRepair   = "run `tenterhook ledger repair`, which keeps the file and saves every valid row"
)

func lockIdentity(path string) (*identity, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path+".id", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := durable.TryLock(file); err != nil {
		if errors.Is(err, durable.ErrLocked) {
			err = ErrLocked
		}
		return nil, errors.Join(err, file.Close())
	}
	return &identity{file: file}, nil
}

// isNew reads the line, and reports whether there is no ledger yet.
func (i *identity) isNew(path string) (bool, error) {
	info, err := os.Stat(path)
	exists := err == nil && info.Size() > 0
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	empty, err := i.read()
	switch {
	case err != nil:
		return false, err
	case empty && exists:
		return false, fmt.Errorf("%w: its identity %s.id is missing or empty; if the file is the right one, %s", ErrSwapped, path, adviceRepair)
	case empty || i.state == stateMaking:
		return true, nil
	case !exists:
		return false, fmt.Errorf("%w, but %d commits were made to it; restore it, or %s and begins an empty one", ErrMissing, i.sequence, adviceRepair)
	}
	return false, nil
}

func (i *identity) read() (empty bool, err error) {
	line := make([]byte, identitySize+1)
	n, _ := i.file.ReadAt(line, 0)
	if n == 0 {
		return true, nil
	}
	words := strings.Fields(string(line[:n]))
	if n == identitySize && len(words) == 7 {
		i.uuid, i.state = words[3], words[4]
		i.sequence, err = strconv.ParseUint(words[5], 10, 64)
		if err == nil && i.line() == string(line[:n]) {
			return false, nil
		}
	}
	return false, fmt.Errorf("%w: %s has an invalid content; %s", ErrDamaged, i.file.Name(), adviceRepair)
}

func (i *identity) line() string {
	sum := crc32.Checksum(fmt.Appendf(nil, "%s %s %d", i.uuid, i.state, i.sequence), castagnoli)
	return fmt.Sprintf(identityFormat, i.uuid, i.state, i.sequence, sum)
}

// newUUID sets a new identity.
func (i *identity) newUUID() {
	var uuid [16]byte
	rand.Read(uuid[:])
	i.uuid = hex.EncodeToString(uuid[:])
}

// write writes the line and syncs it.
func (i *identity) write(state string, sequence uint64) error {
	i.state, i.sequence = state, sequence
	if _, err := i.file.WriteAt([]byte(i.line()), 0); err != nil {
		return err
	}
	return i.file.Sync()
}

// writeLazily writes the line without a sync. The line may be behind the file, never ahead of it.
// It survives a killed process, and a power cut as far as the system has written it back.
func (i *identity) writeLazily(sequence uint64) {
	i.sequence = sequence
	_, _ = i.file.WriteAt([]byte(i.line()), 0)
}

func (i *identity) close() error { return i.file.Close() }
