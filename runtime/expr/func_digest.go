package expr

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/tenterhook/tenterhook/runtime"
)

// digestFunctions compute hashes. A plain hash of a secret is as secret as the secret, because all
// passwords and codes can be tried. An hmac can only be compared without its key; under a secret
// key it is as secret as the key.
var digestFunctions = map[string]*function{
	"sha256": {usage: "sha256(text, form?) text", doc: "SHA-256 in hex, or in the form 'base64' or 'base64url'",
		example: `sha256('ada@example.com')[:16]`, value: `"b5fc85e55755f9e0"`, cost: "4 + text/16",
		args: []types{text, text}, optional: 1, result: text, constArgs: 2, bytesArgs: 1, keepsSecret: true, bind: bindDigest(sha256.New)},
	"sha512": {usage: "sha512(text, form?) text", doc: "SHA-512, likewise",
		example: `sha512('ada@example.com')[:16]`, value: `"8618c684a678c6cf"`, cost: "4 + text/16",
		args: []types{text, text}, optional: 1, result: text, constArgs: 2, bytesArgs: 1, keepsSecret: true, bind: bindDigest(sha512.New)},
	"sha1": {usage: "sha1(text, form?) text", doc: "SHA-1, for old systems: it is not secure",
		example: `sha1('ada@example.com')[:16]`, value: `"3ca93ad87e0bb737"`, cost: "4 + text/16",
		args: []types{text, text}, optional: 1, result: text, constArgs: 2, bytesArgs: 1, keepsSecret: true, bind: bindDigest(sha1.New)},
	"md5": {usage: "md5(text, form?) text", doc: "MD5, for old systems: it is not secure",
		example: `md5('ada@example.com')`, value: `"3e3417d7ef77d5932a6734b916515ed5"`, cost: "4 + text/16",
		args: []types{text, text}, optional: 1, result: text, constArgs: 2, bytesArgs: 1, keepsSecret: true, bind: bindDigest(md5.New)},
	"hmac": {usage: "hmac(key, text, form?) text", doc: "HMAC with SHA-256 under the key, in hex, or in the form 'base64' or 'base64url'; the result is not secret",
		example: `hmac('key', 'ada@example.com')[:16]`, value: `"20caa94149b865c2"`, cost: "8 + key/16 + text/16",
		args: []types{text, text, text}, optional: 1, result: text, hiddenArgs: 2, constArgs: 4, bytesArgs: 3, constProblem: notEmptyText(0, "hmac wants a key that is not empty"), bind: bindHMAC},
}

// textEncoding encodes bytes as text.
type textEncoding struct {
	size   func(int) int
	append func(dst, src []byte) []byte
}

var textEncodings = map[string]textEncoding{
	"hex":       {hex.EncodedLen, hex.AppendEncode},
	"base64":    {base64.StdEncoding.EncodedLen, base64.StdEncoding.AppendEncode},
	"base64url": {base64.RawURLEncoding.EncodedLen, base64.RawURLEncoding.AppendEncode},
}

// encodingOf is the encoding named in argument i, hex without one.
func encodingOf(args []runtime.Value, i int) (textEncoding, error) {
	name := "hex"
	if i < len(args) {
		name = args[i].Text()
	}
	f, ok := textEncodings[name]
	if !ok {
		return f, fmt.Errorf("want the form hex, base64 or base64url, got %q", name)
	}
	return f, nil
}

func (f textEncoding) encode(r *runtime.Run, b []byte) runtime.Value {
	return textOfBytes(f.append(reserveText(r, f.size(len(b))), b))
}

func bindDigest(fresh func() hash.Hash) func(*Env, []runtime.Value) (callFunc, error) {
	return func(_ *Env, args []runtime.Value) (callFunc, error) {
		f, err := encodingOf(args, 1)
		if err != nil {
			return nil, err
		}
		return func(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
			h := fresh()
			writeHash(r, h, args[0].Text())
			var sum [sha512.Size]byte
			return f.encode(r, h.Sum(sum[:0]))
		}, nil
	}
}

func bindHMAC(_ *Env, args []runtime.Value) (callFunc, error) {
	f, err := encodingOf(args, 2)
	if err != nil {
		return nil, err
	}
	return func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
		key := args[0].Text()
		if key == "" {
			fail(pos, "hmac wants a key")
		}
		charge(r, 4+int64(len(key))>>4)
		h := hmac.New(sha256.New, bytesOf(key))
		writeHash(r, h, args[1].Text())
		var sum [sha256.Size]byte
		return f.encode(r, h.Sum(sum[:0]))
	}, nil
}

// writeHash writes s into h and charges for every window.
func writeHash(r *runtime.Run, h hash.Hash, s string) {
	charge(r, 3)
	for len(s) > 0 {
		w := s[:min(len(s), window)]
		charge(r, 1+int64(len(w))>>4)
		h.Write(bytesOf(w))
		s = s[len(w):]
	}
}
