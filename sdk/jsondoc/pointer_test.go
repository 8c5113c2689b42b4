package jsondoc_test

import (
	"testing"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestCutPointer(t *testing.T) {
	for _, tc := range []struct {
		pointer, name, rest string
		ok                  bool
	}{
		{"/data/events/0", "data", "/events/0", true},
		{"/a", "a", "", true},
		{"/", "", "", true},
		{"//a", "", "/a", true},
		{"/a~1b~0c/d", "a/b~c", "/d", true},
		{"/~01", "~1", "", true},
		{"/~", "~", "", true},
		{"", "", "", false},
		{"a/b", "", "", false},
	} {
		t.Run(tc.pointer, func(t *testing.T) {
			name, rest, ok := jsondoc.CutPointer(tc.pointer)
			if name != tc.name || rest != tc.rest || ok != tc.ok {
				t.Errorf("got %q %q %v, want %q %q %v", name, rest, ok, tc.name, tc.rest, tc.ok)
			}
		})
	}
}

// FuzzPointer: each name survives AppendPointer and CutPointer, in any number.
func FuzzPointer(f *testing.F) {
	f.Add("a", "b/c")
	f.Add("~1", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		pointer := string(jsondoc.AppendPointer(jsondoc.AppendPointer(nil, a), b))
		first, rest, ok := jsondoc.CutPointer(pointer)
		second, end, ok2 := jsondoc.CutPointer(rest)
		if first != a || second != b || end != "" || !ok || !ok2 {
			t.Errorf("%q is read as %q and %q, then %q", pointer, first, second, end)
		}
	})
}
