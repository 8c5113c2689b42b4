package gate

import (
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	for url, want := range map[string]string{
		"https://acme.okta.com/oauth2":     "acme.okta.com",
		"https://acme.okta.com":            "acme.okta.com",
		"HTTPS://Acme.Okta.com:443/":       "Acme.Okta.com",
		"https://acme.okta.com./":          "acme.okta.com.",
		"https://a@b.example/":             "",
		"https://a.example:443@b.example/": "",
		"https://:@b.example/":             "",
		"https://a.example:/":              "",
		"https://a.example:123456/":        "",
		"https://a.example:443:443/":       "",
		"https:///a.example":               "",
		"https://?a.example/":              "",
		"https://a.example#b/":             "",
		"https:\\\\a.example/":             "",
		"https://a.example\\.b.example/":   "",
		" https://a.example/":              "",
		"https:/a.example/":                "",
		"//a.example/":                     "",
		"http://a.example/":                "",
		"javascript://a.example/%0a":       "",
		"https://\u0430cme.okta.com/":      "",
		"https://a.example\x00.b.example/": "",
		"https://[::1]/":                   "",
		"":                                 "",
		"https":                            "",
	} {
		if got, ok := parseHost(url); got != want || ok != (want != "") {
			t.Errorf("%q: %q %t, want %q", url, got, ok, want)
		}
	}
}

func FuzzParseHost(f *testing.F) {
	f.Add("https://acme.okta.com:443@evil.example/x")
	f.Fuzz(func(t *testing.T, url string) {
		host, ok := parseHost(url)
		if !ok {
			return
		}
		rest := url[len("https://"):]
		if next := rest[len(host):]; !strings.HasPrefix(rest, host) || next != "" && next[0] != '/' && next[0] != ':' || strings.ContainsAny(host, "@/\\?#:[] ") {
			t.Errorf("%q: %q", url, host)
		}
	})
}
