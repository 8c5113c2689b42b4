package outlet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name string
		spec outlet.Spec
		want string // the paths of the problems, in order
	}{
		{"a url", outlet.Spec{URL: "https://hooks.example/x?y"}, ""},
		{"a name inside, to be judged when it is resolved", outlet.Spec{URL: "https://localhost"}, ""},
		{"all of a url", outlet.Spec{URL: "https://u:p@h.example:8443", Method: "patch", Path: "/a/b%20c", Query: map[string]string{"a": "b"},
			Headers: map[string]string{"X-A": "b\tc"}, Encoding: "form", Key: "X-Key", Timeout: time.Minute, Retry: outlet.Retries{Attempts: 1, First: time.Hour, Max: time.Hour},
			AllowPrivate: []string{"10.0.0.0/8", "fd00::/8"}, Proxy: "http://10.0.0.1:3128", Concurrency: 1, Breaker: outlet.Breaker{Failures: 1, Rest: time.Minute}}, ""},
		{"a file", outlet.Spec{File: "/var/log/x.jsonl", Rotate: outlet.Rotate{Size: 1 << 20, Keep: 1}}, ""},
		{"stdout", outlet.Spec{Stdout: true}, ""},
		{"nothing", outlet.Spec{}, "url"},
		{"two", outlet.Spec{Stdout: true, File: "/x"}, "url"},
		{"not a url", outlet.Spec{URL: "hooks.example/x"}, "url"},
		{"another scheme", outlet.Spec{URL: "ftp://hooks.example/x"}, "url"},
		{"no host", outlet.Spec{URL: "https:///x"}, "url"},
		{"a fragment", outlet.Spec{URL: "https://h.example/#x"}, "url"},
		{"http to the world", outlet.Spec{URL: "http://h.example"}, "url"},
		{"an address inside", outlet.Spec{URL: "https://[::ffff:127.0.0.1]/"}, "url"},
		{"metadata in a range", outlet.Spec{URL: "http://169.254.169.254", AllowPrivate: []string{"169.254.0.0/16"}}, "url"},
		{"an address outside the range", outlet.Spec{URL: "http://10.0.0.1", AllowPrivate: []string{"10.1.0.0/16"}}, "url"},
		{"much at once", outlet.Spec{URL: "https://h.example/?a=b", Method: "BREW", Path: "../x", Query: map[string]string{"a": "c"}, Encoding: "xml",
			Headers: map[string]string{"Host": "x", "X-A": "b\nc", "idempotency-key": "d", "X B": "e"}, AllowPrivate: []string{"10.0.0.1", "::ffff:10.0.0.0/104"},
			Proxy: "socks5://x", CA: "x", Rotate: outlet.Rotate{Keep: 1}, Timeout: time.Hour, Retry: outlet.Retries{Attempts: -1, First: time.Minute, Max: time.Second},
			Breaker: outlet.Breaker{Failures: -1, Rest: time.Hour * 2}, Concurrency: 1e6},
			"allow_private[0] allow_private[1] query method path encoding headers.Host headers headers.X-A headers.idempotency-key proxy ca rotate timeout retry.max breaker.rest retry.attempts breaker.failures concurrency"},
		{"one header twice", outlet.Spec{URL: "https://h.example", Headers: map[string]string{"X-Team": "a", "x-team": "b"}}, "headers.x-team"},
		{"a key that is not a header's to be", outlet.Spec{URL: "https://h.example", Key: "Content-Length"}, "key"},
		{"much of a url in a file", outlet.Spec{File: "x", Method: "POST", Path: "x", Query: map[string]string{"a": "b"}, Headers: map[string]string{"a": "b"}, Encoding: "json",
			OK: isAnyOK, AllowPrivate: []string{"::/0"}, Proxy: "x", CA: "x", Key: strings.Repeat("x", 65), Rotate: outlet.Rotate{Size: 1, Keep: -1}},
			"allow_private ca encoding file headers key method ok path proxy query rotate.size rotate.keep"},
		{"rotated stdout", outlet.Spec{Stdout: true, Rotate: outlet.Rotate{Size: 1 << 20}}, "rotate"},
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

func TestOpenReportsAllProblems(t *testing.T) {
	_, err := outlet.Open(map[string]outlet.Spec{"b": {}, "a": {URL: "http://h.example", Method: "BREW"}}, outlet.Options{})
	want := "a.url: want https: what goes by http can be read on its way; allow_private names the ranges where it may\n" +
		"a.method: want one of POST, PUT, PATCH, DELETE, GET\n" +
		"b.url: want exactly one of url, file and stdout"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
