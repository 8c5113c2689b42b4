package admin_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/admin"
)

func TestToken(t *testing.T) {
	dir := t.TempDir()
	first, path, made, err := admin.LoadTokens(dir)
	if err != nil || !made || first.Read == first.Publish || len(first.Read) < 26 || len(first.Publish) < 26 {
		t.Fatalf("%v, made %v", err, made)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || filepath.Dir(path) != dir {
		t.Errorf("%s: %v, %v", path, info.Mode(), err)
	}
	second, _, made, err := admin.LoadTokens(dir)
	if err != nil || made || second != first {
		t.Errorf("the second start: %v, made %v, the same %v", err, made, second == first)
	}
	for _, text := range []string{fmt.Sprint(first), fmt.Sprintf("%+v", first), fmt.Sprintf("%#v", first)} {
		if strings.Contains(text, first.Read) || strings.Contains(text, first.Publish) {
			t.Error("tokens are printed")
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTokenFileRejected(t *testing.T) {
	tests := []struct {
		name, text string
		mode       os.FileMode
	}{
		{"OthersMayRead", "read a\npublish b\n", 0o644},
		{"GroupMayWrite", "read a\npublish b\n", 0o620},
		{"Empty", "", 0o600},
		{"OneToken", "read secret-text\n", 0o600},
		{"Swapped", "publish secret-text\nread b\n", 0o600},
		{"TooLarge", "read " + strings.Repeat("secret-text", 1000) + "\npublish b\n", 0o600},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "admin-tokens")
			if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil { // whatever the umask
				t.Fatal(err)
			}
			got, _, made, err := admin.LoadTokens(dir)
			if !errors.Is(err, admin.ErrTokenFile) || made || got != (admin.Tokens{}) || strings.Contains(err.Error(), "secret-text") {
				t.Errorf("got %v, made %v", err, made)
			}
		})
	}
}
