package outlet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

// safeError is an error without foreign text, returned from below the transport. transportError
// finds it however often net/http wraps it.
type safeError struct {
	reason error // a sentinel of the package
	detail string
}

func (t *safeError) Error() string { return t.reason.Error() + ": " + t.detail }
func (t *safeError) Unwrap() error { return t.reason }

// transportError classifies why there was no answer. It does not wrap the errors of net/http and
// crypto/tls: these quote URLs, certificates and parts of answers. An answer that echoes the
// request has its secrets.
func (w *httpSender) transportError(ctx context.Context, err error) error {
	var (
		ours   *safeError
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		op     *net.OpError
		name   *net.DNSError
		no     syscall.Errno
		wait   interface{ Timeout() bool }
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %v", ErrTimeout, w.spec.Timeout)
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &verify):
		return fmt.Errorf("%w: %s", ErrTLS, certificateReason(verify.Err))
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // an alert: crypto/tls has fixed texts
		return fmt.Errorf("%w: %w", ErrTLS, op.Err)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w: it does not speak TLS", ErrTLS)
	case errors.As(err, &name):
		return fmt.Errorf("%w: %s", ErrConnection, lookupReason(name))
	case errors.As(err, &no):
		return fmt.Errorf("%w: %w", ErrConnection, no)
	case errors.As(err, &wait) && wait.Timeout():
		return fmt.Errorf("%w: no connection after %v", ErrTimeout, min(connectTimeout, w.spec.Timeout))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: closed before an answer", ErrConnection)
	}
	return fmt.Errorf("%w: it is not HTTP, breaks off, or has headers over %d KiB", ErrGarbled, maxHeaders>>10)
}

// certificateReason describes the problem of a certificate.
func certificateReason(err error) string {
	var (
		other   x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &other):
		return "its certificate is for another name"
	case errors.As(err, &unknown):
		return "its certificate is signed by an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is out of date"
	}
	return "its certificate is not valid"
}

// lookupReason describes the failure of a name lookup.
func lookupReason(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return "no such host"
	case err.IsTimeout:
		return "the name server does not answer"
	}
	return "the name cannot be resolved"
}
