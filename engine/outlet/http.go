package outlet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/destination"
)

const (
	connectTimeout = 5 * time.Second // for a connection, and again for its handshake; at most the destination's timeout
	maxHeaders     = 64 << 10        // bytes of an answer's headers
	maxAnswer      = 64 << 10        // bytes read of an answer's body
	drainTimeout   = time.Second / 4 // to read a body that is not needed, so that the connection can be reused
)

// httpSender delivers steps by HTTP. It uses http.Transport instead of http.Client, which would
// follow redirects and store cookies.
type httpSender struct {
	spec      destination.Spec
	root      string  // scheme and host, without secrets
	base      url.URL // Spec.URL without its user
	header    http.Header
	now       func() time.Time
	transport *http.Transport
}

// newHTTPSender makes the sender of a valid Spec with defaults.
func newHTTPSender(s destination.Spec, o Options) *httpSender {
	u, _ := url.Parse(s.URL)
	w := &httpSender{spec: s, base: *u, header: make(http.Header), now: o.Now, transport: newTransport(s, o)}
	w.root = u.Scheme + "://" + u.Host
	w.base.User = nil
	w.header.Set("User-Agent", "tenterhook/"+cmp.Or(o.Version, "unknown"))
	w.header.Set("Accept", "*/*")
	w.header.Set("Content-Type", mediaTypes[s.Encoding])
	if u.User != nil {
		password, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		w.header.Set("Authorization", "Basic "+basic)
	}
	for name, value := range s.Headers {
		w.header.Set(name, value)
	}
	// The transport repeats a request whose reused connection turns out to be closed before the
	// first byte of an answer, if this header marks the request as idempotent. A nil value is not
	// sent.
	w.header["Idempotency-Key"] = nil
	return w
}

func newTransport(s destination.Spec, o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: min(connectTimeout, s.Timeout), Resolver: o.Resolver, ControlContext: addressGuard(s.Addresses()).control}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    min(connectTimeout, s.Timeout),
		MaxResponseHeaderBytes: maxHeaders,
		MaxIdleConnsPerHost:    s.Concurrency,
		IdleConnTimeout:        time.Minute,
		DisableCompression:     true, // so that maxAnswer bounds the body itself
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: connectTimeout},
	}
	if s.CA != "" {
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		t.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(s.CA))
	}
	if s.Proxy != "" {
		proxy, _ := url.Parse(s.Proxy)
		t.Proxy = http.ProxyURL(proxy)
		t.OnProxyConnectResponse = checkConnectResponse
	}
	return t
}

// checkConnectResponse replaces a proxy's refusal by an error without its text.
func checkConnectResponse(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &safeError{ErrConnection, fmt.Sprintf("the proxy answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))}
}

func (w *httpSender) close() error {
	w.transport.CloseIdleConnections()
	return nil
}

func (w *httpSender) attempt(ctx context.Context, s Step) Result {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	req, err := w.request(ctx, &s)
	if err != nil {
		return Result{Verdict: Never, Err: err}
	}
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		return Result{health: down, Err: w.transportError(ctx, err)}
	}
	defer resp.Body.Close()
	if w.spec.OK == nil {
		// The status decides. The body is read so that the connection can be reused.
		defer time.AfterFunc(drainTimeout, stop).Stop()
		_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer+1)
	}
	return w.readAnswer(ctx, resp)
}

// request makes the request of a step. It always goes to the destination's host.
func (w *httpSender) request(ctx context.Context, s *Step) (*http.Request, error) {
	u, err := w.stepURL(s)
	if err != nil {
		return nil, err
	}
	body, err := w.body(s)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(s.Method, w.spec.Method), w.root, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: its destination has no valid address", ErrStep)
	}
	req.URL = u
	req.Header = w.header.Clone()
	if s.Encoding != "" && s.Encoding != w.spec.Encoding {
		req.Header.Set("Content-Type", mediaTypes[s.Encoding])
	}
	for name, value := range s.Headers {
		if !destination.IsHeaderName(name) || destination.IsReservedHeader(name) || http.CanonicalHeaderKey(name) == http.CanonicalHeaderKey(w.spec.Key) {
			return nil, fmt.Errorf("%w: one of its headers has an invalid or reserved name", ErrStep)
		}
		if !destination.IsHeaderValue(value) {
			return nil, fmt.Errorf("%w: its header %s has control characters or is too long", ErrStep, http.CanonicalHeaderKey(name))
		}
		req.Header.Set(name, value)
	}
	if len(body) == 0 {
		req.Header.Del("Content-Type")
	}
	req.Header.Set(w.spec.Key, s.Key)
	return req, nil
}

// mediaTypes of the encodings.
var mediaTypes = map[string]string{"json": "application/json", "form": "application/x-www-form-urlencoded"}

// body encodes the body of a step.
func (w *httpSender) body(s *Step) ([]byte, error) {
	encoding := cmp.Or(s.Encoding, w.spec.Encoding)
	switch {
	case s.Method != "" && !slices.Contains(destination.Methods, s.Method):
		return nil, fmt.Errorf("%w: its method is none of %s", ErrStep, strings.Join(destination.Methods, ", "))
	case mediaTypes[encoding] == "":
		return nil, fmt.Errorf("%w: its encoding is neither json nor form", ErrStep)
	case encoding == "form" && len(s.Body) > 0:
		return encodeForm(s.Body)
	}
	return bytes.Clone(s.Body), nil // a RoundTripper may read it after it has returned
}

// stepURL is the URL of a step.
func (w *httpSender) stepURL(s *Step) (*url.URL, error) {
	u := w.base
	if path := cmp.Or(s.Path, w.spec.Path); path != "" {
		joined, err := destination.JoinPath(&u, path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStep, err)
		}
		u = *joined
	}
	if len(w.spec.Query) == 0 && len(s.Query) == 0 {
		return &u, nil
	}
	query := make(url.Values, len(w.spec.Query)+len(s.Query))
	for name, value := range w.spec.Query {
		query.Set(name, value)
	}
	for name, value := range s.Query {
		query.Set(name, value)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&" // the url's own query is unchanged: it may be signed
	}
	u.RawQuery += query.Encode()
	return &u, nil
}

// readAnswer turns an answer into a Result. It reads the body only for ok.
func (w *httpSender) readAnswer(ctx context.Context, resp *http.Response) Result {
	r := Result{Status: resp.StatusCode}
	r.Verdict, r.health = classifyStatus(resp.StatusCode)
	if r.Verdict == Retry {
		r.After = retryAfter(resp.Header, w.now())
	}
	if r.Verdict != Done {
		r.Err = fmt.Errorf("%w %d %s", ErrStatus, r.Status, http.StatusText(r.Status))
	}
	if w.spec.OK == nil {
		return r
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		r.Verdict, r.health = Retry, down
		r.Err = fmt.Errorf("%w: its body is incomplete", ErrGarbled)
		if ctx.Err() != nil {
			r.Err = fmt.Errorf("%w: %v", ErrTimeout, w.spec.Timeout)
		}
		return r
	}
	a := destination.Answer{Status: r.Status, Header: resp.Header, Body: body, Truncated: len(body) > maxAnswer}
	a.Body = a.Body[:min(len(a.Body), maxAnswer)]
	switch ok, err := w.spec.OK(a); {
	case err == nil && ok:
		return Result{Verdict: Done, Status: r.Status, health: up}
	case r.Verdict == Done:
		r.Verdict, r.health = Retry, unknown
		r.Err = ErrNotOK
	}
	return r
}
