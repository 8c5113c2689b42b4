package doctor

import (
	"fmt"
	"net/http"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// CheckAnswer returns the reasons for which Okta would not apply an answer; none if it would.
func CheckAnswer(t hook.Type, status int, answer []byte) []string {
	switch {
	case status == http.StatusNoContent && !t.NeedsAnswer():
		return nil
	case status == http.StatusOK && t == hook.EventHook:
		return nil // Okta ignores the body (hooks.md section 3.3)
	case status != http.StatusOK:
		return []string{fmt.Sprintf("status %d: want 200; Okta %s", status, t.OnFailure())}
	}
	var d jsondoc.Doc
	if err := d.Parse(answer, jsondoc.Limits{}); err != nil {
		return []string{fmt.Sprintf("the answer: %v; Okta %s", err, t.OnFailure())}
	}
	var problems []string
	for _, p := range hook.CheckAnswer(t, d.Root()) {
		problems = append(problems, fmt.Sprintf("Okta would not apply this: %s: %s", p.Path, p.Message))
	}
	return problems
}
