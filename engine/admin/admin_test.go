package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/audit"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

const policy = `tenterhook: 1
hooks:
  - name: hook-a
    type: registration
    auth: none
    rules:
      - name: stamp
        profile: {division: sales}
`

var tokens = admin.Tokens{Read: "read-0123456789", Publish: "publish-0123456789"}

// fixture is an Admin on loopback, with an Engine that follows a folder.
type fixture struct {
	t      *testing.T
	dir    string
	data   string
	url    string
	ledger *ledger.Ledger // with no engine behind it
	engine *engine.Engine
	audit  *audit.Log
	log    *safeBuffer

	ledgerFile string
	auditFile  string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	o := &fixture{t: t, dir: t.TempDir(), ledgerFile: filepath.Join(t.TempDir(), "ledger")}
	o.ledger = openLedger(t, o.ledgerFile)
	o.writePolicy(policy)
	o.log = new(safeBuffer)
	log, registry := slog.New(slog.NewTextHandler(o.log, nil)), prometheus.NewPedanticRegistry()
	var err error
	if o.engine, err = engine.New(engine.Options{Log: log, Registry: registry}); err != nil {
		t.Fatal(err)
	}
	guests, err := wasm.New(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.data, o.auditFile = t.TempDir(), filepath.Join(t.TempDir(), "audit")
	if o.audit, err = audit.Open(o.auditFile); err != nil {
		t.Fatal(err)
	}
	w, err := watch.Open(t.Context(), watch.Options{Dir: o.dir, Data: o.data, Engine: o.engine, Rules: rules.Options{Modules: guests}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	a, err := admin.New(admin.Options{Engine: o.engine, Ledger: o.ledger, Watch: w, Rules: rules.Options{Modules: guests}, Registry: registry, Tokens: tokens, Hosts: []string{"admin.example.com"}, Log: log,
		HooksListener: func() admin.HooksListener { return admin.HooksListener{Error: "half a list"} }, Problems: rejectHookX, Audit: o.audit})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.url = "http://" + l.Addr().String()
	served := make(chan error)
	go func() { served <- a.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(a.Shutdown(ctx), <-served, o.engine.Close(), guests.Close(), o.ledger.Close()); err != nil {
			t.Error(err)
		}
		o.audit.Close()
	})
	return o
}

// safeBuffer is a log that tests read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// rejectHookX is a problem of any Set with a hook-x.
func rejectHookX(s *rules.Set) (problems document.Problems) {
	for _, h := range s.Hooks() {
		if h.Name == "hook-x" {
			problems = append(problems, document.Problem{Message: "hook-x cannot be served"})
		}
	}
	return problems
}

func (o *fixture) writePolicy(policy string) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, "policy.yaml"), []byte(policy), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *fixture) request(method, path, authorization string) (int, string, http.Header) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

func TestTokens(t *testing.T) {
	read, publish := "Bearer "+tokens.Read, "Bearer "+tokens.Publish
	tests := []struct {
		name, method, path, authorization string
		status                            int
	}{
		{"Health", "GET", "/healthz", "", 200},
		{"Ready", "GET", "/readyz", "", 200},
		{"Metrics", "GET", "/metrics", "", 200},
		{"StatusByReader", "GET", "/v1/status", read, 200},
		{"StatusByPublisher", "GET", "/v1/status", publish, 200},
		{"StatusSchemeInAnyCase", "GET", "/v1/status", "bearer " + tokens.Read, 200},
		{"StatusByNobody", "GET", "/v1/status", "", 401},
		{"StatusByWrongToken", "GET", "/v1/status", read + "x", 401},
		{"StatusByEmptyToken", "GET", "/v1/status", "Bearer ", 401},
		{"StatusByOtherScheme", "GET", "/v1/status", "Basic " + tokens.Read, 401},
		{"StatusByBareToken", "GET", "/v1/status", tokens.Read, 401},
		{"CheckByReader", "POST", "/v1/check", read, 200},
		{"CheckByNobody", "POST", "/v1/check", "", 401},
		{"CheckIsAPost", "GET", "/v1/check", read, 405},
		{"NothingElse", "GET", "/debug/pprof/", "", 404},
		{"NoHooks", "POST", "/hooks/hook-a", "", 404},
	}
	o := newFixture(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, text, h := o.request(tt.method, tt.path, tt.authorization)
			if status != tt.status {
				t.Errorf("got %d %q, want %d", status, text, tt.status)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func TestReady(t *testing.T) {
	o := newFixture(t)
	o.engine.Drain()
	if status, _, _ := o.request("GET", "/readyz", ""); status != 503 {
		t.Errorf("ready while draining: %d", status)
	}
	if status, _, _ := o.request("GET", "/healthz", ""); status != 200 {
		t.Errorf("not healthy while draining: %d", status)
	}
}

func TestStatus(t *testing.T) {
	o := newFixture(t)
	_, text, _ := o.request("GET", "/v1/status", "Bearer "+tokens.Read)
	var got admin.Status
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Revision == "" || got.Revision != o.engine.Status().Revision || got.From != watch.FromFolder || got.Stale || !got.Ready ||
		got.LoadedAt.IsZero() || got.HooksListener == nil || got.HooksListener.Error != "half a list" || len(got.Hooks) != 1 || got.Hooks[0].Name != "hook-a" {
		t.Errorf("got %s", text)
	}
	if _, text, _ := o.request("GET", "/metrics", ""); !strings.Contains(text, `tenterhook_set_info{revision="`+got.Revision+`"} 1`) {
		t.Errorf("metrics without the revision: %s", text)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name, policy string
		ok           bool
		problem      string
	}{
		{name: "AsItIs", policy: policy, ok: true},
		{name: "Changed", policy: strings.Replace(policy, "sales", "support", 1), ok: true},
		{name: "Broken", policy: strings.Replace(policy, "registration", "registrasion", 1), problem: "registration"},
		{name: "Unserved", policy: strings.Replace(policy, "hook-a", "hook-x", 1), problem: "cannot be served"},
		{name: "NotYAML", policy: "tenterhook: 1\nhooks: [", problem: ":"},
	}
	o := newFixture(t)
	live := o.engine.Status().Revision
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o.writePolicy(tt.policy)
			status, text, _ := o.request("POST", "/v1/check", "Bearer "+tokens.Read)
			var got admin.Check
			if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
				t.Fatalf("%d %s, %v", status, text, err)
			}
			if got.OK != tt.ok || got.FolderHash == "" || (got.Revision != "") != tt.ok {
				t.Errorf("got %s", text)
			}
			if !tt.ok && (len(got.Problems) == 0 || !strings.Contains(got.Problems[0].Message, tt.problem) && tt.problem != ":") {
				t.Errorf("problems: %s", text)
			}
			if o.engine.Status().Revision != live {
				t.Error("a check changed what is live")
			}
		})
	}
}

func TestNewWantsTwoTokens(t *testing.T) {
	for _, tokens := range []admin.Tokens{{}, {Read: "a"}, {Publish: "a"}, {Read: "a", Publish: "a"}} {
		if _, err := admin.New(admin.Options{Tokens: tokens}); !errors.Is(err, admin.ErrTokens) {
			t.Errorf("got %v, want ErrTokens", err)
		}
	}
}
