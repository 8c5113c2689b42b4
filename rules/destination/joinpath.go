package destination

import (
	"errors"
	"net/url"
	"strings"
)

// ErrPath is returned by JoinPath.
var ErrPath = errors.New("the path is not percent-encoded, or has dot segments, a query or a fragment")

// JoinPath appends a path to a URL's own. Paths contain text from events, so they must not climb:
// no segment is a dot segment, not even percent-encoded or after a backslash.
func JoinPath(u *url.URL, path string) (*url.URL, error) {
	if strings.ContainsAny(path, "?#\\") || !IsHeaderValue(path) || strings.ContainsAny(path, " \t") {
		return nil, ErrPath
	}
	for segment := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || !IsHeaderValue(plain) {
			return nil, ErrPath
		}
		for piece := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
			if piece == "." || piece == ".." {
				return nil, ErrPath
			}
		}
	}
	joined := *u
	raw := strings.TrimSuffix(u.EscapedPath(), "/") + "/" + strings.TrimLeft(path, "/")
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return nil, ErrPath
	}
	joined.Path, joined.RawPath = plain, raw
	if joined.EscapedPath() != raw {
		return nil, ErrPath
	}
	return &joined, nil
}
