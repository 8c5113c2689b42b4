package doctor

import (
	"encoding/json"
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// SetHost puts an org's host where a call names one: in source and, where it is about a token, in the token's issuer. A member
// that names none, as in the calls of some types (hooks.md section 1.3), stays as it is; so does all of the call when host is
// empty.
func SetHost(host string, call []byte) ([]byte, error) {
	var d jsondoc.Doc
	if err := d.Parse(call, jsondoc.Limits{}); err != nil || host == "" {
		return call, err
	}
	root, out := d.Root(), call
	at := []string{"source"}
	if root.Get("eventType").Text() == hook.Token.EventType() {
		at = append(at, "data.context.protocol.issuer.uri")
	}
	for _, path := range at {
		scheme, rest, ok := strings.Cut(root.Pointer("/"+strings.ReplaceAll(path, ".", "/")).Text(), "://")
		if !ok {
			continue
		}
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			rest = rest[end:]
		} else {
			rest = ""
		}
		value, err := json.Marshal(scheme + "://" + host + rest)
		if err == nil {
			out, err = rules.ReplaceMember(out, path, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// namesHost reports whether calls of a type name a host.
func namesHost(t hook.Type) bool { return t != hook.Registration && t != hook.UserImport }
