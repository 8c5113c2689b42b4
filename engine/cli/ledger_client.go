package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/ledger"
)

// ledgerPath returns the path of the ledger in a data directory.
func ledgerPath(data string) string { return filepath.Join(data, "ledger") }

// ledgerClient reads and changes a ledger: directly, or through the server that has it open.
type ledgerClient struct {
	p           *Program
	data, admin string
}

func (d *ledgerClient) defineFlags(flags *pflag.FlagSet) {
	flags.StringVar(&d.data, "data", "", "data directory (default: in the user's state folder)")
	flags.StringVar(&d.admin, "admin", "127.0.0.1:8081", "admin listener of a running server")
}

// path returns the ledger's file. The file must exist: inspecting a ledger must not create one.
func (d *ledgerClient) path() (string, error) {
	var err error
	if d.data == "" {
		if d.data, err = d.p.stateDir(); err != nil {
			return "", err
		}
	}
	path := ledgerPath(d.data)
	if _, err := os.Stat(path + ".id"); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no ledger in %s: name the data directory with --data", d.data)
	}
	return path, nil
}

// fetch calls local with the ledger, or sends a request to the server that has the ledger open. It
// returns the result as JSON.
func (d *ledgerClient) fetch(ctx context.Context, local func(*ledger.Ledger) (any, error), method, path string, q url.Values) ([]byte, error) {
	file, err := d.path()
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Options{Path: file})
	if errors.Is(err, ledger.ErrLocked) {
		return d.callServer(ctx, method, path, q, nil)
	}
	if err != nil {
		return nil, err
	}
	v, err := local(l)
	if err := errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// adminError is an answer of the admin listener with a status other than 200.
type adminError struct {
	status int
	text   string
}

func (a *adminError) Error() string { return "server: " + a.text }

// adminTimeout is longer than a server needs to check a queued module.
const adminTimeout = 4 * time.Minute

// callServer sends a request with an optional body to the admin listener. Together with an
// *adminError it also returns the body of the answer.
func (d *ledgerClient) callServer(ctx context.Context, method, path string, q url.Values, content []byte) ([]byte, error) {
	token, source, err := d.token()
	if err != nil {
		return nil, err
	}
	scheme, host, ok := strings.Cut(d.admin, "://")
	if !ok {
		scheme, host = "http", d.admin
	}
	u := url.URL{Scheme: scheme, Host: host, Path: path, RawQuery: q.Encode()}
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(content))
	if err != nil {
		return nil, usage("--admin %s: want HOST:PORT", d.admin)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("call the server's admin listener (--admin): %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	switch {
	case err != nil:
	case response.StatusCode == http.StatusUnauthorized:
		err = &adminError{response.StatusCode, response.Status + ": the server does not know the token " + source}
	case response.StatusCode != http.StatusOK:
		err = &adminError{response.StatusCode, response.Status + ": " + strings.TrimSpace(string(body))}
	}
	return body, err
}

// token returns the publish token from the environment or the data directory, and where it was
// found.
func (d *ledgerClient) token() (token, source string, err error) {
	if t, ok := d.p.Env("TENTERHOOK_ADMIN_PUBLISH_TOKEN"); ok && t != "" {
		return t, "in TENTERHOOK_ADMIN_PUBLISH_TOKEN", nil
	}
	if d.data == "" {
		if d.data, err = d.p.stateDir(); err != nil {
			return "", "", err
		}
	}
	t, err := admin.ReadTokens(d.data)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("there are no tokens in %s: name the server's data directory with --data, or set TENTERHOOK_ADMIN_PUBLISH_TOKEN", d.data)
	}
	return t.Publish, "of the data directory " + d.data + ": name that of this server with --data", err
}
