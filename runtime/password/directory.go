package password

import (
	"encoding/base64"
	"strings"
)

// schemes maps the words in braces that directories use to hash functions; those with an S are
// salted.
var schemes = map[string]string{
	"SHA": "sha1", "SSHA": "sha1", "SHA256": "sha256", "SSHA256": "sha256", "SHA384": "sha384", "SSHA384": "sha384",
	"SHA512": "sha512", "SSHA512": "sha512", "MD5": "md5", "SMD5": "md5",
}

// parseDirectory reads {SCHEME}… (RFC 2307).
func parseDirectory(s string) (Hash, error) {
	scheme, rest, ok := strings.Cut(s[1:], "}")
	scheme = strings.ToUpper(scheme)
	switch {
	case !ok:
		return Hash{}, ErrUnknown
	case scheme == "CRYPT" || scheme == "BCRYPT" || scheme == "ARGON2":
		return parseCrypt(rest)
	case scheme == "PKCS5S2":
		return parseAtlassian(rest)
	case scheme == "PBKDF2" || strings.HasPrefix(scheme, "PBKDF2-"):
		return parsePBKDF2(strings.ToLower(scheme), strings.Split(rest, "$"))
	case schemes[scheme] == "":
		return Hash{}, ErrUnknown
	}
	d := digests[schemes[scheme]]
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(rest, "="))
	if err != nil || len(b) < d.size || len(b) > d.size+maxSalt {
		return Hash{}, ErrMalformed
	}
	if salted := scheme == "SMD5" || strings.HasPrefix(scheme, "SS"); salted != (len(b) > d.size) {
		return Hash{}, ErrMalformed
	}
	return newDigest(d, nil, b[d.size:], b[:d.size]), nil
}

// parseAtlassian reads {PKCS5S2} of Atlassian: 16 bytes of salt and 32 of digest.
func parseAtlassian(s string) (Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 48 {
		return Hash{}, ErrMalformed
	}
	return newPBKDF2(digests["sha1"], 10_000, b[:16], b[16:]), nil
}
