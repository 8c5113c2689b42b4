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

	"github.com/tenterhook/tenterhook/rules"
)

// maxSecretFiles is more files than any policy has secrets in; it bounds what one look costs.
const maxSecretFiles = 1000

// secretFiles lists the files outside the folder that its policy files name: ${file./run/secrets/okta}. A secret that is rotated
// there goes live as a changed rule does. Of more than maxOutside files the rest is not followed.
func secretFiles(f *rules.Folder) []string {
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

// hashFiles is a hash over the files' contents, empty when there are none. Nothing of the contents is kept.
func hashFiles(ctx context.Context, files []string) string {
	if len(files) == 0 {
		return ""
	}
	h := sha256.New()
	for _, name := range files {
		if ctx.Err() != nil {
			return "" // nobody will compare it
		}
		fmt.Fprintf(h, "%q ", name)
		hashFile(h, name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// findSecretFiles finds the files that a policy file names. It may find one too many, in a comment perhaps: such a file is looked at
// in vain, and no more.
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

// maxSecretBytes is more than a secret may have.
const maxSecretBytes = 1 << 20

func hashFile(w io.Writer, name string) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() { // opening a pipe would wait for its writer
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
