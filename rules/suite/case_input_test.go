package suite_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules/suite"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestReplaceMember(t *testing.T) {
	const text = `{"a": {"b": [1, {"c": "\u0041"}], "d.e": null}, "f": "x"}`
	tests := []struct {
		name, path, value string
		want, err         string
	}{
		{"a member", "f", `2`, `{"a":{"b": [1, {"c": "\u0041"}], "d.e": null},"f":2}`, ""},
		{"a member further in", "a.b", `[]`, `{"a":{"b":[],"d.e":null},"f":"x"}`, ""},
		{"an element", "a.b.0", `{}`, `{"a":{"b":[{},{"c": "\u0041"}],"d.e":null},"f":"x"}`, ""},
		{"a member of an element", "a.b.1.c", `"B"`, `{"a":{"b":[1,{"c":"B"}],"d.e":null},"f":"x"}`, ""},
		{"a new element", "a.b.2", `3`, `{"a":{"b":[1,{"c": "\u0041"},3],"d.e":null},"f":"x"}`, ""},
		{"a new member", "g", `true`, `{"a":{"b": [1, {"c": "\u0041"}], "d.e": null},"f":"x","g":true}`, ""},
		{"new members on the way", "g.h.i", `true`, `{"a":{"b": [1, {"c": "\u0041"}], "d.e": null},"f":"x","g":{"h":{"i":true}}}`, ""},
		{"by JSON Pointer", "/a/d.e", `1`, `{"a":{"b":[1, {"c": "\u0041"}],"d.e":1},"f":"x"}`, ""},
		{"through a null", "/a/d.e/x~1~0y", `1`, `{"a":{"b":[1, {"c": "\u0041"}],"d.e":{"x/~y":1}},"f":"x"}`, ""},
		{"an element too far", "a.b.3", `1`, "", `want the number of an element, 0 to 2, got "3"`},
		{"an element by name", "a.b.c", `1`, "", `want the number of an element, 0 to 2, got "c"`},
		{"through a text", "f.g", `1`, "", `there is no "g" in a text`},
		{"an empty name", "f..g", `1`, "", `a name in the path is empty: want a path such as data.userProfile.email`},
		{"no path", "", `1`, "", `a name in the path is empty: want a path such as data.userProfile.email`},
		{"a deep path", strings.Repeat("a.", 70) + "a", `1`, "", `want at most 64 names in the path`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := suite.ReplaceMember([]byte(text), test.path, []byte(test.value))
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

func FuzzReplaceMember(f *testing.F) {
	f.Add(`{"a": [1, {"b": null}]}`, "a.1.b")
	f.Add(`{"a": [1, {"b": null}]}`, "/a/2/~1")
	f.Add(`[]`, "0.x")
	f.Add(`{"\u0000":1}`, "\x00")
	f.Fuzz(func(t *testing.T, text, path string) {
		out, err := suite.ReplaceMember([]byte(text), path, []byte(`"put"`))
		if err != nil {
			return
		}
		var doc jsondoc.Doc
		if err := doc.Parse(out, jsondoc.Limits{Bytes: 2 << 20, Depth: 130}); err != nil {
			t.Fatalf("%q at %q is %q: %v", text, path, out, err)
		}
		pointer := path
		if !strings.HasPrefix(path, "/") {
			pointer = "/" + strings.NewReplacer("~", "~0", "/", "~1", ".", "/").Replace(path)
		}
		if got := doc.Root().Pointer(pointer); got.Text() != "put" {
			t.Errorf("%q at %q is %q, there is %q", text, path, out, got.Raw())
		}
	})
}

// TestScopePath: a dotted path cannot name a scope with a dot; the error has the JSON Pointer to
// write.
func TestScopePath(t *testing.T) {
	tests := []struct{ path, want string }{
		{"data.access.scopes.openid", ""},
		{"data.access.scopes.openid.action", ""},
		{"/data/access/scopes/hr.read", ""},
		{"data.access.scopes.hr.read", "for the scope hr.read write /data/access/scopes/hr.read"},
		{"data.access.scopes.hr.read.action", "for the scope hr.read write /data/access/scopes/hr.read/action"},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			call, err := suite.ReplaceMember(sample.Of(hook.Token), test.path, []byte(`{}`))
			if err == nil && call != nil {
				err = suite.KnownMember(sample.Of(hook.Token), test.path, hook.Token, nil)
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
