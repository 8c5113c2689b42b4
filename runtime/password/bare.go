package password

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
	"golang.org/x/text/unicode/norm"
)

// parseBare reads the formats that are base64 without a prefix: those of ASP.NET Identity, whose first
// byte is a version, and those of Jasypt, which differ in length.
func parseBare(s string) (Hash, error) {
	if strings.Trim(s, "0123456789abcdefABCDEF") == "" { // hex, whose algorithm is not known
		return Hash{}, ErrUnknown
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) == 0 {
		return Hash{}, ErrUnknown
	}
	switch {
	case len(b) == 49 && b[0] == 0:
		return newPBKDF2(digests["sha1"], 1000, b[1:17], b[17:]), nil
	case len(b) > 13 && b[0] == 1 && b[1] == 0 && b[2] == 0 && b[3] == 0:
		return parseIdentity3(b)
	case len(b) == 24: // BasicPasswordEncryptor
		return newJasypt(digests["md5"], 1000, b[:8], b[8:]), nil
	case len(b) == 48: // StrongPasswordEncryptor
		return newJasypt(digests["sha256"], 100_000, b[:16], b[16:]), nil
	}
	return Hash{}, ErrUnknown
}

// parseIdentity3 reads version 3 of ASP.NET Identity: the version, then the function, the iterations
// and the length of the salt in 4 bytes each, salt and subkey.
func parseIdentity3(b []byte) (Hash, error) {
	prf, rounds := binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint32(b[5:])
	length, rest := binary.BigEndian.Uint32(b[9:]), b[13:]
	names := []string{"sha1", "sha256", "sha512"}
	if int64(prf) >= int64(len(names)) || rounds < 1 || rounds > math.MaxInt32 || length < 16 || int64(length) > int64(len(rest)) {
		return Hash{}, ErrMalformed
	}
	salt, want := rest[:length], rest[length:]
	if !validLengths(salt, want) {
		return Hash{}, ErrMalformed
	}
	return newPBKDF2(digests[names[prf]], int(rounds), salt, want), nil
}

// newJasypt hashes salt and password, then the digest again and again. Jasypt normalizes the password
// first (NFC).
func newJasypt(d digest, rounds int, salt, want []byte) Hash {
	cost := Cost{Fuel: runtime.Product((d.fuel+1)/2, int64(rounds)), PerByte: 8, Cores: 1}
	return Hash{cost, func(plain []byte) bool {
		h := d.new()
		h.Write(salt)
		h.Write(norm.NFC.Bytes(plain))
		sum := h.Sum(nil)
		for range rounds - 1 {
			h.Reset()
			h.Write(sum)
			sum = h.Sum(sum[:0])
		}
		return equalBytes(sum, want)
	}}
}
