package destination

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"testing"
)

// FuzzJoin: an accepted path is sent unchanged and stays below its base, also after the server
// decodes it once more.
func FuzzJoin(f *testing.F) {
	for _, p := range []string{"a", "/a/b", "//h/a", "../a", "a/./b", "%2e%2e/a", "a%2f..%2fb", "a%5C..%5Cb", "a?b", "a#b", "a b", "é", "%zz", "a//b", "...", "%252e%252e", ":@!$&'()*+,;=", "a;x=..", "a\"b"} {
		f.Add(p)
	}
	base, _ := url.Parse("https://h.example/base/%2Fx/?sig=1")
	f.Fuzz(func(t *testing.T, p string) {
		u, err := JoinPath(base, p)
		if err != nil {
			if !errors.Is(err, ErrPath) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if u.Host != "h.example" || u.RawQuery != "sig=1" || u.Scheme != "https" {
			t.Fatalf("%q leads to %s", p, u)
		}
		if want := "/base/%2Fx/" + strings.TrimLeft(p, "/"); u.EscapedPath() != want {
			t.Fatalf("%q is sent as %s", p, u.EscapedPath())
		}
		for _, seen := range []string{u.EscapedPath(), u.Path, strings.ReplaceAll(u.Path, `\`, "/")} {
			if clean := path.Clean(seen) + "/"; !strings.HasPrefix(clean, "/base/") {
				t.Fatalf("%q climbs to %s", p, clean)
			}
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.Path != u.Path {
			t.Fatalf("%q reads back as %v, %v", p, again, err)
		}
	})
}
