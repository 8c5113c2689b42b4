package certificate

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/tenterhook/tenterhook/engine/file"
)

// ACME configures the names for which certificates are obtained, and the authority. Using it is
// agreeing to the terms of that authority.
type ACME struct {
	Domains   []string
	Email     string // contact address for the authority; may be empty
	Directory string // the authority's address; empty: Let's Encrypt
	Root      string // file of root certificates for the directory's own TLS; empty: the system's
	Storage   string // folder for accounts, keys and certificates
	Listen    string // TLS listener; the authority reaches it by port 443 of each domain
	HTTP      string // listener behind port 80 of each domain; empty: no HTTP challenge
	OnlyHTTP  bool   // the authority cannot call Listen
}

// challengeProtocol is the ALPN protocol of an authority that validates a domain (RFC 8737).
const challengeProtocol = "acme-tls/1"

// acmeClient gets and renews certificates.
type acmeClient struct {
	o      ACME
	cache  *certmagic.Cache
	config *certmagic.Config
	log    *slog.Logger
}

func openACME(o ACME, log *slog.Logger) (*acmeClient, error) {
	for _, d := range o.Domains {
		if d == "" || strings.ContainsAny(d, "*/:@ ") {
			return nil, fmt.Errorf("%w, got %q", ErrDomain, d)
		}
	}
	m := &acmeClient{o: o, log: log}
	issuer, err := newIssuer(o)
	if err != nil {
		return nil, err
	}
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return m.config, nil },
		Logger:           zap.NewNop(), // relevant results arrive as events
	})
	m.config = certmagic.New(m.cache, certmagic.Config{
		Storage:            &certmagic.FileStorage{Path: o.Storage},
		OCSP:               certmagic.OCSPConfig{DisableStapling: true},
		DefaultServerName:  o.Domains[0],
		FallbackServerName: o.Domains[0],
		Logger:             zap.NewNop(),
		OnEvent:            m.logEvent,
	})
	m.config.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(m.config, issuer)}
	return m, nil
}

func newIssuer(o ACME) (certmagic.ACMEIssuer, error) {
	host, port, err := splitPort(o.Listen)
	if err != nil {
		return certmagic.ACMEIssuer{}, err
	}
	i := certmagic.ACMEIssuer{
		CA: cmp.Or(o.Directory, certmagic.LetsEncryptProductionCA), Email: o.Email, Agreed: true,
		ListenHost: host, AltTLSALPNPort: port,
		DisableHTTPChallenge: o.HTTP == "", DisableTLSALPNChallenge: o.OnlyHTTP,
		Logger: zap.NewNop(),
	}
	if o.HTTP != "" {
		if i.ListenHost, i.AltHTTPPort, err = splitPort(o.HTTP); err != nil {
			return i, err
		}
	}
	if o.Root == "" {
		return i, nil
	}
	content, err := file.Read(o.Root)
	if err != nil {
		return i, err
	}
	i.TrustedRoots = x509.NewCertPool()
	if !i.TrustedRoots.AppendCertsFromPEM(content) {
		return i, fmt.Errorf("%s: %w", o.Root, ErrNoAuthority)
	}
	return i, nil
}

func splitPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}

// manage starts obtaining and renewing certificates and does not wait. logEvent gets the results.
func (m *acmeClient) manage(ctx context.Context) {
	if err := m.config.ManageAsync(ctx, m.o.Domains); err != nil && ctx.Err() == nil {
		m.log.Error("certificates cannot be obtained", "domains", strings.Join(m.o.Domains, ", "), "error", err)
	}
}

// logEvent logs the result of obtaining a certificate. The library retries with growing intervals.
func (m *acmeClient) logEvent(_ context.Context, event string, data map[string]any) error {
	switch event {
	case "cert_obtained":
		m.log.Info("obtained a certificate", "domain", data["identifier"], "renewal", data["renewal"])
	case "cert_failed":
		m.log.Error("a certificate cannot be obtained; it will be retried", "domain", data["identifier"], "renewal", data["renewal"], "error", data["error"])
	}
	return nil
}

// manages reports whether a name is one of the domains.
func (m *acmeClient) manages(name string) bool {
	return slices.ContainsFunc(m.o.Domains, func(d string) bool { return strings.EqualFold(d, strings.TrimSuffix(name, ".")) })
}

// isChallenge reports whether it is an authority that asks.
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == challengeProtocol
}

// challengeConfig is the configuration for an authority's validation.
func (m *acmeClient) challengeConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{challengeProtocol}, GetCertificate: m.config.GetCertificate}
}

// expiries returns the newest certificate's validity for each domain.
func (m *acmeClient) expiries() (all []expiry) {
	for _, d := range m.o.Domains {
		e := expiry{name: strings.ToLower(d), acme: true}
		for _, c := range m.cache.AllMatchingCertificates(e.name) {
			if c.Leaf != nil && c.Leaf.NotAfter.After(e.notAfter) {
				e.notBefore, e.notAfter = c.Leaf.NotBefore, c.Leaf.NotAfter
			}
		}
		if e.notAfter != (time.Time{}) {
			all = append(all, e)
		}
	}
	return all
}
