package outlet_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// prefixes parses address ranges.
func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

var loopback = prefixes("127.0.0.0/8", "::1/128")

// openOutlet opens an Outlet that must be idle at the end of the test, and closes it then.
func openOutlet(t testing.TB, specs map[string]destination.Spec, o outlet.Options) *outlet.Outlet {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	out, err := outlet.Open(specs, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := out.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return out
}

// openOne opens an Outlet with one destination "there", which may be on loopback.
func openOne(t testing.TB, s destination.Spec) *outlet.Outlet {
	t.Helper()
	if s.URL != "" {
		s.Kind, s.AllowPrivate = destination.HTTP, loopback
	}
	return openOutlet(t, map[string]destination.Spec{"there": s}, outlet.Options{})
}

func startServer(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func newStep(body string) outlet.Step {
	return outlet.Step{Destination: "there", Key: "step-1", Attempt: 1, Body: []byte(body)}
}

func deliver(t testing.TB, o *outlet.Outlet, s outlet.Step) outlet.Result {
	t.Helper()
	return o.Deliver(context.Background(), s)
}

// certificatePEM is a test server's certificate, as Spec.CA wants it.
func certificatePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func TestRequest(t *testing.T) {
	type seen struct {
		method, uri, host, body string
		header                  http.Header
	}
	tests := []struct {
		name string
		spec destination.Spec
		step outlet.Step
		at   string // beneath the server's address
		want seen
	}{
		{"plain", destination.Spec{}, newStep(`{"a":1}`), "/in",
			seen{"POST", "/in", "", `{"a":1}`, http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"step-1"}, "User-Agent": {"tenterhook/unknown"}}}},
		{"everything configured",
			destination.Spec{Method: "put", Path: "v1/x", Query: map[string]string{"q": "a b"}, Headers: map[string]string{"x-team": "iam", "content-type": "application/vnd.x+json"}, Key: "x-dedupe"},
			newStep(`1`), "/in?sig=a%2Fb",
			seen{"PUT", "/in/v1/x?sig=a%2Fb&q=a+b", "", `1`, http.Header{"X-Team": {"iam"}, "X-Dedupe": {"step-1"}, "Content-Type": {"application/vnd.x+json"}, "Idempotency-Key": nil}}},
		{"everything from the step", destination.Spec{Path: "/a", Query: map[string]string{"q": "1"}, Headers: map[string]string{"X-Team": "iam"}},
			outlet.Step{Destination: "there", Key: "k", Path: "/u/eve%2Fx", Query: map[string]string{"q": "2"}, Headers: map[string]string{"x-team": "soc"}}, "/",
			seen{"POST", "/u/eve%2Fx?q=2", "", "", http.Header{"X-Team": {"soc"}, "Content-Type": nil}}},
		{"method and encoding from the step", destination.Spec{Encoding: "form"},
			outlet.Step{Destination: "there", Key: "k", Method: "PATCH", Encoding: "json", Body: []byte(`{"a":1}`)}, "/",
			seen{"PATCH", "/", "", `{"a":1}`, http.Header{"Content-Type": {"application/json"}}}},
		{"a leading double slash names no host", destination.Spec{}, outlet.Step{Destination: "there", Key: "k", Path: "//evil.example/x"}, "",
			seen{"POST", "/evil.example/x", "", "", nil}},
		{"a form", destination.Spec{Encoding: "form"}, newStep(`{"b":"x&y","a":[1,"z"],"none":null,"payload":{"t":"é"},"b2":true}`), "/",
			seen{"POST", "/", "", "b=x%26y&a=1&a=z&payload=%7B%22t%22%3A%22%C3%A9%22%7D&b2=true", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got seen
			url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = seen{r.Method, r.RequestURI, r.Host, string(body), r.Header}
			})
			test.spec.URL = url + test.at
			if r := deliver(t, openOne(t, test.spec), test.step); r.Verdict != outlet.Done || r.Err != nil || !r.Attempted {
				t.Fatalf("got %+v", r)
			}
			if got.method != test.want.method || got.uri != test.want.uri || got.body != test.want.body || got.host != strings.TrimPrefix(url, "http://") {
				t.Errorf("got %q %q %q %q", got.method, got.uri, got.host, got.body)
			}
			for name, want := range test.want.header {
				if strings.Join(got.header[name], "|") != strings.Join(want, "|") {
					t.Errorf("%s: got %q, want %q", name, got.header[name], want)
				}
			}
		})
	}
}

func TestBasic(t *testing.T) {
	url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "okta" || password != "p@ss" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: strings.Replace(url, "http://", "http://okta:p%40ss@", 1)})
	if r := deliver(t, o, newStep("")); r.Verdict != outlet.Done {
		t.Errorf("got %+v", r)
	}
}

func TestProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	there := startServer(t, func(http.ResponseWriter, *http.Request) {})
	if r := deliver(t, openOne(t, destination.Spec{Kind: destination.HTTP, URL: there}), newStep("")); r.Verdict != outlet.Done {
		t.Errorf("without one: %+v", r)
	}
	through := make(chan string, 1)
	proxy := startServer(t, func(w http.ResponseWriter, r *http.Request) { through <- r.RequestURI })
	if r := deliver(t, openOne(t, destination.Spec{Kind: destination.HTTP, URL: "http://nowhere.example/x", Proxy: proxy}), newStep("")); r.Verdict != outlet.Done {
		t.Fatalf("through one: %+v", r)
	}
	if uri := <-through; uri != "http://nowhere.example/x" {
		t.Errorf("the proxy was asked for %q", uri)
	}
}

// TestTunnel: TLS goes through a proxy, and no error quotes the refusal of a proxy.
func TestTunnel(t *testing.T) {
	there := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(there.Close)
	proxy := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		out, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		w.WriteHeader(http.StatusOK)
		in, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			_, _ = io.Copy(out, buffered)
			out.Close()
		}()
		_, _ = io.Copy(in, out)
		in.Close()
	})
	spec := destination.Spec{Kind: destination.HTTP, URL: there.URL, CA: certificatePEM(there.Certificate()), Proxy: proxy}
	r := deliver(t, openOne(t, spec), newStep("{}"))
	wantResult(t, r, outlet.Retry, outlet.ErrConnection)
	if !strings.HasSuffix(r.Err.Error(), "the proxy answered 407 Proxy Authentication Required") {
		t.Errorf("got %q", r.Err)
	}
	spec.Proxy = strings.Replace(proxy, "//", "//user:password@", 1)
	wantResult(t, deliver(t, openOne(t, spec), newStep("{}")), outlet.Done, nil)
}

// TestStepRejected: a step that would smuggle something into a request is not sent.
func TestStepRejected(t *testing.T) {
	url := startServer(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("sent: %s %v", r.RequestURI, r.Header) })
	o := openOutlet(t, map[string]destination.Spec{
		"there": {Kind: destination.HTTP, URL: url + "/base", AllowPrivate: loopback},
		"form":  {Kind: destination.HTTP, URL: url, AllowPrivate: loopback, Encoding: "form"},
		"out":   {Kind: destination.Stdout},
	}, outlet.Options{Stdout: io.Discard})
	to := func(name, body string) outlet.Step {
		return outlet.Step{Destination: name, Key: "k", Body: []byte(body)}
	}
	header := func(name, value string) outlet.Step {
		return outlet.Step{Destination: "there", Key: "k", Headers: map[string]string{name: value}}
	}
	path := func(p string) outlet.Step { return outlet.Step{Destination: "there", Key: "k", Path: p} }
	tests := []struct {
		name string
		step outlet.Step
	}{
		{"no key", outlet.Step{Destination: "there"}},
		{"a key with a line end", outlet.Step{Destination: "there", Key: "a\r\nX: y"}},
		{"a long key", outlet.Step{Destination: "there", Key: strings.Repeat("k", 256)}},
		{"a value with a line end", header("X-A", "a\r\nX-B: c")},
		{"a value with a bare line feed", header("X-A", "a\nb")},
		{"a value with a zero", header("X-A", "a\x00b")},
		{"a name with a line end", header("X-A\r\nX-B", "c")},
		{"a name with a colon", header("X-A:", "c")},
		{"an empty name", header("", "c")},
		{"the host", header("host", "evil.example")},
		{"the length", header("Content-Length", "1")},
		{"the coding", header("transfer-encoding", "chunked")},
		{"the proxy's credentials", header("Proxy-Authorization", "x")},
		{"the key's own header", header("idempotency-key", "other")},
		{"climbing", path("../admin")},
		{"climbing, encoded", path("x/%2e%2E/admin")},
		{"climbing behind an encoded slash", path("x%2f..%2fadmin")},
		{"climbing behind a backslash", path(`x%5c..%5cadmin`)},
		{"a query", path("x?a=b")},
		{"a fragment", path("x#a")},
		{"a line end", path("x\r\nHost: evil")},
		{"an encoded line end", path("x%0d%0aHost: evil")},
		{"half an escape", path("x%2")},
		{"a space", path("x HTTP/1.1")},
		{"a form of a list", to("form", `[1]`)},
		{"a form of what is not JSON", to("form", `{"a"`)},
		{"a line of what is not JSON", to("out", "{}\n{}")},
		{"an empty line", to("out", "")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantResult(t, deliver(t, o, test.step), outlet.Never, outlet.ErrStep)
			if r := deliver(t, o, test.step); r.Attempted {
				t.Error("it counts as attempted")
			}
		})
	}
}

func TestOpenReportsAllProblems(t *testing.T) {
	_, err := outlet.Open(map[string]destination.Spec{"b": {}, "a": {Kind: destination.HTTP, URL: "http://h.example", Method: "BREW"}}, outlet.Options{})
	want := "a: url: want https: http is not encrypted; allow_private lists the ranges where it is permitted, as in [127.0.0.0/8]\n" +
		"a: method: want one of POST, PUT, PATCH, DELETE, GET\n" +
		"b: want url, file or stdout"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
