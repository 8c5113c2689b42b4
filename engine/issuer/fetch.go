package issuer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// fetchTimeout is how long one fetch may take, metadata and keys together.
const fetchTimeout = 10 * time.Second

// metadata are the paths below the issuer at which an authorization server of Okta describes
// itself.
var metadata = []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}

func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // decompression would need its own size limit
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect is an error
	}
}

// fetch gets the keys of a source, and their text.
func (r *Keyring) fetch(ctx context.Context, at source) ([]byte, *keys, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	address := at.url
	if address == "" {
		var err error
		if address, err = r.discover(ctx, at.issuer); err != nil {
			return nil, nil, err
		}
	}
	text, err := r.get(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	set, err := parseKeys(text)
	if err != nil {
		return nil, nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	return text, set, nil
}

// discover asks the issuer where its keys are (RFC 8414 section 3).
func (r *Keyring) discover(ctx context.Context, issuer string) (string, error) {
	var errs []error
	for _, path := range metadata {
		at := strings.TrimRight(issuer, "/") + path
		text, err := r.get(ctx, at)
		if err == nil {
			var keys string
			if keys, err = parseMetadata(text, issuer); err == nil {
				return keys, nil
			}
			err = fmt.Errorf("read metadata from %s: %w", at, err)
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// parseMetadata finds the address of the keys in an issuer's metadata. The metadata must name this
// issuer: metadata about another's keys is ignored (RFC 8414 section 3.3).
func parseMetadata(text []byte, issuer string) (string, error) {
	var d jsondoc.Doc
	if err := d.Parse(text, jsondoc.Limits{Bytes: maxSet, Depth: 16}); err != nil {
		return "", err
	}
	if d.Root().Get("issuer").Text() != issuer {
		return "", errors.New("want metadata of this issuer, got another's")
	}
	address := strings.Clone(d.Root().Get("jwks_uri").Text())
	if err := credential.KeysAddress(address); err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if strings.HasPrefix(issuer, "https:") && !strings.HasPrefix(address, "https:") {
		return "", errors.New("jwks_uri: want https")
	}
	return address, nil
}

// get fetches a text. The error contains no part of the response, and no query of the address.
func (r *Keyring) get(ctx context.Context, address string) ([]byte, error) {
	place, _, _ := strings.Cut(address, "?")
	text, err := r.request(ctx, address)
	var failed *url.Error
	if errors.As(err, &failed) { // its text contains the address
		err = failed.Err
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", place, err)
	}
	return text, nil
}

func (r *Keyring) request(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "tenterhook/"+r.o.Version)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: want 200", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSet+1))
	if err == nil && len(text) > maxSet {
		err = fmt.Errorf("want at most %d bytes", maxSet)
	}
	return text, err
}
