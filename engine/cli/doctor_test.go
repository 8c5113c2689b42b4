package cli_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctorConsoleFields prints what to enter in Okta although the secret is wrong, but not for a
// path without a hook.
func TestDoctorConsoleFields(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hooks/a" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		io.Copy(io.Discard, r.Body)
	}))
	defer s.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(roots, text, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := runProgram("doctor", s.URL+"/hooks/a", "--type", "token", "--roots", roots, "--calls", "1", "--header", "X-Key: nonsense")
	if code != 1 || !strings.Contains(out, "\nEnter in Okta, at ") || !strings.Contains(out, "URL                    "+s.URL+"/hooks/a\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, out, _ = runProgram("doctor", s.URL+"/hooks/b", "--type", "token", "--roots", roots, "--calls", "1", "--header", "X-Key: nonsense")
	if code != 1 || strings.Contains(out, "Enter in Okta, at") || !strings.Contains(out, "This URL serves no hook") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
