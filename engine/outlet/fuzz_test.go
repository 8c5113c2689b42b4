package outlet

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "7", " 7\t", "120", "-1", "+1", "1.5", "1e3", "99999999999999999999", "0x10", "٣",
		"Sun, 01 Mar 2026 12:01:30 GMT", "Sunday, 01-Mar-26 12:01:30 GMT", "Sun Mar  1 12:01:30 2026", "Sun, 01 Mar 9999 12:01:30 GMT", "soon"} {
		f.Add(value, "Sun, 01 Mar 2026 12:00:00 GMT")
		f.Add(value, "")
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		if got < 0 || got > maxRetryAfter {
			t.Fatalf("%q gives %v", value, got)
		}
		var seconds json.Number
		trimmed := strings.TrimLeft(strings.Trim(value, " \t"), "0")
		if len(trimmed) > 0 && len(trimmed) < 4 && len(value) <= 64 && json.Unmarshal([]byte(trimmed), &seconds) == nil && strings.Trim(trimmed, "0123456789") == "" {
			if n, _ := seconds.Int64(); got != time.Duration(n)*time.Second {
				t.Fatalf("%q gives %v", value, got)
			}
		}
	})
}

// FuzzBody compares lines and forms with encoding/json and net/url.
func FuzzBody(f *testing.F) {
	for _, body := range []string{`{}`, `{"a":1}`, `{"a":[1,"x",null,{"b":[]}],"é":"&=\n"}`, `[1]`, `"x"`, "{\n\"a\"\n:\r1}", `{"k":1}`, `{"a":1,"\u006b":1,"b":[ ]}`, `{"a"`, ``, "\u2028"} {
		f.Add([]byte(body), "k")
	}
	f.Fuzz(func(t *testing.T, body []byte, key string) {
		if !isValidKey(key) {
			t.Skip()
		}
		line, err := encodeLine("k", key, body)
		if err != nil {
			if !errors.Is(err, ErrStep) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if strings.IndexByte(string(line), '\n') != len(line)-1 || strings.ContainsRune(string(line), '\r') {
			t.Fatalf("not one line: %q", line)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q is no object: %v", line, err)
		}
		var was map[string]json.RawMessage
		var first string
		if json.Unmarshal(got["k"], &first) != nil || first != key {
			t.Fatalf("%q became %q, without the key %q", body, line, key)
		}
		if json.Unmarshal(body, &was) == nil && was != nil {
			was["k"] = got["k"]
			if len(got) != len(was) {
				t.Fatalf("%q became %q", body, line)
			}
		}
		fields, err := encodeForm(body)
		if err != nil {
			return
		}
		if _, err := url.ParseQuery(string(fields)); err != nil {
			t.Fatalf("%q is no form: %v", fields, err)
		}
	})
}
