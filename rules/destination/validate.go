package destination

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Validate lists every problem of the Spec, or nil. Paths are YAML keys: retry.first,
// headers.X-Team; empty for the destination itself. No problem quotes a secret value.
func (s *Spec) Validate() []hook.Problem {
	c := checks{spec: s}
	switch s.Kind {
	case HTTP:
		c.checkHTTP()
	case File, Stdout:
		c.checkLines()
	default:
		c.addProblem("", "want url, file or stdout")
		return c.problems
	}
	c.checkFields()
	checkRange(&c, "timeout", s.Timeout, Timeout)
	checkRange(&c, "retry.attempts", s.Retry.Attempts, Attempts)
	checkRange(&c, "retry.first", s.Retry.First, RetryWait)
	checkRange(&c, "retry.max", s.Retry.Max, RetryWait)
	if s.Retry.Max > 0 && s.Retry.First > s.Retry.Max {
		c.addProblem("retry", "want first to be at most max, got %s and %s", s.Retry.First, s.Retry.Max)
	}
	checkRange(&c, "breaker.failures", s.Breaker.Failures, Failures)
	checkRange(&c, "breaker.rest", s.Breaker.Rest, BreakerRest)
	if n := s.Rotate.Size; n != 0 && (n < RotateSize.Min || n > RotateSize.Max) {
		c.addProblem("rotate.size", "want at least 1KiB, got %d bytes", n)
	}
	checkRange(&c, "rotate.keep", s.Rotate.Keep, RotateKeep)
	checkRange(&c, "concurrency", s.Concurrency, Concurrency)
	return c.problems
}

type checks struct {
	spec     *Spec
	problems []hook.Problem
}

func (c *checks) addProblem(path, format string, args ...any) {
	c.problems = append(c.problems, hook.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func checkRange[T int | int64 | time.Duration](c *checks, path string, v T, r Range[T]) {
	if v != 0 && (v < r.Min || v > r.Max) {
		c.addProblem(path, "want %v to %v, got %v", r.Min, r.Max, v)
	}
}

// checkFields rejects fields of another kind.
func (c *checks) checkFields() {
	s := c.spec
	set := map[string]bool{
		"method": s.Method != "", "path": s.Path != "", "query": len(s.Query) > 0, "headers": len(s.Headers) > 0,
		"encoding": s.Encoding != "", "ok": s.OK != nil, "proxy": s.Proxy != "", "allow_private": len(s.AllowPrivate) > 0,
		"ca": s.CA != "", "rotate": s.Rotate != Rotate{},
	}
	for _, field := range slices.Sorted(maps.Keys(set)) {
		if problem := s.Kind.CheckField(field); set[field] && problem != "" {
			c.addProblem(field, "%s", problem)
		}
	}
}

func (c *checks) checkLines() {
	s := c.spec
	if s.Kind == File && (!filepath.IsAbs(s.File) || strings.ContainsRune(s.File, 0)) {
		c.addProblem("file", "want the absolute path of a file")
	}
	if len(s.Key) > 64 {
		c.addProblem("key", "want the name of a member, at most 64 bytes")
	}
}

func (c *checks) checkHTTP() {
	s := c.spec
	c.checkRanges()
	c.checkURL()
	if s.Method != "" && !slices.Contains(Methods, strings.ToUpper(s.Method)) {
		c.addProblem("method", "want one of %s", strings.Join(Methods, ", "))
	}
	if s.Encoding != "" && !slices.Contains(Encodings, s.Encoding) {
		c.addProblem("encoding", "want one of %s", strings.Join(Encodings, ", "))
	}
	if _, err := JoinPath(&url.URL{}, s.Path); !c.checkAction("path", `"path":`, s.Path, "") && err != nil && s.Path != "" {
		c.addProblem("path", "want a percent-encoded path without dot segments, query or fragment")
	}
	c.checkHeaders()
	c.checkProxy()
	if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
		c.addProblem("ca", "want certificates in PEM, as in ${file./etc/ca.pem}")
	}
}

func (c *checks) checkRanges() {
	for i, p := range c.spec.AllowPrivate {
		if !IsRange(p) {
			c.addProblem(fmt.Sprintf("allow_private[%d]", i), "want an address range, as in 10.0.0.0/8 or fd00::/8")
		}
	}
}

// IsRange reports whether a prefix can be in AllowPrivate.
func IsRange(p netip.Prefix) bool { return p.IsValid() && !p.Addr().Is4In6() && p.Addr().Zone() == "" }

func (c *checks) checkURL() {
	s := c.spec
	u, err := url.Parse(s.URL) // the error quotes the URL, which may be a secret
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "" || !isWeb(u):
		c.addProblem("url", "want a URL such as https://host/path")
		return
	case u.Fragment != "":
		c.addProblem("url", "want a URL without a fragment (#)")
	case u.Scheme == "http" && len(s.AllowPrivate) == 0:
		c.addProblem("url", "want https: http is not encrypted; allow_private lists the ranges where it is permitted, as in [127.0.0.0/8]")
	case s.Proxy == "":
		c.checkAddress("url", u)
	}
	for _, name := range slices.Sorted(maps.Keys(u.Query())) {
		if _, twice := s.Query[name]; twice {
			c.addProblem("query", "the url has the parameter %s already", name)
		}
	}
}

func (c *checks) checkProxy() {
	s := c.spec
	if s.Proxy == "" {
		return
	}
	u, err := url.Parse(s.Proxy)
	if err != nil || u.Hostname() == "" || !isWeb(u) {
		c.addProblem("proxy", "want a proxy as http://host:port or https://host:port")
		return
	}
	c.checkAddress("proxy", u)
}

func isWeb(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// checkAddress checks a URL with an address instead of a name. Names are checked when they resolve.
func (c *checks) checkAddress(path string, u *url.URL) {
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return
	}
	if err := c.spec.Addresses().Check(a); err != nil {
		c.addProblem(path, "%v; allow_private can permit it", err)
	}
}

func (c *checks) checkHeaders() {
	s := c.spec
	key := cmp.Or(s.Key, defaultKey)
	if !c.checkAction("key", `"headers":{`, s.Key, `:"x"}`) && (!IsHeaderName(key) || IsReservedHeader(key)) {
		c.addProblem("key", "want the name of a header that the program does not set")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		path := "headers." + name
		canonical := http.CanonicalHeaderKey(name)
		_, twice := s.Headers[canonical]
		switch {
		case c.checkAction(path, `"headers":{`, name, `:"x"}`):
		case !IsHeaderName(name):
			c.addProblem(path, "want the name of a header")
		case IsReservedHeader(name):
			c.addProblem(path, "want a header that the program does not set")
		case strings.EqualFold(name, key):
			c.addProblem(path, "the header %s carries the idempotency key: set another one with key", name)
		case twice && name != canonical:
			c.addProblem(path, "the header is given twice")
		case !IsHeaderValue(s.Headers[name]):
			c.addProblem(path, "want a header's value without control characters, of at most 16 KiB")
		}
	}
}

// checkAction checks one text as the contract checks it in an action, and reports whether it has
// added a problem.
func (c *checks) checkAction(path, before, text, after string) bool {
	if text == "" {
		return false
	}
	draft := jsondoc.AppendString([]byte(`{"actions":[{"to":"x",`+before), text)
	draft = append(append(draft, after...), "}]}"...)
	problems := hook.CheckDraft(hook.EventHook, &hook.Draft{JSON: draft})
	if len(problems) == 0 {
		return false
	}
	c.addProblem(path, "%s", problems[0].Message)
	return true
}
