package folder

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
)

// WriteZip writes the folder as a zip archive that depends on nothing but its names and contents.
func (f *Folder) WriteZip(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, name := range f.names {
		part, err := z.Create(name)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.files[name]); err != nil {
			return err
		}
	}
	return z.Close()
}

// ReadZip reads what WriteZip wrote, under the limits of Read.
func ReadZip(archive []byte) (*Folder, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("read policy archive: %w", err)
	}
	if len(z.File) > maxFiles {
		return nil, fmt.Errorf("read policy archive: %w: more than %d files", ErrTooLarge, maxFiles)
	}
	files := make(map[string][]byte, len(z.File))
	total := 0
	for _, part := range z.File {
		b, err := readPart(part)
		if err != nil {
			return nil, fmt.Errorf("read policy archive: %s: %w", part.Name, err)
		}
		if _, twice := files[part.Name]; twice || !fs.ValidPath(part.Name) {
			return nil, fmt.Errorf("read policy archive: %q: not a file name, or there twice", part.Name)
		}
		if total += len(b); total > maxFolderBytes {
			return nil, fmt.Errorf("read policy archive: %w: more than %d MiB in all", ErrTooLarge, maxFolderBytes>>20)
		}
		files[part.Name] = b
	}
	return New(files), nil
}

func readPart(part *zip.File) ([]byte, error) {
	r, err := part.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err == nil && len(b) > maxFileBytes {
		err = ErrTooLarge
	}
	return b, err
}
