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

// ACME says for which names certificates are got, and from whom. Using it is agreeing to the terms of that authority.
type ACME struct {
	Domains   []string
	Email     string // where the authority writes to; may be empty
	Directory string // the authority's address; empty: Let's Encrypt
	Root      string // file of the authorities that its own certificate is checked by; empty: the system's
	Storage   string // folder for accounts, keys and certificates
	Listen    string // where TLS is spoken; the authority calls it by port 443 of each domain
	HTTP      string // where port 80 of each domain leads; empty: the authority never calls there
	OnlyHTTP  bool   // the authority cannot call Listen
}

// challengeProtocol is how an authority asks over TLS whether a domain is ours (RFC 8737).
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
		Logger:           zap.NewNop(), // what matters comes as an event
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

// manage begins to get and renew; it does not wait. What comes of it is heard.
func (m *acmeClient) manage(ctx context.Context) {
	if err := m.config.ManageAsync(ctx, m.o.Domains); err != nil && ctx.Err() == nil {
		m.log.Error("certificates cannot be got", "domains", strings.Join(m.o.Domains, ", "), "error", err)
	}
}

// logEvent logs what has come of getting a certificate. The library goes on trying, ever more slowly.
func (m *acmeClient) logEvent(_ context.Context, event string, data map[string]any) error {
	switch event {
	case "cert_obtained":
		m.log.Info("got a certificate", "domain", data["identifier"], "renewal", data["renewal"])
	case "cert_failed":
		m.log.Error("a certificate cannot be got; it is tried again", "domain", data["identifier"], "renewal", data["renewal"], "error", data["error"])
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

// challengeConfig is what an authority is shown.
func (m *acmeClient) challengeConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{challengeProtocol}, GetCertificate: m.config.GetCertificate}
}

// expiries lists what there is, the newest for each domain.
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
