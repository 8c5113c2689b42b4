package hook_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestPublishedAnswers: of Okta's published answers, every valid one is accepted and every flagged
// one rejected, with the remedy of each flag.
func TestPublishedAnswers(t *testing.T) {
	dir := os.Getenv("TENTERHOOK_SAMPLES")
	if dir == "" {
		t.Skip("TENTERHOOK_SAMPLES does not name the folder of Okta's published samples")
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	remedies := map[string]string{
		"password-import-response-03-docs-password-hook.json":           "did you mean com.okta.action.update?",
		"registration-response-01-spec-profileenrollmentresponse.json":  "did you mean com.okta.action.update?",
		"registration-response-03-spec-progressiveprofileresponse.json": "did you mean com.okta.user.progressive.profile.update?",
		"telephony-response-01-spec-telephonyfailureresponse.json":      "want an object with errorSummary and errorCauses, got an array",
		"token-response-14-docs-inline-hooks.json":                      "did you mean com.okta.identity.patch?",
	}
	seen := 0
	for line := range bytes.Lines(index) {
		column := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
		if len(column) < 6 || column[2] != "response" {
			continue
		}
		seen++
		t.Run(column[0], func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, column[0]))
			if err != nil {
				t.Fatal(err)
			}
			typ, ok := hook.ParseType(column[1])
			if !ok {
				t.Fatalf("unknown type %q", column[1])
			}
			problems := hook.CheckAnswer(typ, parse(t, string(text)))
			flagged := strings.Contains(column[5], "DOC-ERROR")
			if flagged != (len(problems) > 0) {
				t.Fatalf("flags %q, problems %v", column[5], problems)
			}
			if flagged && !strings.Contains(lines(problems), remedies[column[0]]) {
				t.Errorf("no hint %q in:\n%s", remedies[column[0]], lines(problems))
			}
		})
	}
	if seen == 0 {
		t.Error("no answers in the index")
	}
}

func parse(t testing.TB, text string) jsondoc.Node {
	t.Helper()
	d := new(jsondoc.Doc)
	if err := d.Parse([]byte(text), jsondoc.Limits{}); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d.Root()
}

func lines(problems []hook.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}
