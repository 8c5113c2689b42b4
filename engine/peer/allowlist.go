package peer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/engine/file"
)

// pollInterval is the time between two checks of the files.
const pollInterval = time.Second

// AllowList is the set of addresses that may connect. A nil AllowList has all.
type AllowList struct {
	fixed List
	files []*file.Source[List]
}

// OpenAllowList makes an AllowList of addresses, prefixes and files. A file has an address or a
// prefix on each line and comments behind a #, or it is the JSON that Okta publishes: {"us_cell_1":
// {"ip_ranges": ["192.0.2.0/24"]}, ...}. FILE:us_cell_1 selects one cell of it. Without texts the
// AllowList is nil.
func OpenAllowList(texts []string) (*AllowList, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	a := new(AllowList)
	var fixed []string
	for _, text := range texts {
		if _, err := parsePrefix(text); err == nil {
			fixed = append(fixed, text)
			continue
		}
		path, cell := splitCell(text)
		f, err := file.Open(func(c [][]byte) (List, error) { return parseAllowFile(path, c[0], cell) }, path)
		if err != nil {
			return nil, fmt.Errorf("read the allowed addresses: %w", err)
		}
		a.files = append(a.files, f)
	}
	var err error
	a.fixed, err = NewList(fixed)
	return a, err
}

// splitCell splits FILE:CELL, unless a file has that whole name.
func splitCell(text string) (path, cell string) {
	i := strings.LastIndexByte(text, ':')
	if _, err := os.Stat(text); i < 0 || err == nil || strings.ContainsAny(text[i:], `/\`) || i < len(filepath.VolumeName(text)) {
		return text, ""
	}
	return text[:i], text[i+1:]
}

// Has reports whether an address may connect.
func (a *AllowList) Has(addr netip.Addr) bool {
	if a == nil || a.fixed.Has(addr) {
		return true
	}
	for _, f := range a.files {
		if f.Value().Has(addr) {
			return true
		}
	}
	return false
}

// Err returns why a changed file cannot be used, while its last valid content remains in effect;
// nil if all can be used.
func (a *AllowList) Err() error {
	if a == nil {
		return nil
	}
	for _, f := range a.files {
		if err := f.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Run follows the files until the context ends.
func (a *AllowList) Run(ctx context.Context, log *slog.Logger) {
	if a == nil {
		return
	}
	file.Poll(ctx, pollInterval, func() {
		for _, f := range a.files {
			changed, err := f.Reload()
			if err != nil {
				log.Error("cannot use the changed allow list; the previous one stays in effect", "file", f.Paths()[0], "error", err)
			}
			if changed {
				log.Info("the allow list has changed", "file", f.Paths()[0])
			}
		}
	})
}

// parseAllowFile parses a file. An empty list is an error: a file that was written halfway is more
// likely than the wish to admit no caller.
func parseAllowFile(path string, content []byte, cell string) (List, error) {
	texts, err := parseLines(content), error(nil)
	if b := bytes.TrimSpace(content); len(b) > 0 && b[0] == '{' {
		texts, err = parseOktaRanges(b, cell)
	} else if cell != "" {
		err = fmt.Errorf("want Okta's JSON for the cell %s", cell)
	}
	if err == nil && len(texts) == 0 {
		err = fmt.Errorf("want at least one address")
	}
	var l List
	if err == nil {
		l, err = NewList(texts)
	}
	if err != nil {
		return List{}, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func parseLines(content []byte) (texts []string) {
	for s := bufio.NewScanner(bytes.NewReader(content)); s.Scan(); {
		text, _, _ := strings.Cut(s.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// parseOktaRanges parses Okta's JSON: one cell of it, or all if cell is empty.
func parseOktaRanges(content []byte, cell string) (texts []string, err error) {
	var cells map[string]struct {
		Ranges []string `json:"ip_ranges"`
	}
	if err := json.Unmarshal(content, &cells); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(cells))
	if cell != "" {
		if !slices.Contains(names, cell) {
			return nil, fmt.Errorf("want a cell of %s, got %q", strings.Join(names, ", "), cell)
		}
		names = []string{cell}
	}
	for _, name := range names {
		if len(cells[name].Ranges) == 0 {
			return nil, fmt.Errorf("%s: want ip_ranges", name)
		}
		texts = append(texts, cells[name].Ranges...)
	}
	return texts, nil
}
