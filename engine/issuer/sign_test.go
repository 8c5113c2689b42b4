package issuer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"sync"
	"time"
)

// now is the time of the tests' calls.
var now = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

type object = map[string]any

var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk is a public key as a set has it.
func jwk(kid string, k *rsa.PrivateKey, more object) object {
	o := object{"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
	maps.Copy(o, more)
	return o
}

func keySet(keys ...object) string { return string(must(json.Marshal(object{"keys": keys}))) }

// claims are those of a good token; more are put over them, nil takes one away.
func claims(more object) object {
	c := object{"ver": 1, "jti": "AT.x", "iss": at, "aud": "api://default", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"cid": "0oaClient", "scp": []string{"tenterhook"}, "sub": "0oaClient"}
	return mergeClaims(c, more)
}

func mergeClaims(c, more object) object {
	for k, v := range more {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

const at = "https://acme.okta.com/oauth2/default"

// sign makes a token. head is put over {"alg":"RS256","kid":"one"}.
func sign(k *rsa.PrivateKey, head, payload object) string {
	h := mergeClaims(object{"alg": "RS256", "kid": "one"}, head)
	return signText(k, string(must(json.Marshal(h))), string(must(json.Marshal(payload))))
}

func signText(k *rsa.PrivateKey, head, payload string) string {
	signed := b64([]byte(head)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(signed))
	return signed + "." + b64(must(rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])))
}
