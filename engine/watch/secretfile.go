package watch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/folder"
)

// maxSecretFiles bounds the cost of one check.
const maxSecretFiles = 1000

// secretFiles lists the files outside the folder that its policies name: ${file./run/secrets/okta}.
// A rotated secret goes live as a changed rule does. Files beyond maxSecretFiles are not followed.
func secretFiles(f *folder.Folder) []string {
	var files []string
	for _, name := range f.Names() {
		if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
			text, _ := f.File(name)
			files = append(files, findSecretFiles(text)...)
		}
	}
	slices.Sort(files)
	files = slices.Compact(files)
	return files[:min(len(files), maxSecretFiles)]
}

// hashFiles is a hash over the contents of files, or "" without files. No content is kept.
func hashFiles(ctx context.Context, files []string) string {
	if len(files) == 0 {
		return ""
	}
	h := sha256.New()
	for _, name := range files {
		if ctx.Err() != nil {
			return "" // not compared any more
		}
		fmt.Fprintf(h, "%q ", name)
		hashFile(h, name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// findSecretFiles finds the files that a policy names. It may also find a name in a comment, which
// costs a needless check.
func findSecretFiles(text []byte) []string {
	const open = "${file."
	var files []string
	for {
		i := bytes.Index(text, []byte(open))
		if i < 0 {
			return files
		}
		text = text[i+len(open):]
		end := bytes.IndexAny(text, "}\n")
		if end < 0 {
			return files
		}
		if file := strings.TrimSpace(string(text[:end])); filepath.IsAbs(file) {
			files = append(files, file)
		}
	}
}

// maxSecretBytes exceeds the size limit of a secret.
const maxSecretBytes = 1 << 20

func hashFile(w io.Writer, name string) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		fmt.Fprint(w, "absent ")
		return
	}
	file, err := os.Open(name)
	if err != nil {
		fmt.Fprint(w, "closed ")
		return
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(file, maxSecretBytes)); err != nil {
		fmt.Fprint(w, "unreadable ")
		return
	}
	w.Write(sum.Sum(nil)) // a hash never fails
}
