package outlet

import (
	"fmt"
	"net/url"
	"strings"
)

// joinPath puts a path beneath a URL's own. Paths are written with pieces of events in them, so it may not climb: no segment
// is, or hides, a dot segment, whether by percent-encoding or by backslashes.
func joinPath(u *url.URL, path string) (*url.URL, error) {
	refused := fmt.Errorf("%w: its path is not percent-encoded, or has dot segments, a query or a fragment", ErrStep)
	if strings.ContainsAny(path, "?#\\") || !isHeaderValue(path) || strings.ContainsAny(path, " \t") {
		return nil, refused
	}
	for segment := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || !isHeaderValue(plain) {
			return nil, refused
		}
		for piece := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
			if piece == "." || piece == ".." {
				return nil, refused
			}
		}
	}
	joined := *u
	raw := strings.TrimSuffix(u.EscapedPath(), "/") + "/" + strings.TrimLeft(path, "/")
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return nil, refused
	}
	joined.Path, joined.RawPath = plain, raw
	if joined.EscapedPath() != raw {
		return nil, refused
	}
	return &joined, nil
}
