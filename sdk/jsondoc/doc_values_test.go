package jsondoc_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestValues: a text has as many values and names as is allowed, and no more.
func TestValues(t *testing.T) {
	for _, of := range []string{"1,", `"a",`, "[],", "{},", "[[1]],", `{"a":1},`, `{"a":{"b":[]}},`} {
		text := "[" + strings.Repeat(of, 100_000) + "1]"
		var d jsondoc.Doc
		if err := d.Parse([]byte(text), jsondoc.Limits{Bytes: len(text)}); err != nil {
			t.Errorf("%s: %v", of, err)
		}
		if err := d.Parse([]byte(text), jsondoc.Limits{Bytes: len(text), Values: 50_000}); !errors.Is(err, jsondoc.ErrSize) {
			t.Errorf("%s: %v", of, err)
		}
		if err := d.Parse([]byte(text), jsondoc.Limits{Bytes: len(text), Values: 500_002}); err != nil {
			t.Errorf("%s: %v", of, err)
		}
	}
}
