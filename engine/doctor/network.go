package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// expiryWarning is when a certificate's end is worth a warning.
const expiryWarning = 21 * 24 * time.Hour

func (e *examination) newClient() *http.Client {
	return &http.Client{
		Timeout: OktaTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableCompression: true, ForceAttemptHTTP2: false,
			TLSClientConfig: &tls.Config{RootCAs: e.o.Roots, Time: e.o.Now},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Okta follows none
	}
}

// checkAddress looks up where the name leads. Okta calls from the internet.
func (e *examination) checkAddress(ctx context.Context) {
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.url.Hostname())
	if err != nil {
		e.add(Wrong, "address", fmt.Sprintf("%s is not found: %v", e.url.Hostname(), err), "Okta looks names up in the public DNS")
		return
	}
	var private, names []string
	for _, a := range all {
		a = a.Unmap()
		names = append(names, a.String())
		if isPrivate(a) {
			private = append(private, a.String())
		}
	}
	if len(private) > 0 {
		e.add(Warning, "address", fmt.Sprintf("%s is %s", e.url.Hostname(), strings.Join(private, " and ")),
			"this is a private or local address: Okta cannot reach it, unless its DNS says otherwise")
		return
	}
	e.addOK("address", "%s is %s", e.url.Hostname(), strings.Join(names, " and "))
}

func isPrivate(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified()
}

// leaksCredential is whether a credential would go to another machine in the clear. A name that only leads to this one may lead
// elsewhere when it is asked again.
func (e *examination) leaksCredential() bool {
	host := e.url.Hostname()
	a, err := netip.ParseAddr(host)
	local := host == "localhost" || err == nil && a.Unmap().IsLoopback()
	return e.url.Scheme != "https" && len(e.o.Headers) > 0 && !local
}

// connect connects, and judges the certificate. When it is false there is nobody to talk to.
func (e *examination) connect(ctx context.Context) bool {
	if e.url.Scheme != "https" {
		return e.connectPlain(ctx)
	}
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: OktaTimeout},
		Config:    &tls.Config{RootCAs: e.o.Roots, Time: e.o.Now, ServerName: e.url.Hostname()},
	}
	c, err := dialer.DialContext(ctx, "tcp", e.hostPort("443"))
	if err != nil {
		e.reportTLSError(err)
		return false
	}
	defer c.Close()
	e.checkCertificate(c.(*tls.Conn).ConnectionState())
	return true
}

func (e *examination) hostPort(port string) string {
	if p := e.url.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(e.url.Hostname(), port)
}

func (e *examination) connectPlain(ctx context.Context) bool {
	c, err := (&net.Dialer{Timeout: OktaTimeout}).DialContext(ctx, "tcp", e.hostPort("80"))
	if err != nil {
		e.add(Wrong, "connection", unwrapURLError(err).Error(), "nothing answers at this address, from here")
		return false
	}
	c.Close()
	return !e.speaksTLS(ctx)
}

// speaksTLS reports whether a port that was to speak plain HTTP speaks TLS.
func (e *examination) speaksTLS(ctx context.Context) bool {
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: OktaTimeout / 3},                               // of the handshake too
		Config:    &tls.Config{InsecureSkipVerify: true, ServerName: e.url.Hostname()}, // nothing is said to it
	}
	c, err := dialer.DialContext(ctx, "tcp", e.hostPort("80"))
	var alert tls.AlertError
	if err != nil && !errors.As(err, &alert) {
		return false
	}
	if err == nil {
		c.Close()
	}
	e.add(Wrong, "connection", "this port speaks TLS", "say https://")
	return true
}

// reportTLSError says why there is no connection, and what is to be done about it.
func (e *examination) reportTLSError(err error) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	advice := "nothing speaks TLS at this address, from here, or it does not let this address in (--allow-from)"
	switch {
	case errors.As(err, &unknown):
		advice = "Okta trusts public authorities only, and needs the intermediate certificates sent along with the server's own"
	case errors.As(err, &name):
		advice = "get a certificate for " + e.url.Hostname()
	case errors.As(err, &invalid):
		advice = "renew it; tenterhook reads certificate files again when they change"
	case errors.As(err, &record):
		advice = "what answers there speaks plain HTTP: serve with a certificate, or put what speaks TLS in front"
	}
	e.add(Wrong, "certificate", unwrapURLError(err).Error(), advice)
}

func (e *examination) checkCertificate(s tls.ConnectionState) {
	leaf := s.PeerCertificates[0]
	left := leaf.NotAfter.Sub(e.o.Now())
	text := fmt.Sprintf("valid until %s (%d days), issued by %s, %s", leaf.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24),
		issuerName(leaf), tls.VersionName(s.Version))
	if left < expiryWarning {
		e.add(Warning, "certificate", text, "it ends soon: see that it is renewed")
		return
	}
	e.add(OK, "certificate", text, "")
}

func issuerName(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}

// unwrapURLError is the cause, without the URL that http.Client puts before it.
func unwrapURLError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
