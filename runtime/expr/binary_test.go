package expr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// The digests of that salt before and after a password, made with hashlib.
const (
	prefixSum  = "6f5081c7b5c0634a83862d406370924616c6a32c"
	postfixSum = "694ff7a2d8a7e73ce075f7c92c72b6b111b49c31"
	keySum     = "0068cf710da0ef51"
)

const binaryPayload = `{"data": {"userProfile": {"b64": "/8Cawyj+gAE=", "hex": "ffc09ac328fe8001", "text": "YWRh", "on": true}}}`

// TestBinary hashes and encodes decoded bytes that are not UTF-8.
func TestBinary(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"Prefix", `sha1(fromHex(P.hex) + 'pw')`, `"PREFIX"`},
		{"Postfix", `sha1('pw' + fromHex(P.hex))`, `"POSTFIX"`},
		{"Key", `hmac(fromHex(P.hex), fromHex(P.hex) + 'pw')[:16]`, `"KEY"`},
		{"Let", `let s = fromHex(P.hex); sha1(s + 'pw') == 'PREFIX'`, `true`},
		{"Let of the hook", `sha1(salt + 'pw') == 'PREFIX'`, `true`},
		{"Otherwise", `sha1((fromHex(P.gone) ?? fromHex(P.hex)) + 'pw') == 'PREFIX'`, `true`},
		{"Either", `sha1((P.on ? fromHex(P.hex) : 'x') + 'pw') == 'PREFIX'`, `true`},
		{"Constant", `sha1(fromHex('ffc09ac328fe8001') + 'pw') == 'PREFIX'`, `true`},
		{"Encoded again", `toHex(fromHex(P.hex)) + toBase64(fromHex(P.hex)) + toBase64url(fromHex('ff'))`, `"ffc09ac328fe8001/8Cawyj+gAE=_w"`},
		{"Text after all", `fromBase64(P.text) == 'ada' and upper(fromHex('616461')) == 'ADA'`, `true`},
		{"Missing", `sha1(fromHex(P.gone) + 'pw')`, `null`},
	}
	values := strings.NewReplacer("P.", "data.userProfile.", "POSTFIX", postfixSum, "PREFIX", prefixSum, "KEY", keySum)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newHarness(t, hook.Registration)
			if err := w.env.Let("salt", `fromHex(data.userProfile.hex)`); err != nil {
				t.Fatal(err)
			}
			if got, err := w.eval(values.Replace(tt.src), binaryPayload); err != nil || got != values.Replace(tt.want) {
				t.Errorf("got %s %v, want %s", got, err, values.Replace(tt.want))
			}
		})
	}
}

// TestBinaryIsNoText wants such bytes to fail wherever they could get into an answer or a comparison.
func TestBinaryIsNoText(t *testing.T) {
	for _, src := range []string{
		`@`, `@ + 'x'`, `[@]`, `{'a': @}`, `toJSON(@)`, `@ == 'x'`, `'x' != @`, `@ in ['x']`, `upper(@)`, `trim(@)`, `@ + 'x' contains 'x'`, `@[1:]`, `len(@)`, `join([@])`, `string(@)`,
		`@ matches 'x'`, `@ < 'x'`, `tables.tiers[@] ?? 'x'`, `let s = @; s`, `data.userProfile.on ? @ : 'x'`, `@ ?? 'x'`, `data.userProfile.gone ?? @`, `urlEncode(@)`, `map(['x'], @)`, `salt`, `replace('x', 'x', @)`,
		`password('x', @)`, `data[@]`,
	} {
		w := newHarness(t, hook.Registration)
		if err := w.env.Let("salt", `fromHex(data.userProfile.hex)`); err != nil {
			t.Fatal(err)
		}
		for _, salt := range []string{`fromHex(data.userProfile.hex)`, `fromBase64(data.userProfile.b64)`, `salt`} {
			src := strings.ReplaceAll(src, "@", salt)
			if got, err := w.eval(src, binaryPayload); !errors.Is(err, runtime.ErrValue) || !strings.Contains(err.Error(), "the decoded bytes are not a text") {
				t.Errorf("%s: got %s %v", src, got, err)
			}
		}
		constant := strings.ReplaceAll(src, "@", `fromHex('ff')`)
		if _, err := expr.Compile(constant, w.env); err == nil || !strings.Contains(err.Error(), "the decoded bytes are not a text") {
			if _, err := w.eval(constant, binaryPayload); err == nil {
				t.Errorf("%s: no error", constant)
			}
		}
	}
}
