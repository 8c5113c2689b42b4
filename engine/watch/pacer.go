package watch

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/tenterhook/tenterhook/rules/folder"
)

// fullReadInterval is the least time between two readings without a notification or a change in
// stat.
const fullReadInterval = 5 * time.Second

// pacer decides when the folder is read without a notification: when stat shows a change, and
// periodically. Both take about one percent of the time, however large the folder is.
type pacer struct {
	readTime    time.Duration // of the last reading
	fingerprint uint64        // of the tree, before that reading
	nextRead    time.Time     // the next reading without a change
	nextStat    time.Time     // the next fingerprint
}

func (p *pacer) isDue(ctx context.Context, dir string, files []string) bool {
	now := time.Now()
	if !now.Before(p.nextRead) {
		return true
	}
	if now.Before(p.nextStat) {
		return false
	}
	changed := fingerprint(ctx, dir, files) != p.fingerprint
	p.nextStat = now.Add(100 * time.Since(now))
	return changed
}

// startRead is called before each reading, so that a change during the reading is noticed next
// time.
func (p *pacer) startRead(ctx context.Context, dir string, files []string) {
	p.fingerprint = fingerprint(ctx, dir, files)
	p.nextRead = time.Now().Add(max(fullReadInterval, 100*p.readTime))
}

// fingerprint is a hash over names, sizes and times of the folder's files, with links followed, and
// of its secret files. If the folder cannot be surveyed, it is the hash of the error.
func fingerprint(ctx context.Context, dir string, files []string) uint64 {
	h := fnv.New64a()
	found, err := folder.List(ctx, dir)
	fmt.Fprint(h, err)
	for _, name := range slices.Sorted(maps.Keys(found.Files)) {
		mix(h, name, found.Files[name])
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			mix(h, name, info)
		}
	}
	return h.Sum64()
}

func mix(h hash.Hash64, name string, info fs.FileInfo) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(info.Size()))
	binary.LittleEndian.PutUint64(b[8:], uint64(info.ModTime().UnixNano()))
	h.Write([]byte(name)) // a hash never fails
	h.Write(b[:])
}
