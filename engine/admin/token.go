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

	"github.com/tenterhook/tenterhook/rules"
)

// Tokens are the bearer tokens of /v1. Publish may do all that Read may.
type Tokens struct {
	Read    string // to look: status, check
	Publish string // to change what is live
}

// String hides the tokens.
func (Tokens) String() string { return "[tokens]" }

// GoString hides the tokens.
func (t Tokens) GoString() string { return t.String() }

// tokenFile lies in the data directory.
const tokenFile = "admin-tokens"

// ErrTokenFile is what Token returns for a file that is not what it wrote, or that others may read.
var ErrTokenFile = errors.New("not a token file for its owner alone")

// LoadTokens reads the tokens that are kept in the data directory, which must exist, and makes them when there are none yet. The
// path is where they lie, for the log; made tells whether they are new.
func LoadTokens(dataDir string) (t Tokens, path string, made bool, err error) {
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

// ReadTokens reads the tokens that are kept in a data directory. The error is fs.ErrNotExist when there are none.
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

// writeTokens makes the file whole or not at all.
func writeTokens(path string, t Tokens) error {
	f, err := os.CreateTemp(filepath.Dir(path), tokenFile+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep admin tokens: %w", err)
	}
	defer os.Remove(f.Name()) // when it was not renamed
	_, err = fmt.Fprintf(f, "read %s\npublish %s\n", t.Read, t.Publish)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keep admin tokens: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("keep admin tokens: %w", err)
	}
	return nil
}

func newTokenSecret(token string) rules.Secret { return rules.NewSecret([]byte(token)) }

// requireRead lets in who has one of the tokens. Both are compared, in constant time.
func (a *Admin) requireRead(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := tokenDigest(r)
		read, publish := a.read.Matches(shown), a.publish.Matches(shown)
		if !read && !publish {
			writeUnauthorized(w)
			return
		}
		keepAlive(w)
		next(w, r)
	})
}

// requirePublish lets in who has the token to publish, and records what was asked for before it is done.
func (a *Admin) requirePublish(next http.HandlerFunc) http.Handler {
	next = a.auditFirst("publish token", next)
	forbidden := a.auditResult("read token", func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusForbidden, "the token to publish is needed\n")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := tokenDigest(r)
		read, publish := a.read.Matches(shown), a.publish.Matches(shown)
		switch {
		case publish:
			keepAlive(w)
			next(w, r)
		case read:
			forbidden(w, r)
		default:
			writeUnauthorized(w)
		}
	})
}

// tokenDigest is the digest of the token that a request shows; the scheme's name is in any case (RFC 9110, section 11.1).
func tokenDigest(r *http.Request) [32]byte {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return [32]byte{}
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return [32]byte{}
	}
	return rules.Digest([]byte(strings.TrimSpace(token)))
}

func writeUnauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="tenterhook"`)
	writeText(w, http.StatusUnauthorized, "a token is needed\n")
}
