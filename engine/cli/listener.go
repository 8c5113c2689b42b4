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

// listenerFlags configure the hooks' listener: TLS, proxies and allowed addresses.
type listenerFlags struct {
	certs, keys []string
	clientCA    string
	acme        certificate.ACME
	behindProxy bool
	proxies     []string
	proxyHeader bool
	allow       []string
	health      string
}

func (f *listenerFlags) define(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.certs, "tls-cert", nil, "PEM files with certificates and their chains, each with its --tls-key; reloaded when they change")
	flags.StringSliceVar(&f.keys, "tls-key", nil, "PEM files with the keys of --tls-cert, in the same order")
	flags.StringVar(&f.clientCA, "client-ca", "", "PEM file with authorities: callers of hooks must present a certificate of one of them (for a gateway)")
	flags.StringSliceVar(&f.acme.Domains, "acme-domain", nil, "domains to get certificates for by ACME; this accepts the authority's terms")
	flags.StringVar(&f.acme.Email, "acme-email", "", "contact address for the ACME authority")
	flags.StringVar(&f.acme.Directory, "acme-directory", "", "directory URL of the ACME authority (default: Let's Encrypt)")
	flags.StringVar(&f.acme.Root, "acme-root", "", "PEM file with authorities to trust for connections to the ACME authority (default: the system's)")
	flags.StringVar(&f.acme.HTTP, "acme-http", "", "validate over HTTP: listen address that port 80 of the domains leads to")
	flags.BoolVar(&f.behindProxy, "behind-proxy", false, "a proxy in front terminates TLS: allow plain HTTP on any address")
	flags.StringSliceVar(&f.proxies, "trusted-proxies", nil, "addresses and prefixes of the proxies whose X-Forwarded-For is trusted; implies --behind-proxy")
	flags.BoolVar(&f.proxyHeader, "proxy-protocol", false, "every connection comes from --trusted-proxies and begins with a PROXY header, version 1 or 2")
	flags.StringSliceVar(&f.allow, "allow-from", nil, "addresses allowed to call hooks: addresses, prefixes, files with one per line, or Okta's ip_ranges.json (FILE:CELL for one cell)")
	flags.StringVar(&f.health, "health-path", "/healthz", "path of the hooks' listener that answers 200 to GET and HEAD without a secret, for platforms that probe that port; empty for none")
}

// usesTLS reports whether the program speaks TLS itself.
func (f *listenerFlags) usesTLS() bool { return len(f.certs)+len(f.acme.Domains) > 0 }

// hasProxy reports whether a proxy was declared.
func (f *listenerFlags) hasProxy() bool { return f.behindProxy || len(f.proxies) > 0 }

// checkListenerFlags returns all contradictions between the flags.
func (p *Program) checkListenerFlags(f *listenerFlags) error {
	var wrong []error
	say := func(is bool, flag, want string) {
		if is {
			wrong = append(wrong, fmt.Errorf("%s: %s", p.flagSource(flag), want))
		}
	}
	acme := len(f.acme.Domains) > 0
	say(len(f.certs) != len(f.keys), "tls-cert", fmt.Sprintf("want as many files as --tls-key, got %d and %d", len(f.certs), len(f.keys)))
	say(f.clientCA != "" && !f.usesTLS(), "client-ca", "want --tls-cert or --acme-domain as well: client certificates need TLS")
	for _, of := range []struct{ flag, value string }{
		{"acme-email", f.acme.Email}, {"acme-directory", f.acme.Directory}, {"acme-root", f.acme.Root}, {"acme-http", f.acme.HTTP},
	} {
		say(of.value != "" && !acme, of.flag, "want --acme-domain as well")
	}
	say(acme && f.acme.HTTP == "" && len(f.allow) > 0, "allow-from", "want --acme-http as well: the ACME authority's addresses are not known")
	say(f.health != "" && !strings.HasPrefix(f.health, "/"), "health-path", fmt.Sprintf("want a path that begins with /, or nothing, got %q", f.health))
	say(f.proxyHeader && len(f.proxies) == 0, "proxy-protocol", "want --trusted-proxies as well: anybody else could forge the header")
	if len(wrong) > 0 {
		return usage("%w", errors.Join(wrong...))
	}
	return nil
}

