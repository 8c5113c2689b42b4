package rule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

// runRule runs f on an event and returns its draft.
func runRule(t *testing.T, event string, f rule.Func) string {
	t.Helper()
	rule.Register(f)
	draft, err := rule.Sample{Event: event}.Run()
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

type settings struct {
	Threshold float64
	Words     []string
}

func (s settings) Validate() error {
	if s.Threshold <= 0 {
		return errors.New("threshold: want more than 0")
	}
	return nil
}

func TestRegisterWith(t *testing.T) {
	tests := []struct {
		name, with, draft, err string
	}{
		{"OK", `{"threshold": 0.5, "words": ["a"]}`, `{"debugContext":{"threshold":0.5,"words":["a"]}}`, ""},
		{"UnknownMember", `{"treshold": 0.5}`, "", `unknown field "treshold"`},
		{"WrongType", `{"threshold": "high"}`, "", "cannot unmarshal string"},
		{"TwoValues", `{"threshold": 1} {}`, "", "want one JSON value"},
		{"Refused", `{"threshold": 0}`, "", "threshold: want more than 0"},
		{"MissingIsValidated", "", "", "threshold: want more than 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule.RegisterWith(func(e rule.Event, with settings, d *rule.Draft) error {
				d.Debug("threshold", with.Threshold)
				d.Debug("words", with.Words)
				return nil
			})
			draft, err := rule.Sample{Event: "{}", With: test.with}.Run()
			if draft != test.draft || !errorContains(err, test.err) {
				t.Errorf("got %s, %v", draft, err)
			}
		})
	}
	t.Run("NotTaken", func(t *testing.T) {
		rule.Register(func(rule.Event, *rule.Draft) error { return nil })
		if _, err := (rule.Sample{Event: "{}", With: "{}"}).Run(); !errorContains(err, "takes no with") {
			t.Errorf("got %v", err)
		}
	})
}

// errorContains reports whether err contains the text; for an empty text, whether err is nil.
func errorContains(err error, text string) bool {
	if err == nil || text == "" {
		return err == nil && text == ""
	}
	return strings.Contains(err.Error(), text)
}

func TestRun(t *testing.T) {
	t.Run("NoOpinion", func(t *testing.T) {
		if draft := runRule(t, "{}", func(rule.Event, *rule.Draft) error { return nil }); draft != "" {
			t.Errorf("got %s", draft)
		}
	})
	t.Run("FailedRule", func(t *testing.T) {
		sorry := errors.New("sorry")
		rule.Register(func(e rule.Event, d *rule.Draft) error {
			d.Verify(true)
			return sorry
		})
		if draft, err := (rule.Sample{Event: "{}"}).Run(); !errors.Is(err, sorry) || draft != "" {
			t.Errorf("got %s, %v", draft, err)
		}
	})
	t.Run("Log", func(t *testing.T) {
		rule.Register(func(e rule.Event, d *rule.Draft) error {
			e.Log("seen")
			return nil
		})
		var lines []string
		keep := func(line string) { lines = append(lines, line) }
		if _, err := (rule.Sample{Event: "{}", Log: keep}).Run(); err != nil || len(lines) != 1 || lines[0] != "seen" {
			t.Errorf("got %q, %v", lines, err)
		}
	})
	t.Run("EventIsNoJSON", func(t *testing.T) {
		if _, err := (rule.Sample{Event: "{"}).Run(); err == nil {
			t.Error("it ran")
		}
	})
}
