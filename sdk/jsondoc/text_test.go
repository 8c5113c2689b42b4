package jsondoc_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestAppendString(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", `""`},
		{"plain", "a b/c<>&'", `"a b/c<>&'"`},
		{"quotes", `a"b\c`, `"a\"b\\c"`},
		{"control characters", "\x00\n\r\t\b\x1f\x7f", "\"\\u0000\\n\\r\\t\\u0008\\u001f\x7f\""},
		{"other alphabets", "é\u2028𝄞\ufffd", "\"é\u2028𝄞\ufffd\""},
		{"not UTF-8", "a\xffb\xed\xa0\x80\xc3", "\"a\ufffdb\ufffd\ufffd\ufffd\ufffd\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := string(jsondoc.AppendString(nil, test.text)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x00\xff\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		text := jsondoc.AppendString([]byte("x"), s)
		var back string
		if err := json.Unmarshal(text[1:], &back); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want := s
		if !utf8.ValidString(s) {
			want = string([]rune(s)) // each bad byte one U+FFFD
		}
		if back != want {
			t.Errorf("%q came back as %q", want, back)
		}
		d := new(jsondoc.Doc)
		if err := d.Parse(text[1:], jsondoc.Limits{}); err != nil || d.Root().Text() != want {
			t.Errorf("%q is read as %q: %v", want, d.Root().Text(), err)
		}
	})
}
