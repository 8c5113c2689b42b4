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

// expiryWarning is the remaining lifetime below which a certificate gets a warning.
const expiryWarning = 21 * 24 * time.Hour

func (e *examination) newClient() *http.Client {
	return &http.Client{
		Timeout: OktaTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableCompression: true, ForceAttemptHTTP2: false,
			TLSClientConfig: &tls.Config{RootCAs: e.o.Roots, Time: e.o.Now},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Okta does not follow redirects
	}
}

// checkAddress looks up the host name. Okta calls from the internet, so private addresses get a
// warning.
func (e *examination) checkAddress(ctx context.Context) {
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.url.Hostname())
	if err != nil {
		e.add(Wrong, "address", fmt.Sprintf("%s is not found: %v", e.url.Hostname(), err), "Okta uses the public DNS")
		return
	}
	var private, public []string
	for _, a := range all {
		a = a.Unmap()
		if isPrivate(a) {
			private = append(private, a.String())
		} else {
			public = append(public, a.String())
		}
	}
	if len(private) > 0 {
		e.report.local = true
		e.add(Warning, "address", e.describeAddresses(private), "Okta cannot reach a private or local address, unless its DNS has another one for this name")
		return
	}
	e.add(OK, "address", e.describeAddresses(public), "")
}

// describeAddresses names the URL's host and its addresses, or the host alone if it is an address.
func (e *examination) describeAddresses(all []string) string {
	if len(all) == 1 && all[0] == e.url.Hostname() {
		return all[0]
	}
	return e.url.Hostname() + " is " + strings.Join(all, " and ")
}

func isPrivate(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified()
}

// leaksCredential reports whether the credential would be sent in clear to another machine. Only
// localhost and loopback addresses count as this machine: a name could resolve differently the next
// time.
func (e *examination) leaksCredential() bool {
	host := e.url.Hostname()
	a, err := netip.ParseAddr(host)
	local := host == "localhost" || err == nil && a.Unmap().IsLoopback()
	return e.url.Scheme != "https" && len(e.o.Headers) > 0 && !local
}

// connect opens a connection and checks the certificate. It returns false if no calls can follow.
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
		e.add(Wrong, "connection", unwrapURLError(err).Error(), "no server answers at this address from here")
		return false
	}
	c.Close()
	return !e.speaksTLS(ctx)
}

// speaksTLS reports whether the port of an http:// URL speaks TLS.
func (e *examination) speaksTLS(ctx context.Context) bool {
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: OktaTimeout / 3},                               // including the handshake
		Config:    &tls.Config{InsecureSkipVerify: true, ServerName: e.url.Hostname()}, // nothing is sent
	}
	c, err := dialer.DialContext(ctx, "tcp", e.hostPort("80"))
	var alert tls.AlertError
	if err != nil && !errors.As(err, &alert) {
		return false
	}
	if err == nil {
		c.Close()
	}
	e.add(Wrong, "connection", "this port speaks TLS", "use https://")
	return true
}

// reportTLSError adds a finding about a failed TLS connection.
func (e *examination) reportTLSError(err error) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	advice := "no server speaks TLS at this address from here, or it does not allow this address (--allow-from)"
	switch {
	case errors.As(err, &unknown):
		advice = "Okta trusts only public authorities, and the server must send its intermediate certificates"
	case errors.As(err, &name):
		advice = "get a certificate for " + e.url.Hostname()
	case errors.As(err, &invalid):
		advice = "renew it; tenterhook reloads certificate files when they change"
	case errors.As(err, &record):
		advice = "the server there speaks plain HTTP: serve with a certificate, or put a TLS proxy in front"
	}
	e.add(Wrong, "certificate", unwrapURLError(err).Error(), advice)
}

func (e *examination) checkCertificate(s tls.ConnectionState) {
	leaf := s.PeerCertificates[0]
	left := leaf.NotAfter.Sub(e.o.Now())
	text := fmt.Sprintf("valid until %s (%d days), issued by %s, %s", leaf.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24),
		issuerName(leaf), tls.VersionName(s.Version))
	if left < expiryWarning {
		e.add(Warning, "certificate", text, "it expires soon: renew it")
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

// unwrapURLError removes the URL that http.Client puts before the cause.
func unwrapURLError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
