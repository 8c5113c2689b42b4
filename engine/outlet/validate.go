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
		c.add("url", "want exactly one of url, file and stdout")
	case s.URL != "":
		c.web(s)
	default:
		c.lines(s)
	}
	c.between("timeout", s.Timeout, 10*time.Millisecond, 2*time.Minute)
	c.between("retry.first", s.Retry.First, time.Millisecond, 24*time.Hour)
	c.between("retry.max", s.Retry.Max, time.Millisecond, 24*time.Hour)
	if s.Retry.Max > 0 && s.Retry.First > s.Retry.Max {
		c.add("retry.max", "want at least retry.first")
	}
	c.between("breaker.rest", s.Breaker.Rest, time.Millisecond, time.Hour)
	c.count("retry.attempts", int64(s.Retry.Attempts), 1000)
	c.count("breaker.failures", int64(s.Breaker.Failures), 1000)
	c.count("concurrency", int64(s.Concurrency), 1024)
	return c.problems
}

type checks struct {
	problems []Problem
}

func (c *checks) add(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, fmt.Sprintf(format, args...)})
}

// between checks a duration that was given.
func (c *checks) between(path string, d, least, most time.Duration) {
	if d != 0 && (d < least || d > most) {
		c.add(path, "want %v to %v, got %v", least, most, d)
	}
}

// count checks a number that was given.
func (c *checks) count(path string, n, most int64) {
	if n < 0 || n > most {
		c.add(path, "want 1 to %d, got %d", most, n)
	}
}

func (c *checks) lines(s Spec) {
	if s.File != "" && (!filepath.IsAbs(s.File) || strings.ContainsRune(s.File, 0)) {
		c.add("file", "want an absolute path")
	}
	if len(s.Key) > 64 {
		c.add("key", "want the name of a member, at most 64 bytes")
	}
	for path, given := range map[string]bool{"method": s.Method != "", "path": s.Path != "", "query": len(s.Query) > 0,
		"headers": len(s.Headers) > 0, "encoding": s.Encoding != "", "ok": s.OK != nil, "proxy": s.Proxy != "",
		"allow_private": len(s.AllowPrivate) > 0, "ca": s.CA != ""} {
		if given {
			c.add(path, "only a url has it")
		}
	}
	slices.SortFunc(c.problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	if s.Rotate != (Rotate{}) && s.Stdout {
		c.add("rotate", "only a file has it")
	}
	if s.Rotate.Size != 0 && s.Rotate.Size < 1<<10 {
		c.add("rotate.size", "want at least 1024 bytes, got %d", s.Rotate.Size)
	}
	c.count("rotate.keep", int64(s.Rotate.Keep), 1000)
}

// methods are the ones a step can be sent by; CONNECT and TRACE are not for that.
var methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodGet}

func (c *checks) web(s Spec) {
	g := c.guard(s)
	c.address(s, g)
	if !slices.Contains(methods, strings.ToUpper(s.Method)) && s.Method != "" {
		c.add("method", "want one of %s", strings.Join(methods, ", "))
	}
	if s.Path != "" {
		if _, err := join(&url.URL{}, s.Path); err != nil {
			c.add("path", "want a percent-encoded path without dot segments, query or fragment")
		}
	}
	if s.Encoding != "" && s.Encoding != "json" && s.Encoding != "form" {
		c.add("encoding", "want json or form")
	}
	c.headers(s)
	c.proxy(s, g)
	if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA)) {
		c.add("ca", "want certificates in PEM")
	}
	if s.Rotate != (Rotate{}) {
		c.add("rotate", "only a file has it")
	}
}

// guard reads the allowed ranges.
func (c *checks) guard(s Spec) *guard {
	g := &guard{open: true}
	for i, text := range s.AllowPrivate {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			c.add(fmt.Sprintf("allow_private[%d]", i), "want a range like 10.0.0.0/8 or fd00::/8")
			continue
		}
		g.allow = append(g.allow, p.Masked())
	}
	return g
}

func (c *checks) address(s Spec, g *guard) {
	u, err := url.Parse(s.URL) // its error quotes the URL
	if err != nil || u.Opaque != "" || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		c.add("url", "want https://host/path")
		return
	}
	if u.Fragment != "" {
		c.add("url", "want no fragment")
	}
	g.open = u.Scheme == "https"
	if !g.open && len(s.AllowPrivate) == 0 {
		c.add("url", "want https: what goes by http can be read on its way; allow_private names the ranges where it may")
	}
	for name := range u.Query() {
		if _, twice := s.Query[name]; twice {
			c.add("query", "one of its names is in the url too")
		}
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && s.Proxy == "" {
		if err := g.check(a); err != nil && (g.open || len(s.AllowPrivate) > 0) {
			c.add("url", "%v; allow_private can name it", err)
		}
	}
}

func (c *checks) headers(s Spec) {
	key := s.Key
	otherwise(&key, defaultKey)
	if !nameFits(key) || kept(key) {
		c.add("key", "want the name of a header that is not HTTP's own")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		path := "headers." + name
		switch {
		case !nameFits(name):
			c.add("headers", "one of them has no header's name")
		case kept(name):
			c.add(path, "it is set by the program")
		case name != http.CanonicalHeaderKey(name) && s.Headers[http.CanonicalHeaderKey(name)] != "":
			c.add(path, "it is there twice")
		case strings.EqualFold(name, key):
			c.add(path, "it is the idempotency key's")
		case !valueFits(s.Headers[name]):
			c.add(path, "want a value without control characters")
		}
	}
}

func (c *checks) proxy(s Spec, g *guard) {
	if s.Proxy == "" {
		return
	}
	u, err := url.Parse(s.Proxy)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		c.add("proxy", "want http://host:port or https://host:port")
		return
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := g.check(a); err != nil {
			c.add("proxy", "%v; allow_private can name it", err)
		}
	}
}
