package doctor

import (
	"encoding/json"
	"strings"

	"github.com/tenterhook/tenterhook/rules/suite"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// SetHost replaces the org's host in a call: in source and, for a token hook, in the token's
// issuer. It leaves members without a host unchanged (some types have none, hooks.md section 1.3),
// and changes nothing if host is empty.
func SetHost(host string, call []byte) ([]byte, error) {
	var d jsondoc.Doc
	if err := d.Parse(call, jsondoc.Limits{}); err != nil || host == "" {
		return call, err
	}
	root, out := d.Root(), call
	t, _ := hook.TypeOf(root.Get("eventType").Text())
	for _, m := range t.Hosts() {
		scheme, rest, ok := strings.Cut(m.Find(root).Text(), "://")
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
			out, err = suite.ReplaceMember(out, strings.Join(m.Path, "."), value)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
