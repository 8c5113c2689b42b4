package destination_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules/destination"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name string
		spec destination.Spec
		want string // the paths of the problems, in order
	}{
		{"a url", destination.Spec{Kind: destination.HTTP, URL: "https://hooks.example/x?y"}, ""},
		{"a name inside, to be judged when it is resolved", destination.Spec{Kind: destination.HTTP, URL: "https://localhost"}, ""},
		{"all of a url", destination.Spec{Kind: destination.HTTP, URL: "https://u:p@h.example:8443", Method: "patch", Path: "/a/b%20c", Query: map[string]string{"a": "b"},
			Headers: map[string]string{"X-A": "b\tc"}, Encoding: "form", Key: "X-Key", Timeout: time.Minute, Retry: destination.Retry{Attempts: 1, First: time.Hour, Max: time.Hour},
			AllowPrivate: prefixes("10.0.0.0/8", "fd00::/8"), Proxy: "http://10.0.0.1:3128", Concurrency: 1, Breaker: destination.Breaker{Failures: 1, Rest: time.Minute}}, ""},
		{"a file", destination.Spec{Kind: destination.File, File: "/var/log/x.jsonl", Rotate: destination.Rotate{Size: 1 << 20, Keep: 1}}, ""},
		{"stdout", destination.Spec{Kind: destination.Stdout}, ""},
		{"no kind", destination.Spec{URL: "https://h.example"}, ""},
		{"not a url", destination.Spec{Kind: destination.HTTP, URL: "hooks.example/x"}, "url"},
		{"another scheme", destination.Spec{Kind: destination.HTTP, URL: "ftp://hooks.example/x"}, "url"},
		{"no host", destination.Spec{Kind: destination.HTTP, URL: "https:///x"}, "url"},
		{"a fragment", destination.Spec{Kind: destination.HTTP, URL: "https://h.example/#x"}, "url"},
		{"http to the world", destination.Spec{Kind: destination.HTTP, URL: "http://h.example"}, "url"},
		{"an address inside", destination.Spec{Kind: destination.HTTP, URL: "https://[::ffff:127.0.0.1]/"}, "url"},
		{"metadata in a range", destination.Spec{Kind: destination.HTTP, URL: "http://169.254.169.254", AllowPrivate: prefixes("169.254.0.0/16")}, "url"},
		{"an address outside the range", destination.Spec{Kind: destination.HTTP, URL: "http://10.0.0.1", AllowPrivate: prefixes("10.1.0.0/16")}, "url"},
		{"much at once", destination.Spec{Kind: destination.HTTP, URL: "https://h.example/?a=b", Method: "BREW", Path: "../x", Query: map[string]string{"a": "c"}, Encoding: "xml",
			Headers: map[string]string{"Host": "x", "X-A": "b\nc", "idempotency-key": "d", "X B": "e"}, AllowPrivate: prefixes("10.0.0.1", "::ffff:10.0.0.0/104"),
			Proxy: "socks5://x", CA: "x", Rotate: destination.Rotate{Keep: 1}, Timeout: time.Hour, Retry: destination.Retry{Attempts: -1, First: time.Minute, Max: time.Second},
			Breaker: destination.Breaker{Failures: -1, Rest: time.Hour * 2}, Concurrency: 1e6},
			"allow_private[0] allow_private[1] query method encoding path headers.Host headers.X B headers.X-A headers.idempotency-key proxy ca rotate " +
				"timeout retry.attempts retry breaker.failures breaker.rest concurrency"},
		{"one header twice", destination.Spec{Kind: destination.HTTP, URL: "https://h.example", Headers: map[string]string{"X-Team": "a", "x-team": "b"}}, "headers.x-team"},
		{"a key that is not a header's to be", destination.Spec{Kind: destination.HTTP, URL: "https://h.example", Key: "Content-Length"}, "key"},
		{"much of a url in a file", destination.Spec{Kind: destination.File, File: "x", Method: "POST", Path: "x", Query: map[string]string{"a": "b"}, Headers: map[string]string{"a": "b"}, Encoding: "json",
			OK: func(destination.Answer) (bool, error) { return true, nil }, AllowPrivate: prefixes("::/0"), Proxy: "x", CA: "x", Key: strings.Repeat("x", 65), Rotate: destination.Rotate{Size: 1, Keep: -1}},
			"file key allow_private ca encoding headers method ok path proxy query rotate.size rotate.keep"},
		{"rotated stdout", destination.Spec{Kind: destination.Stdout, Rotate: destination.Rotate{Size: 1 << 20}}, "rotate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var paths []string
			for _, p := range test.spec.Validate() {
				paths = append(paths, p.Path)
			}
			if got := strings.Join(paths, " "); got != test.want {
				t.Errorf("got  %s\nwant %s\n%v", got, test.want, test.spec.Validate())
			}
		})
	}
}

// prefixes parses address ranges, also invalid ones.
func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		p, _ := netip.ParsePrefix(text)
		all = append(all, p)
	}
	return all
}
