package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// differ compares two JSON values: the order of members and the way a number is written do not count. It is empty when
// they are equal, else a diff of what was wanted (-) and what came (+).
func differ(want, got []byte) string {
	a, b := printed(want), printed(got)
	if bytes.Equal(a, b) {
		return ""
	}
	if short := 60; len(a) <= short && len(b) <= short && bytes.Count(a, []byte("\n"))+bytes.Count(b, []byte("\n")) == 2 {
		return fmt.Sprintf("want %sgot  %s", a, bytes.TrimSuffix(b, []byte("\n")))
	}
	var out strings.Builder
	for line := range strings.Lines(string(diff.Diff("want", a, "got", b))) {
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "--- want"), strings.HasPrefix(line, "+++ got"):
		case strings.HasPrefix(line, "@@ "):
			if out.Len() > 0 {
				out.WriteString("  ...\n")
			}
		default:
			out.WriteString(line[:1] + " " + line[1:])
		}
	}
	return "- want, + got\n" + strings.TrimSuffix(out.String(), "\n")
}

// printed writes a JSON value with one member or element a line, members sorted.
func printed(text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return append(text, '\n')
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(plain(v)); err != nil {
		return append(text, '\n')
	}
	return out.Bytes()
}

// plain writes every number that is the same value the same way.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	case json.Number:
		return number(string(v))
	}
	return v
}

// number is the shortest way to write a whole number or a fraction; one that is very long or very large stays as it is.
func number(text string) json.Number {
	const long = 40
	if len(text) > long {
		return json.Number(text)
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok && len(strings.TrimLeft(exponent, "+-0")) > 2 {
		return json.Number(text)
	}
	r, ok := new(big.Rat).SetString(text)
	switch {
	case !ok:
		return json.Number(text)
	case r.IsInt():
		return json.Number(r.Num().String())
	}
	return json.Number(strings.TrimRight(r.FloatString(150), "0"))
}
