package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/certificate"
	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/engine/peer"
)

// listenerFlags say how the hooks' listener is reached: by TLS, behind a proxy, by whom.
type listenerFlags struct {
	certs, keys []string
	clientCA    string
	acme        certificate.ACME
	behindProxy bool
	proxies     []string
	proxyHeader bool
	allow       []string
}

func (f *listenerFlags) define(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.certs, "tls-cert", nil, "files with certificates and their chains, in PEM, of which each has its --tls-key; read again when they change")
	flags.StringSliceVar(&f.keys, "tls-key", nil, "files with the keys of --tls-cert, in the same order")
	flags.StringVar(&f.clientCA, "client-ca", "", "file with the authorities of which callers of hooks must show a certificate, for a gateway that has one")
	flags.StringSliceVar(&f.acme.Domains, "acme-domain", nil, "domains to get certificates for by ACME, which is agreeing to the terms of the authority")
	flags.StringVar(&f.acme.Email, "acme-email", "", "where the ACME authority may write to")
	flags.StringVar(&f.acme.Directory, "acme-directory", "", "address of the ACME authority (default: Let's Encrypt)")
	flags.StringVar(&f.acme.Root, "acme-root", "", "file with the authorities by which the ACME authority itself is checked (default: the system's)")
	flags.StringVar(&f.acme.HTTP, "acme-http", "", "address that port 80 of the domains leads to, when the ACME authority shall ask there")
	flags.BoolVar(&f.behindProxy, "behind-proxy", false, "a proxy in front speaks TLS to Okta: plain HTTP on any address")
	flags.StringSliceVar(&f.proxies, "trusted-proxies", nil, "addresses and prefixes of the proxies in front, whose X-Forwarded-For counts; implies --behind-proxy")
	flags.BoolVar(&f.proxyHeader, "proxy-protocol", false, "each connection is one of --trusted-proxies and begins with a PROXY header, of version 1 or 2")
	flags.StringSliceVar(&f.allow, "allow-from", nil, "who may call hooks: addresses, prefixes, files with one on each line, or Okta's ip_ranges.json, of which FILE:CELL takes one cell")
}

// usesTLS reports whether the program speaks TLS itself.
func (f *listenerFlags) usesTLS() bool { return len(f.certs)+len(f.acme.Domains) > 0 }

// hasProxy reports whether a proxy was declared.
func (f *listenerFlags) hasProxy() bool { return f.behindProxy || len(f.proxies) > 0 }

// checkListenerFlags are what the flags say that cannot be meant, all of them.
func (p *Program) checkListenerFlags(f *listenerFlags) error {
	var wrong []error
	say := func(is bool, flag, want string) {
		if is {
			wrong = append(wrong, fmt.Errorf("%s: %s", p.flagSource(flag), want))
		}
	}
	acme := len(f.acme.Domains) > 0
	say(len(f.certs) != len(f.keys), "tls-cert", fmt.Sprintf("want as many as there are of --tls-key, got %d and %d", len(f.certs), len(f.keys)))
	say(f.clientCA != "" && !f.usesTLS(), "client-ca", "want --tls-cert or --acme-domain as well: certificates are shown over TLS")
	for _, of := range []struct{ flag, value string }{
		{"acme-email", f.acme.Email}, {"acme-directory", f.acme.Directory}, {"acme-root", f.acme.Root}, {"acme-http", f.acme.HTTP},
	} {
		say(of.value != "" && !acme, of.flag, "want --acme-domain as well")
	}
	say(acme && f.acme.HTTP == "" && len(f.allow) > 0, "allow-from", "want --acme-http as well: the ACME authority calls from addresses that nobody knows")
	say(f.proxyHeader && len(f.proxies) == 0, "proxy-protocol", "want --trusted-proxies as well: from anybody else it is a lie")
	if len(wrong) > 0 {
		return usage("%w", errors.Join(wrong...))
	}
	return nil
}

// listen opens an address. Where this program speaks plain HTTP it must be on loopback, because calls carry secrets and
// passwords; behind a declared proxy any address will do.
func (s *server) listen(flag, address string) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usage("%s %s: want HOST:PORT: %w", s.p.flagSource(flag), address, err)
	}
	if !at.IP.IsLoopback() && !s.f.listener.hasProxy() && !s.f.listener.usesTLS() {
		return nil, usage("%s %s: want an address on loopback, such as 127.0.0.1:%d: this is plain HTTP, and secrets and passwords would cross the "+
			"network readable by all; give it a certificate (--tls-cert, --acme-domain), or where a proxy in front of it speaks TLS to Okta, "+
			"say so with --behind-proxy", s.p.flagSource(flag), address, at.Port)
	}
	l, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.p.flagSource(flag), err)
	}
	return l, nil
}

// isLocal reports whether only this machine reaches a listener.
func isLocal(l net.Listener) bool { return peer.AddrOf(l.Addr()).IsLoopback() }

