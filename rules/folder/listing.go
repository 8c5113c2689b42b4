package folder

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

// Listing holds the files and directories of a policy folder that Read would read, with their
// metadata; links are followed.
type Listing struct {
	Files   map[string]fs.FileInfo
	Folders map[string]fs.FileInfo // "." is the folder itself
}

// List lists the folder at dir without reading a file, under the rules and limits of Read. With an
// error, also of the context, the Listing has the entries found before it.
func List(ctx context.Context, dir string) (Listing, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Listing{}, err
	}
	defer root.Close()
	return listRoot(ctx, root)
}

func listRoot(ctx context.Context, root *os.Root) (Listing, error) {
	s := lister{root: root, found: Listing{Files: map[string]fs.FileInfo{}, Folders: map[string]fs.FileInfo{}}}
	info, err := root.Stat(".")
	if err != nil {
		return s.found, err
	}
	return s.found, s.walk(ctx, ".", info)
}

// lister walks a folder. A link to a parent makes a tree endless, and many links at each of many
// levels make it immense: it detects the first and limits the number of entries against the second.
type lister struct {
	root    *os.Root
	found   Listing
	above   []fs.FileInfo // the directories it is in now
	entries int
}

func (s *lister) walk(ctx context.Context, dir string, info fs.FileInfo) error {
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
	names, err := s.names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.visit(ctx, path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// names has the names in a directory, sorted, and counts them.
func (s *lister) names(dir string) ([]string, error) {
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

func (s *lister) visit(ctx context.Context, name string) error {
	if strings.HasPrefix(path.Base(name), ".") || !utf8.ValidString(name) {
		return nil
	}
	info, err := s.root.Stat(name)
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	case info.IsDir():
		return s.walk(ctx, name, info)
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
