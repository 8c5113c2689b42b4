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

// ledgerPath is where the ledger lies in a data directory.
func ledgerPath(data string) string { return filepath.Join(data, "ledger") }

// ledgerClient is where an operator's questions about a ledger go: to the ledger itself, or to the server that has it open.
type ledgerClient struct {
	p           *Program
	data, admin string
}

func (d *ledgerClient) defineFlags(flags *pflag.FlagSet) {
	flags.StringVar(&d.data, "data", "", "the data directory (default: in the user's state folder)")
	flags.StringVar(&d.admin, "admin", "127.0.0.1:8081", "the admin listener of the server, if one runs")
}

// path is the ledger's file, which must be there: nobody who looks at a ledger wants to make one.
func (d *ledgerClient) path() (string, error) {
	var err error
	if d.data == "" {
		if d.data, err = d.p.stateDir(); err != nil {
			return "", err
		}
	}
	path := ledgerPath(d.data)
	if _, err := os.Stat(path + ".id"); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no ledger in %s: say where with --data", d.data)
	}
	return path, nil
}

// fetch asks the ledger, or the server when that has it. here is the question to the ledger itself.
func (d *ledgerClient) fetch(ctx context.Context, here func(*ledger.Ledger) (any, error), method, there string, q url.Values) ([]byte, error) {
	path, err := d.path()
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Options{Path: path})
	if errors.Is(err, ledger.ErrLocked) {
		return d.callServer(ctx, method, there, q, nil)
	}
	if err != nil {
		return nil, err
	}
	v, err := here(l)
	if err := errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// adminError is a server's answer that is not the one that was hoped for.
type adminError struct {
	status int
	text   string
}

func (a *adminError) Error() string { return "the server: " + a.text }

// adminTimeout is longer than a server takes to judge a module that has waited for its turn.
const adminTimeout = 4 * time.Minute

// callServer sends a request with a body, nil for none. With an error that is *answered, what the server said is there too.
func (d *ledgerClient) callServer(ctx context.Context, method, there string, q url.Values, content []byte) ([]byte, error) {
	token, err := d.token()
	if err != nil {
		return nil, err
	}
	scheme, host, ok := strings.Cut(d.admin, "://")
	if !ok {
		scheme, host = "http", d.admin
	}
	u := url.URL{Scheme: scheme, Host: host, Path: there, RawQuery: q.Encode()}
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(content))
	if err != nil {
		return nil, usage("--admin %s: want HOST:PORT", d.admin)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the server (--admin says where it is): %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = &adminError{response.StatusCode, response.Status + ": " + strings.TrimSpace(string(body))}
	}
	return body, err
}

// token is the one to publish, from the environment or the data directory.
func (d *ledgerClient) token() (string, error) {
	if t, ok := d.p.Env("TENTERHOOK_ADMIN_PUBLISH_TOKEN"); ok && t != "" {
		return t, nil
	}
	if d.data == "" {
		var err error
		if d.data, err = d.p.stateDir(); err != nil {
			return "", err
		}
	}
	t, err := admin.ReadTokens(d.data)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there are no tokens in %s: say where with --data, or set TENTERHOOK_ADMIN_PUBLISH_TOKEN", d.data)
	}
	return t.Publish, err
}
