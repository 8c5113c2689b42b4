package credential

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestWeak(t *testing.T) {
	tests := []struct {
		name, value, want string // want: a part of what is said; empty: nothing is
	}{
		{"Short", "q7LmZ0vRk2Xc9Tb", "15 bytes"},
		{"ShortestGood", "q7LmZ0vRk2Xc9TbW", ""},
		{"FewCharacters", "0110100110010110", "2 different"},
		{"Repeated", "q7LmZ0vRq7LmZ0vR", "again and again"},
		{"RepeatedThrice", "q7LmZ0vRxq7LmZ0vRxq7LmZ0vRx", "again and again"},
		{"NearlyRepeated", "q7LmZ0vRk2Xc9TbWq7LmZ0vRk2Xc9Tb!", ""},
		{"Words", "MySuperSecretPassword", "well-known"},
		{"WordsAndYear", "okta-hook-secret-2026!", "well-known"},
		{"WordsInCapitals", "CHANGEME-CHANGE-ME-PASSWORD", "well-known"},
		{"Alphabet", "abcdefghijklmnopqrstuvwxyz", "well-known"},
		{"Digits", "12345678901234567890", "again and again"},
		{"Falling", "zyxwvutsrqponmlkj9876543210", "well-known"},
		{"Hex", "0123456789abcdef0123456789abcdeX", "well-known"},
		{"WordInFrontOfRandom", "okta-q7LmZ0vRk2Xc9TbW", ""},
		{"NotASCII", "grüße-àéîõü-żółćęśąźń", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := weakness(tt.value)
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if strings.Contains(got, tt.value) {
				t.Error("the secret is told")
			}
		})
	}
}

// TestRandomIsNotWeak: what a generator makes is never complained about.
func TestRandomIsNotWeak(t *testing.T) {
	for range 20_000 {
		var b [16]byte
		rand.Read(b[:])
		for _, value := range []string{hex.EncodeToString(b[:]), base64.StdEncoding.EncodeToString(b[:]), base64.RawURLEncoding.EncodeToString(b[:])} {
			if is := weakness(value); is != "" {
				t.Fatalf("%s: %s", value, is)
			}
		}
	}
}

func TestBare(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("okta:pass:word"))
	for value, want := range map[string]string{"abc": "abc", "Bearer abc": "abc", "bearer  abc": "abc", basic: "pass:word", "Basic %%%": "%%%",
		"my secret": "my secret", "Bearer ": "Bearer ", "": "", "SSWS x y": "x y"} {
		if got := bareSecret(value); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}
