package outlet

import (
	"fmt"
	"net/url"
	"strings"
)

// joinPath appends a path to a URL's own. Paths contain text from events, so they must not climb: no
// segment is a dot segment, not even percent-encoded or after a backslash.
func joinPath(u *url.URL, path string) (*url.URL, error) {
	invalid := fmt.Errorf("%w: its path is not percent-encoded, or has dot segments, a query or a fragment", ErrStep)
	if strings.ContainsAny(path, "?#\\") || !isHeaderValue(path) || strings.ContainsAny(path, " \t") {
		return nil, invalid
	}
	for segment := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || !isHeaderValue(plain) {
			return nil, invalid
		}
		for piece := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
			if piece == "." || piece == ".." {
				return nil, invalid
			}
		}
	}
	joined := *u
	raw := strings.TrimSuffix(u.EscapedPath(), "/") + "/" + strings.TrimLeft(path, "/")
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return nil, invalid
	}
	joined.Path, joined.RawPath = plain, raw
	if joined.EscapedPath() != raw {
		return nil, invalid
	}
	return &joined, nil
}
