package expr

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
)

// urlFunctions work on URLs.
var urlFunctions = map[string]*function{
	"urlEncode": {usage: "urlEncode(text) text", doc: "with all but letters, digits and - . _ ~ percent-encoded (RFC 3986)",
		example: `urlEncode('a b/ü')`, value: `"a%20b%2F%C3%BC"`, cost: "1 + text/4",
		args: []types{text}, result: text, keepsSecret: true, call: urlEncode},
	"urlDecode": {usage: "urlDecode(text) text", doc: "a percent-encoded text, decoded",
		example: `urlDecode('a%20b')`, value: `"a b"`, cost: "1 + text/4",
		args: []types{text}, result: text, keepsSecret: true, call: urlDecode},
	"urlHost": {usage: "urlHost(url) text", doc: "the host, in lower case and without a port; null when the text is not a URL with a host",
		example: `urlHost('https://Acme.okta.example:443/oauth2/default')`, value: `"acme.okta.example"`, cost: "8 + url/8",
		args: []types{text}, result: text, null: true, call: urlHost},
	"urlPath": {usage: "urlPath(url) text", doc: "the path, decoded; null when the text is not a URL",
		example: `urlPath('https://acme.okta.example/oauth2/default?x=1')`, value: `"/oauth2/default"`, cost: "8 + url/8",
		args: []types{text}, result: text, null: true, call: urlPath},
	"urlQuery": {usage: "urlQuery(url, name) text", doc: "the first parameter of that name, decoded; null when there is none",
		example: `urlQuery('/authorize?client_id=0oa1&state=x', 'client_id')`, value: `"0oa1"`, cost: "8 + url/2",
		args: []types{text, text}, result: text, null: true, call: urlQuery},
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

func urlEncode(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	s := args[0].Text()
	size := 0
	for i := range len(s) {
		if i&(window-1) == 0 {
			charge(r, 1+int64(min(window, len(s)-i))>>3)
		}
		if size++; strings.IndexByte(unreserved, s[i]) < 0 {
			size += 2
		}
	}
	b := reserveText(r, size)
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(unreserved, c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return textOfBytes(b)
}

func urlDecode(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	s := args[0].Text()
	if len(s) > maxText {
		failTooLarge("a text of more than %d bytes", maxText)
	}
	charge(r, int64(len(s))>>2)
	reserve(r, int64(len(s)))
	out, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(out) {
		fail(pos, "urlDecode wants a percent-encoded text")
	}
	return runtime.TextOf(out)
}

// maxURL is the longest URL that is parsed; a longer text is not a URL.
const maxURL = 8 << 10

// parseURL parses a URL; nil when it is invalid or ambiguous.
func parseURL(r *runtime.Run, s string) *url.URL {
	if len(s) > maxURL {
		return nil
	}
	charge(r, 7+int64(len(s))>>3)
	reserve(r, int64(len(s))+256)
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || strings.Contains(s, `\`) || !utf8.ValidString(u.Path) {
		return nil
	}
	return u
}

func urlHost(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	u := parseURL(r, args[0].Text())
	if u == nil || u.Hostname() == "" || u.Scheme == "" {
		return runtime.Value{}
	}
	return runtime.TextOf(strings.ToLower(u.Hostname()))
}

func urlPath(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	u := parseURL(r, args[0].Text())
	if u == nil {
		return runtime.Value{}
	}
	return runtime.TextOf(u.Path)
}

func urlQuery(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	u := parseURL(r, args[0].Text())
	if u == nil {
		return runtime.Value{}
	}
	for one := range strings.SplitSeq(u.RawQuery, "&") {
		charge(r, 1+int64(len(one))>>3)
		name, value, _ := strings.Cut(one, "=")
		name, bad := url.QueryUnescape(name)
		if bad != nil || name != args[1].Text() {
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil && utf8.ValidString(value) {
			return runtime.TextOf(value)
		}
	}
	return runtime.Value{}
}
