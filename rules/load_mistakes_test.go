package rules_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
)

var update = flag.Bool("update", false, "write golden texts anew")

// env is the environment of the tests' policies.
func env(name string) (string, bool) {
	if name == "SECRET" {
		return "t5mQzv0Lk2Rb8JxW", true
	}
	return "", false
}

func TestMistakes(t *testing.T) {
	paths, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(paths) < 40 {
		t.Fatalf("got %d fixtures: %v", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			var want *txtar.File
			for i := range archive.Files {
				if f := &archive.Files[i]; f.Name == "want" {
					want = f
				} else {
					files[f.Name] = f.Data
				}
			}
			modules := guests(t, files)
			_, err = rules.Load(folder.New(files), rules.Options{Env: env, Modules: modules})
			var problems document.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("want problems, got %v", err)
			}
			got := []byte(problems.Error() + "\n")
			if *update {
				want.Data = got
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got, want.Data) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want.Data)
			}
		})
	}
}
