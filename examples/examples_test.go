// Package examples_test holds every example to its own tests.
package examples_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/suite"
)

func TestExamples(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			t.Run(e.Name(), func(t *testing.T) { example(t, e.Name()) })
		}
	}
}

// example wants a folder without problems, whose tests pass and leave no rule out.
func example(t *testing.T, dir string) {
	folder, err := rules.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(folder, rules.Options{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	report, err := suite.Run(folder, set, suite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Passed == 0 || report.Failed > 0 {
		var text bytes.Buffer
		report.WriteText(&text)
		t.Fatalf("%s", text.Bytes())
	}
	for _, hook := range report.Coverage {
		for _, rule := range hook.Rules {
			if rule.Matched == 0 {
				t.Errorf("hook %s: no test has a match of rule %q", hook.Hook, rule.Rule)
			}
		}
	}
}
