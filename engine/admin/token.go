package admin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/tenterhook/tenterhook/engine/durable"
	"github.com/tenterhook/tenterhook/rules/credential"
)

// Tokens are the bearer tokens of /v1. Publish includes the permissions of Read.
type Tokens struct {
	Read    string // read: status, check
	Publish string // change the live policy and events
}

// String hides the tokens.
func (Tokens) String() string { return "[tokens]" }

// GoString hides the tokens.
func (t Tokens) GoString() string { return t.String() }

// tokenFile is the name of the file in the data directory.
const tokenFile = "admin-tokens"

// ErrTokenFile is returned for a file in another format, or one that other users may read.
var ErrTokenFile = errors.New("want a token file as the program wrote it, readable by its owner only")

// LoadTokens reads the tokens of the data directory, which must exist, and generates them if there
// are none. It returns the path of their file, and whether they are new.
func LoadTokens(dataDir string) (t Tokens, path string, created bool, err error) {
	path = filepath.Join(dataDir, tokenFile)
	t, err = readTokens(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return t, path, false, err
	}
	t = Tokens{Read: rand.Text(), Publish: rand.Text()}
	if err := writeTokens(path, t); err != nil {
		return Tokens{}, path, false, err
	}
	return t, path, true, nil
}

// ReadTokens reads the tokens of a data directory. The error is fs.ErrNotExist if there are none.
func ReadTokens(dataDir string) (Tokens, error) { return readTokens(filepath.Join(dataDir, tokenFile)) }

func readTokens(path string) (t Tokens, err error) {
	f, err := os.Open(path)
	if err != nil {
		return t, fmt.Errorf("read admin tokens: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return t, fmt.Errorf("read admin tokens: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() > 4<<10 {
		return t, fmt.Errorf("read admin tokens: %s, mode %v: %w", path, info.Mode(), ErrTokenFile)
	}
	if _, err := fmt.Fscanf(f, "read %s\npublish %s\n", &t.Read, &t.Publish); err != nil {
		return Tokens{}, fmt.Errorf("read admin tokens: %s: %w", path, ErrTokenFile) // the cause may quote a token
	}
	return t, nil
}

func writeTokens(path string, t Tokens) error {
	text := fmt.Appendf(nil, "read %s\npublish %s\n", t.Read, t.Publish)
	if err := durable.WriteFile(path, text, durable.Options{}); err != nil {
		return fmt.Errorf("write admin tokens: %w", err)
	}
	return nil
}

func newTokenSecret(token string) credential.Secret { return credential.NewSecret([]byte(token)) }

// requireRead serves requests with one of the tokens.
func (a *Admin) requireRead(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if read, publish := a.authenticate(w, r); read || publish {
			keepAlive(w)
			next(w, r)
		}
	})
}

// requirePublish serves requests with the publish token, and records each in the audit log first.
func (a *Admin) requirePublish(next http.HandlerFunc) http.Handler {
	next = a.auditFirst("publish token", next)
	forbidden := a.auditResult("read token", func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusForbidden, "this request needs the publish token, and has the read token\n")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch read, publish := a.authenticate(w, r); {
		case publish:
			keepAlive(w)
			next(w, r)
		case read:
			forbidden(w, r)
		}
	})
}

// authenticate compares a request's token with both tokens in constant time. If neither matches, it
// has answered the request.
func (a *Admin) authenticate(w http.ResponseWriter, r *http.Request) (read, publish bool) {
	digest, ok := tokenDigest(r)
	if !ok {
		a.tokens.count("missing")
		writeUnauthorized(w, "this request needs a token: want Authorization: Bearer TOKEN\n")
		return false, false
	}
	from := addressOf(r.RemoteAddr)
	check := a.tokens.begin(from)
	if check == nil {
		a.tokens.count("limited")
		w.Header().Set("Retry-After", "1")
		writeText(w, http.StatusTooManyRequests, "too many wrong tokens from this address: try again later\n")
		return false, false
	}
	read, publish = a.read.Matches(digest), a.publish.Matches(digest)
	a.tokens.end(r.Context(), check, read || publish, from, r.URL.Path)
	if !read && !publish {
		writeUnauthorized(w, "wrong token: neither the read token nor the publish token\n")
	}
	return read, publish
}

// tokenDigest returns the digest of a request's bearer token. The scheme's case does not matter
// (RFC 9110 section 11.1).
func tokenDigest(r *http.Request) (digest [32]byte, ok bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return digest, false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return digest, false
	}
	return credential.Digest([]byte(token)), true
}

func writeUnauthorized(w http.ResponseWriter, text string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="tenterhook"`)
	writeText(w, http.StatusUnauthorized, text)
}
