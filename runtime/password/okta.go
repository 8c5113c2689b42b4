package password

import (
	"encoding/base64"
	"math"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// oktaDigests and oktaPRFs map the names of Okta's hash object to hash functions.
var (
	oktaDigests = map[string]string{"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
	oktaPRFs    = map[string]string{"SHA256_HMAC": "sha256", "SHA512_HMAC": "sha512"}
)

// parseOkta reads the hash object of Okta's user import as JSON:
// {"algorithm": "SHA-512", "salt": base64, "saltOrder": "PREFIX", "value": base64}.
func parseOkta(s string) (Hash, error) {
	var d jsondoc.Doc
	if err := d.Parse([]byte(s), jsondoc.Limits{Bytes: MaxLength}); err != nil {
		return Hash{}, ErrMalformed
	}
	o := d.Root()
	switch algorithm := o.Get("algorithm").Text(); algorithm {
	case "BCRYPT":
		cost, ok := o.Get("workFactor").Int()
		if salt := o.Get("salt").Text(); ok && cost >= 4 && cost <= 31 && len(salt) == 22 {
			return parseCrypt("$2a$" + twoDigits(int(cost)) + "$" + salt + o.Get("value").Text())
		}
	case "PBKDF2":
		return parseOktaPBKDF2(o)
	default:
		if name := oktaDigests[algorithm]; name != "" {
			return parseOktaDigest(o, digests[name])
		}
	}
	return Hash{}, ErrMalformed
}

func parseOktaDigest(o jsondoc.Node, d digest) (Hash, error) {
	salt, want, ok := decodeSaltAndDigest(o.Get("salt").Text(), o.Get("value").Text(), base64.StdEncoding)
	if !ok || len(want) != d.size {
		return Hash{}, ErrMalformed
	}
	switch order := o.Get("saltOrder").Text(); {
	case order == "PREFIX":
		return newDigest(d, salt, nil, want), nil
	case order == "POSTFIX" || order == "" && len(salt) == 0:
		return newDigest(d, nil, salt, want), nil
	}
	return Hash{}, ErrMalformed
}

func parseOktaPBKDF2(o jsondoc.Node) (Hash, error) {
	salt, want, ok := decodeSaltAndDigest(o.Get("salt").Text(), o.Get("value").Text(), base64.StdEncoding)
	rounds, isInt := o.Get("iterationCount").Int()
	size, sized := o.Get("keySize").Int()
	d, known := digests[oktaPRFs[o.Get("digestAlgorithm").Text()]]
	if !ok || !isInt || rounds < 1 || rounds > math.MaxInt32 || !known || sized && size != int64(len(want)) {
		return Hash{}, ErrMalformed
	}
	return newPBKDF2(d, int(rounds), salt, want), nil
}
