package rules_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// FuzzPolicy loads any text as a policy: no panic, bounded time, problems that lie inside the file;
// and a policy that loads decides a call of each type with a valid answer.
func FuzzPolicy(f *testing.F) {
	paths, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name != "want" {
				f.Add(string(file.Data))
			}
		}
	}
	f.Add(registrationPolicy)
	f.Add(tokenPolicy)
	f.Add("tenterhook: 1\nvars: {a: &a [1], b: *a, <<: {c: 2}}\n")
	f.Add("tenterhook: 1\n" + strings.Repeat("? ", 50) + "x\n")
	f.Add("tenterhook: 1\nvars:\n" + strings.Repeat("- ", 50) + "x\n")
	f.Add("tenterhook: 1\nvars: " + strings.Repeat("!a ", 50) + "x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 64<<10 {
			return
		}
		start := time.Now()
		s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{Env: env})
		if took := time.Since(start); took > time.Minute {
			t.Fatalf("took %s", took)
		}
		if err != nil {
			inside(t, text, err)
			return
		}
		defer s.Close()
		for _, h := range s.Hooks() {
			var doc jsondoc.Doc
			if err := doc.Parse(sample.Of(h.Type), jsondoc.Limits{}); err != nil {
				t.Fatal(err)
			}
			var d rules.Decision
			h.Decide(&hook.Call{Type: h.Type, Doc: &doc}, &d)
			valid(t, h, d.Answer)
			for _, r := range d.Results {
				if errors.Is(r.Err, rules.ErrBug) {
					t.Fatal(r.Err)
				}
			}
		}
	})
}

func inside(t *testing.T, text string, err error) {
	var problems document.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("want problems, got %v", err)
	}
	_ = problems.Error()
	lines := strings.Count(text, "\n") + 1
	for _, p := range problems {
		if p.Line < 0 || p.Line > lines || p.Line > 0 && p.Column < 1 || p.Message == "" {
			t.Errorf("problem outside the %d lines of the file: %+v", lines, p)
		}
	}
}
