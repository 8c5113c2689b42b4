package dispatch_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// syncBuffer collects log lines of several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// linesWith returns the lines that hold a text.
func (s *syncBuffer) linesWith(text string) (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(s.b.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestLog: the log names the rules of each event and the reason of each failing attempt, and it
// reports one failure in one line.
func TestLog(t *testing.T) {
	log := new(syncBuffer)
	r := newReceiver(t)
	r.status.Store(503)
	decide := func(c *hook.Call) (dispatch.Plan, error) {
		p, err := sendEachTo("a")(c)
		if p.Rules = []string{"tell"}; strings.Contains(string(c.Doc.Root().Raw()), "bad") {
			return dispatch.Plan{Rules: []string{"other"}}, dispatch.RuleFailures{`rule "tell" failed: type`}
		}
		return p, err
	}
	f := newFixture(t, decide, dispatch.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	to := r.destination("a")
	to.Retry.Attempts = 2
	f.Use([]destination.Spec{to})
	for _, tc := range []struct {
		name, event string
		want        map[string]string // message to attributes; each is logged once
	}{
		{"FailingDestination", "good", map[string]string{
			`msg="event planned"`:                                   `level=INFO,rules=tell,destinations=a,`,
			`msg="an attempt at a step failed"`:                     `destination=a,attempt=1,answered 503,retry_in=`,
			`msg="a step failed for good and is now a dead letter"`: `destination=a,attempt=2,answered 503`,
		}},
		{"FailingRule", "bad", map[string]string{
			`msg="event planned"`: `level=INFO,rules=other,destinations=(rules)`,
			`msg="a step failed for good and is now a dead letter"`: `destination=(rules),rule \"tell\" failed: type`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log.mu.Lock()
			log.b.Reset()
			log.mu.Unlock()
			f.acceptEvents(tc.event, 1)
			f.waitFor("finished", func() bool { return f.isIdle() && len(log.linesWith("for good")) == 1 })
			for message, attrs := range tc.want {
				lines := log.linesWith(message)
				if len(lines) != 1 {
					t.Errorf("%d lines with %s, want 1", len(lines), message)
					continue
				}
				for attr := range strings.SplitSeq(attrs, ",") {
					if !strings.Contains(lines[0], attr) {
						t.Errorf("%s lacks %s", lines[0], attr)
					}
				}
			}
			if lines := log.linesWith(""); len(lines) != len(tc.want) {
				t.Errorf("want %d lines, got %q", len(tc.want), lines)
			}
		})
	}
}