// exposure says where others than this machine call hooks, and is empty where nobody does.
func (s *server) exposure() string {
	switch {
	case s.f.listener.hasProxy():
		return "with --behind-proxy"
	case !isLocal(s.hooksListener):
		return "at " + s.hooksListener.Addr().String()
	}
	return ""
}

// openCertificates opens the certificates, and has the admin listener show one where others than this machine reach it.
func (s *server) openCertificates(registry prometheus.Registerer) (err error) {
	f := &s.f.listener
	if !f.usesTLS() {
		return nil
	}
	o := certificate.Options{ACME: f.acme, ClientCA: f.clientCA, Log: s.log, Registry: registry}
	for i := range f.certs {
		o.Pairs = append(o.Pairs, certificate.Pair{Certificate: f.certs[i], Key: f.keys[i]})
	}
	o.ACME.Listen, o.ACME.Storage = s.hooksListener.Addr().String(), filepath.Join(s.f.data, "certificates")
	o.ACME.OnlyHTTP = len(f.allow) > 0
	if s.certificates, err = certificate.Open(o); err != nil {
		return fmt.Errorf("open the certificates: %w", err)
	}
	if !isLocal(s.adminListener) && !f.hasProxy() {
		s.adminListener = tls.NewListener(s.adminListener, s.certificates.Plain())
	}
	return nil
}

// accessOptions is what the gate is told about who may come, and how.
func (s *server) accessOptions(o gate.Options) (gate.Options, error) {
	f := &s.f.listener
	var err error
	if o.Proxies, err = peer.NewList(f.proxies); err != nil {
		return o, usage("%s: %w", s.p.flagSource("trusted-proxies"), err)
	}
	if s.allowed, err = peer.OpenAllowList(f.allow); err != nil {
		return o, usage("%s: %w", s.p.flagSource("allow-from"), err)
	}
	o.ProxyHeader, o.Allowed = f.proxyHeader, s.allowed
	if s.certificates != nil {
		o.TLS = s.certificates.Config()
	}
	s.warnListener(o.Proxies)
	return o, nil
}

// warnListener says which settings are allowed and yet dangerous.
func (s *server) warnListener(proxies peer.List) {
	f := &s.f.listener
	for _, all := range f.proxies {
		if strings.HasSuffix(all, "/0") {
			s.log.Warn("with --trusted-proxies of every address, anybody can say to call from anywhere", "trusted-proxies", all)
		}
	}
	if !f.usesTLS() && proxies.Empty() && !isLocal(s.hooksListener) {
		s.log.Warn("whoever reaches the hooks' listener past the proxy speaks plain HTTP; --trusted-proxies lets in the proxy alone",
			"listen", s.hooksListener.Addr().String())
	}
	if f.behindProxy && proxies.Empty() && len(f.allow) > 0 {
		s.log.Warn("without --trusted-proxies the addresses that --allow-from is asked for are the proxy's")
	}
}

// listenerStatus is how the status shows it.
func (s *server) listenerStatus() admin.HooksListener {
	d := admin.HooksListener{Issuers: s.issuers.Status()}
	if s.certificates != nil {
		d.Certificates = s.certificates.Status()
	}
	if err := s.allowed.Err(); err != nil {
		d.Error = err.Error()
	}
	return d
}

// startRefresh keeps certificates and lists new until the context ends.
func (s *server) startRefresh(ctx context.Context, running *sync.WaitGroup) {
	if s.certificates != nil {
		running.Go(func() { s.certificates.Run(ctx) })
	}
	running.Go(func() { s.allowed.Run(ctx, s.log) })
}

// urlScheme is how a listener's address begins.
func urlScheme(secure bool) string {
	if secure {
		return "https"
	}
	return "http"
}

// notifySystemd tells the service manager that has started the program how it stands, where there is one (sd_notify(3)).
func (s *server) notifySystemd(state string) {
	path, _ := s.p.Env("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		defer c.Close()
		c.SetWriteDeadline(time.Now().Add(time.Second))
		_, err = c.Write([]byte(state))
	}
	if err != nil {
		s.log.Error("the service manager cannot be told", "state", state, "error", err)
	}
}

// reservedFiles is how many files are open beside the hooks' connections, at most: the admin listener's connections, those to
// destinations, the ledger and what is being read.
const reservedFiles = 64 + 448

// maxConnections is how many connections Okta and others may have open: as many as the gate likes, or as few as the limit on open
// files leaves. It is better to choose who is closed at a limit of one's own than to meet the system's.
func (s *server) maxConnections() int {
	limit, ok := openFileLimit()
	if !ok || limit >= gate.DefaultMaxConns+reservedFiles {
		return gate.DefaultMaxConns
	}
	n := max(int(limit)-reservedFiles, int(limit)/4, 1)
	s.log.Warn("the limit on open files (ulimit -n) is low, so fewer connections are taken", "limit", limit,
		"wanted", gate.DefaultMaxConns+reservedFiles, "connections", n)
	return n
}
