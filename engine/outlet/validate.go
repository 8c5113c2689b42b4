package outlet

import (
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
)

// Problem is one thing wrong with a Spec. Path is where, in the words of a policy file: retry.first, allow_private[0],
// headers.X-Team; the destination's name before it when Open says it. Message is what was wanted. Neither quotes a value.
type Problem struct {
	Path, Message string
}

func (p Problem) String() string { return p.Path + ": " + p.Message }

// Problems is everything wrong with some destinations, as an error.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Validate lists every problem of the Spec; nil when there is none.
func (s Spec) Validate() []Problem {
	var c checks
	kinds := 0
	for _, there := range []bool{s.URL != "", s.File != "", s.Stdout} {
		if there {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		c.addProblem("url", "want exactly one of url, file and stdout")
	case s.URL != "":
		c.checkHTTP(s)
	default:
		c.checkLines(s)
	}
	c.checkDuration("timeout", s.Timeout, 10*time.Millisecond, 2*time.Minute)
	c.checkDuration("retry.first", s.Retry.First, time.Millisecond, 24*time.Hour)
	c.checkDuration("retry.max", s.Retry.Max, time.Millisecond, 24*time.Hour)
	if s.Retry.Max > 0 && s.Retry.First > s.Retry.Max {
		c.addProblem("retry.max", "want at least retry.first")
	}
	c.checkDuration("breaker.rest", s.Breaker.Rest, time.Millisecond, time.Hour)
	c.checkCount("retry.attempts", int64(s.Retry.Attempts), 1000)
	c.checkCount("breaker.failures", int64(s.Breaker.Failures), 1000)
	c.checkCount("concurrency", int64(s.Concurrency), 1024)
	return c.problems
}

type checks struct {
	problems []Problem
}

func (c *checks) addProblem(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, fmt.Sprintf(format, args...)})
}

// checkDuration checks a duration that was given.
func (c *checks) checkDuration(path string, d, least, most time.Duration) {
	if d != 0 && (d < least || d > most) {
		c.addProblem(path, "want %v to %v, got %v", least, most, d)
	}
}

// checkCount checks a number that was given.
func (c *checks) checkCount(path string, n, most int64) {
	if n < 0 || n > most {
		c.addProblem(path, "want 1 to %d, got %d", most, n)
	}
}

func (c *checks) checkLines(s Spec) {
	if s.File != "" && (!filepath.IsAbs(s.File) || strings.ContainsRune(s.File, 0)) {
		c.addProblem("file", "want an absolute path")
	}
	if len(s.Key) > 64 {
		c.addProblem("key", "want the name of a member, at most 64 bytes")
	}
	for path, given := range map[string]bool{"method": s.Method != "", "path": s.Path != "", "query": len(s.Query) > 0,
		"headers": len(s.Headers) > 0, "encoding": s.Encoding != "", "ok": s.OK != nil, "proxy": s.Proxy != "",
		"allow_private": len(s.AllowPrivate) > 0, "ca": s.CA != ""} {
		if given {
			c.addProblem(path, "only a url has it")
		}
	}
	slices.SortFunc(c.problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	if s.Rotate != (Rotate{}) && s.Stdout {
		c.addProblem("rotate", "only a file has it")
	}
	if s.Rotate.Size != 0 && s.Rotate.Size < 1<<10 {
		c.addProblem("rotate.size", "want at least 1024 bytes, got %d", s.Rotate.Size)
	}
	c.checkCount("rotate.keep", int64(s.Rotate.Keep), 1000)
}

// methods are the ones a step can be sent by; CONNECT and TRACE are not for that.
var methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodGet}

func (c *checks) checkHTTP(s Spec) {
	g := c.parseRanges(s)
	c.checkURL(s, g)
	if !slices.Contains(methods, strings.ToUpper(s.Method)) && s.Method != "" {
		c.addProblem("method", "want one of %s", strings.Join(methods, ", "))
	}
	if s.Path != "" {
		if _, err := joinPath(&url.URL{}, s.Path); err != nil {
			c.addProblem("path", "want a percent-encoded path without dot segments, query or fragment")
		}
	}
	if s.Encoding != "" && s.Encoding != "json" && s.Encoding != "form" {
		c.addProblem("encoding", "want json or form")
	}
	c.checkHeaders(s)
	c.checkProxy(s, g)
	if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
		c.addProblem("ca", "want certificates in PEM")
	}
	if s.Rotate != (Rotate{}) {
		c.addProblem("rotate", "only a file has it")
	}
}

// parseRanges reads the allowed ranges.
func (c *checks) parseRanges(s Spec) *addressGuard {
	g := &addressGuard{public: true}
	for i, text := range s.AllowPrivate {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			c.addProblem(fmt.Sprintf("allow_private[%d]", i), "want a range like 10.0.0.0/8 or fd00::/8")
			continue
		}
		g.allow = append(g.allow, p.Masked())
	}
	return g
}

func (c *checks) checkURL(s Spec, g *addressGuard) {
	u, err := url.Parse(s.URL) // its error quotes the URL
	if err != nil || u.Opaque != "" || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		c.addProblem("url", "want https://host/path")
		return
	}
	if u.Fragment != "" {
		c.addProblem("url", "want no fragment")
	}
	g.public = u.Scheme == "https"
	if !g.public && len(s.AllowPrivate) == 0 {
		c.addProblem("url", "want https: what goes by http can be read on its way; allow_private names the ranges where it may")
	}
	for name := range u.Query() {
		if _, twice := s.Query[name]; twice {
			c.addProblem("query", "one of its names is in the url too")
		}
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && s.Proxy == "" {
		if err := g.check(a); err != nil && (g.public || len(s.AllowPrivate) > 0) {
			c.addProblem("url", "%v; allow_private can name it", err)
		}
	}
}

func (c *checks) checkHeaders(s Spec) {
	key := s.Key
	setDefault(&key, defaultKey)
	if !isHeaderName(key) || isReservedHeader(key) {
		c.addProblem("key", "want the name of a header that is not HTTP's own")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		path := "headers." + name
		switch {
		case !isHeaderName(name):
			c.addProblem("headers", "one of them has no header's name")
		case isReservedHeader(name):
			c.addProblem(path, "it is set by the program")
		case name != http.CanonicalHeaderKey(name) && s.Headers[http.CanonicalHeaderKey(name)] != "":
			c.addProblem(path, "it is there twice")
		case strings.EqualFold(name, key):
			c.addProblem(path, "it is the idempotency key's")
		case !isHeaderValue(s.Headers[name]):
			c.addProblem(path, "want a value without control characters")
		}
	}
}

func (c *checks) checkProxy(s Spec, g *addressGuard) {
	if s.Proxy == "" {
		return
	}
	u, err := url.Parse(s.Proxy)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		c.addProblem("proxy", "want http://host:port or https://host:port")
		return
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := g.check(a); err != nil {
			c.addProblem("proxy", "%v; allow_private can name it", err)
		}
	}
}
