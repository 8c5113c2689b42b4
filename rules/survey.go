package rules

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Survey is what a policy folder has in it, as far as it is read: names to what stat says, links followed.
type Survey struct {
	Files   map[string]fs.FileInfo
	Folders map[string]fs.FileInfo // "." is the folder itself
}

// Look surveys the folder at dir without reading a file. It goes where Read goes, within the same limits, and ends with the
// context. With an error the Survey has what was found before it.
func Look(ctx context.Context, dir string) (Survey, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Survey{}, err
	}
	defer root.Close()
	return survey(ctx, root)
}

func survey(ctx context.Context, root *os.Root) (Survey, error) {
	s := surveyor{root: root, found: Survey{Files: map[string]fs.FileInfo{}, Folders: map[string]fs.FileInfo{}}}
	info, err := root.Stat(".")
	if err != nil {
		return s.found, err
	}
	return s.found, s.enter(ctx, ".", info)
}

// surveyor walks a folder. Links can make a tree of few files endless (a link to a folder above it) or immense (many links
// at each of many levels), so it notices the one and counts against the other.
type surveyor struct {
	root    *os.Root
	found   Survey
	above   []fs.FileInfo // the directories it is in now
	entries int
}

func (s *surveyor) enter(ctx context.Context, dir string, info fs.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(s.above) > maxFolderDepth {
		return fmt.Errorf("%s: %w: more than %d folders inside each other", dir, ErrTooLarge, maxFolderDepth)
	}
	if slices.ContainsFunc(s.above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		return fmt.Errorf("%s: %w: a link to a folder that it lies in", dir, ErrTooLarge)
	}
	s.found.Folders[dir] = info
	s.above = append(s.above, info)
	defer func() { s.above = s.above[:len(s.above)-1] }()
	names, err := s.list(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.note(ctx, path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// list has the names in a directory, sorted, and counts them.
func (s *surveyor) list(dir string) ([]string, error) {
	d, err := s.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(maxEntries - s.entries + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if s.entries += len(names); s.entries > maxEntries {
		return nil, fmt.Errorf("%s: %w: more than %d entries in its directories", s.root.Name(), ErrTooLarge, maxEntries)
	}
	slices.Sort(names)
	return names, nil
}

func (s *surveyor) note(ctx context.Context, name string) error {
	if strings.HasPrefix(path.Base(name), ".") || !utf8.ValidString(name) {
		return nil
	}
	info, err := s.root.Stat(name)
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	case info.IsDir():
		return s.enter(ctx, name, info)
	case !info.Mode().IsRegular():
		return nil
	case info.Size() > maxFileBytes:
		return fmt.Errorf("%s: %w: more than %d MiB", name, ErrTooLarge, maxFileBytes>>20)
	}
	if s.found.Files[name] = info; len(s.found.Files) > maxFiles {
		return fmt.Errorf("%s: %w: more than %d files", s.root.Name(), ErrTooLarge, maxFiles)
	}
	return nil
}
