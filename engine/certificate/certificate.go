// Package certificate is for the TLS configuration of a listener: its own certificates, from files
// that change during use or by ACME, and the authorities of client certificates.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/file"
)

// Errors of the options and files, beside those of reading the files.
var (
	ErrNone        = errors.New("want certificate and key files, or domains for ACME")                            // no certificate is configured
	ErrNoAuthority = errors.New("want certificates of authorities, in PEM")                                       // of a file of authorities
	ErrNoName      = errors.New("want a certificate that names the hosts it is for (subjectAltName)")             // of a certificate without them
	ErrExpired     = errors.New("the certificate has expired")                                                    // of a reloaded certificate
	ErrDomain      = errors.New("want a domain such as hooks.example.com, without a wildcard, port or user name") // of ACME.Domains
)

// pollInterval is the interval of reading the files.
const pollInterval = time.Second

// Options configures a Keeper.
type Options struct {
	Pairs    []Pair                // certificates from files; the first that matches the requested name is used, or else the first
	ACME     ACME                  // the source of other certificates
	ClientCA string                // file of the authorities of required client certificates; empty: clients need no certificate
	Log      *slog.Logger          // nil: slog.Default()
	Registry prometheus.Registerer // where the metric is registered; nil: nowhere
}

// Pair names the files of a certificate (with its chain) and its key, in PEM.
type Pair struct{ Certificate, Key string }

// Keeper keeps certificates new.
type Keeper struct {
	o      Options
	pairs  []*file.Source[*tls.Certificate]
	client *file.Source[*x509.CertPool] // nil: no client certificates
	acme   *acmeClient                  // nil: no ACME
	live   atomic.Pointer[configs]
	warned map[string]time.Time // time of the last warning by name; only Run's goroutine uses it
}

// configs are the configurations for new connections: with and without a client certificate.
type configs struct{ withClient, plain *tls.Config }

// Open reads the files; the error joins all their problems. The caller closes the Keeper.
func Open(o Options) (*Keeper, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if len(o.Pairs) == 0 && len(o.ACME.Domains) == 0 {
		return nil, ErrNone
	}
	k := &Keeper{o: o, warned: make(map[string]time.Time)}
	if err := k.open(); err != nil {
		k.Close()
		return nil, err
	}
	k.rebuildConfigs()
	if o.Registry == nil {
		return k, nil
	}
	if err := o.Registry.Register(collector{k}); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

func (k *Keeper) open() error {
	var wrong []error
	serving := false // set after Open: a reload then prefers the present certificate to an expired one
	defer func() { serving = true }()
	for _, p := range k.o.Pairs {
		s, err := file.Open(func(c [][]byte) (*tls.Certificate, error) { return loadPair(c, p, serving) }, p.Certificate, p.Key)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		k.pairs = append(k.pairs, s)
	}
	if path := k.o.ClientCA; path != "" {
		var err error
		if k.client, err = file.Open(func(c [][]byte) (*x509.CertPool, error) { return parseAuthorities(c[0], path) }, path); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(k.o.ACME.Domains) > 0 {
		var err error
		if k.acme, err = openACME(k.o.ACME, k.o.Log); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// Close ends the renewal of certificates.
func (k *Keeper) Close() {
	if k.acme != nil {
		k.acme.cache.Stop()
	}
}

// loadPair reads a certificate and its key.
func loadPair(contents [][]byte, p Pair, serving bool) (*tls.Certificate, error) {
	c, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", p.Certificate, p.Key, err)
	}
	if len(hostNames(c.Leaf)) == 0 {
		return nil, fmt.Errorf("%s: %w", p.Certificate, ErrNoName)
	}
	if serving && time.Now().After(c.Leaf.NotAfter) {
		return nil, fmt.Errorf("%s: %w", p.Certificate, ErrExpired)
	}
	return &c, nil
}

func parseAuthorities(content []byte, path string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoAuthority)
	}
	return pool, nil
}

// Config is for a listener whose clients need a certificate, if Options.ClientCA is set. It follows
// the files.
func (k *Keeper) Config() *tls.Config {
	return k.configFor(func(c *configs) *tls.Config { return c.withClient })
}

// Plain is for a listener whose clients need no certificate. It follows the files.
func (k *Keeper) Plain() *tls.Config {
	return k.configFor(func(c *configs) *tls.Config { return c.plain })
}

func (k *Keeper) configFor(which func(*configs) *tls.Config) *tls.Config {
	outer := k.base()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if k.acme != nil && isChallenge(hello) {
			return k.acme.challengeConfig(), nil
		}
		return which(k.live.Load()), nil
	}
	return outer
}

// base is the configuration of every connection. Go's servers never renegotiate, and change the
// keys of session tickets every day.
func (k *Keeper) base() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{ // of TLS 1.2: forward secrecy and authenticated encryption
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos:                  []string{"http/1.1"},
		DynamicRecordSizingDisabled: true, // answers are small: one record each
	}
}

// rebuildConfigs builds the configurations from the present certificates.
func (k *Keeper) rebuildConfigs() {
	plain := k.base()
	for _, s := range k.pairs {
		plain.Certificates = append(plain.Certificates, *s.Value())
	}
	if k.acme != nil {
		plain.GetCertificate = k.certificate
	}
	asking := plain
	if k.client != nil {
		asking = plain.Clone()
		asking.ClientAuth, asking.ClientCAs = tls.RequireAndVerifyClientCert, k.client.Value()
		asking.SessionTicketsDisabled = true // a ticket would outlive a removed authority
	}
	k.live.Store(&configs{asking, plain})
}

// certificate returns the certificate that ACME has obtained for a name; nil if a file's
// certificate is to be used.
func (k *Keeper) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(k.pairs) > 0 && !k.acme.manages(hello.ServerName) {
		return nil, nil
	}
	return k.acme.config.GetCertificate(hello)
}

// Run keeps the certificates current until the context ends: it follows the files, obtains
// certificates by ACME, and warns before they expire. The caller calls it once, when the listener
// is open.
func (k *Keeper) Run(ctx context.Context) {
	if k.acme != nil {
		k.acme.manage(ctx)
	}
	k.warn(time.Now())
	file.Poll(ctx, pollInterval, func() {
		if k.reload() {
			k.rebuildConfigs()
		}
		k.warn(time.Now())
	})
}

// reload reads the files again. It is true when some have changed.
func (k *Keeper) reload() bool {
	some := false
	for _, s := range k.pairs {
		some = reloadSource(s, k.o.Log) || some
	}
	if k.client != nil {
		some = reloadSource(k.client, k.o.Log) || some
	}
	return some
}

func reloadSource[T any](s *file.Source[T], log *slog.Logger) bool {
	changed, err := s.Reload()
	if err != nil {
		log.Error("a changed certificate cannot be used; the previous one stays in use", "file", s.Paths()[0], "error", err)
	}
	if changed {
		log.Info("a certificate has changed", "file", s.Paths()[0])
	}
	return changed
}