// listen opens a listener. Plain HTTP is allowed on loopback only, because calls carry secrets and
// passwords; behind a declared proxy it is allowed on any address.
func (s *server) listen(flag, address string) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usage("%s %s: want HOST:PORT: %w", s.p.flagSource(flag), address, err)
	}
	if !at.IP.IsLoopback() && !s.f.listener.hasProxy() && !s.f.listener.usesTLS() {
		return nil, usage("%s %s: want an address on loopback such as 127.0.0.1:%d, a certificate (--tls-cert, --acme-domain), or --behind-proxy if a "+
			"proxy in front terminates TLS: plain HTTP would send secrets and passwords readable over the network", s.p.flagSource(flag), address, at.Port)
	}
	l, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.p.flagSource(flag), err)
	}
	return l, nil
}

// isLocal reports whether a listener is on loopback.
func isLocal(l net.Listener) bool { return peer.AddrOf(l.Addr()).IsLoopback() }

// exposure describes how other machines can call hooks, or is empty if they cannot.
func (s *server) exposure() string {
	switch {
	case s.f.listener.hasProxy():
		return "with --behind-proxy"
	case !isLocal(s.hooksListener):
		return "at " + s.hooksListener.Addr().String()
	}
	return ""
}

// openCertificates opens the certificates. An admin listener that other machines can reach uses
// them too.
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

// accessOptions adds proxies, allowed addresses and TLS to the options of the gate.
func (s *server) accessOptions(o gate.Options) (gate.Options, error) {
	f := &s.f.listener
	var err error
	if o.Proxies, err = peer.NewList(f.proxies); err != nil {
		return o, usage("%s: %w", s.p.flagSource("trusted-proxies"), err)
	}
	if s.allowed, err = peer.OpenAllowList(f.allow); err != nil {
		return o, usage("%s: %w", s.p.flagSource("allow-from"), err)
	}
	o.ProxyHeader, o.Allowed, o.Probe = f.proxyHeader, s.allowed, f.health
	if s.certificates != nil {
		o.TLS = s.certificates.Config()
	}
	s.warnListener(o.Proxies)
	return o, nil
}

// warnListener warns about dangerous settings that are allowed.
func (s *server) warnListener(proxies peer.List) {
	f := &s.f.listener
	for _, all := range f.proxies {
		if strings.HasSuffix(all, "/0") {
			s.log.Warn("--trusted-proxies contains every address, so any caller can forge its address", "trusted-proxies", all)
		}
	}
	if !f.usesTLS() && proxies.Empty() && !isLocal(s.hooksListener) {
		s.log.Warn("callers that bypass the proxy use plain HTTP; set --trusted-proxies to allow only the proxy",
			"listen", s.hooksListener.Addr().String())
	}
	if f.behindProxy && proxies.Empty() && len(f.allow) > 0 {
		s.log.Warn("without --trusted-proxies, --allow-from sees only the proxy's address")
	}
}

// listenerStatus returns the state of the listener for /v1/status.
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

// startRefresh reloads certificates and address lists until the context ends.
func (s *server) startRefresh(ctx context.Context, running *sync.WaitGroup) {
	if s.certificates != nil {
		running.Go(func() { s.certificates.Run(ctx) })
	}
	running.Go(func() { s.allowed.Run(ctx, s.log) })
}

// urlScheme returns the scheme of a listener's URL.
func urlScheme(secure bool) string {
	if secure {
		return "https"
	}
	return "http"
}

// notifySystemd reports a state to the service manager, if it started the program (sd_notify(3)).
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
		s.log.Error("notifying the service manager failed", "state", state, "error", err)
	}
}

// reservedFiles is the maximum number of open files beside the hooks' connections: connections to
// the admin listener and to destinations, the ledger, and files being read.
const reservedFiles = 64 + 448

// maxConnections returns the limit on connections to the hooks' listener: the gate's default, or
// less if the system limits open files. At its own limit the gate chooses which connection to
// close; at the system's it could not.
func (s *server) maxConnections() int {
	limit, ok := openFileLimit()
	if !ok || limit >= gate.DefaultMaxConns+reservedFiles {
		return gate.DefaultMaxConns
	}
	n := max(int(limit)-reservedFiles, int(limit)/4, 1)
	s.log.Warn("the limit on open files (ulimit -n) is low, so fewer connections are accepted", "limit", limit,
		"wanted", gate.DefaultMaxConns+reservedFiles, "connections", n)
	return n
}
