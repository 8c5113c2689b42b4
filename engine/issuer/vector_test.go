package issuer

import (
	"strings"
	"testing"
)

// The keys of the RFCs, as they print them.
const (
	key7515A2 = `{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}`
	key7515A3 = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	key7515A4 = `{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}`
	key7515A1 = `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	key7520RS = `{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"}`
	key7520EC = `{"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}`

	joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	it  = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"

	sig7515A1 = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	sig7515A2 = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	sig7515A3 = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	sig7515A4 = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
	sig752041 = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
	sig752042 = "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"
	sig752043 = "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"
)

// TestVectors verifies tokens of the RFCs with their keys, whatever their claims.
func TestVectors(t *testing.T) {
	tests := []struct {
		name, key, token string
		keys             bool // the key is one that tokens are checked by
		opens            Verdict
		signed           bool
	}{
		{"RFC7515A1HS256", key7515A1, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joe + "." + sig7515A1, false, Accepted, false},
		{"RFC7515A2RS256", key7515A2, "eyJhbGciOiJSUzI1NiJ9." + joe + "." + sig7515A2, true, Accepted, true},
		{"RFC7515A3ES256", key7515A3, "eyJhbGciOiJFUzI1NiJ9." + joe + "." + sig7515A3, true, Accepted, true},
		{"RFC7515A4ES512", key7515A4, "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA." + sig7515A4, true, Accepted, true},
		{"RFC7515A5Unsecured", key7515A2, "eyJhbGciOiJub25lIn0." + joe + ".", true, Malformed, false},
		{"RFC7519S6Unsecured", key7515A2, "eyJhbGciOiJub25lIn0." + joe + ".AA", true, Accepted, false},
		{"RFC7520S41RS256", key7520RS, "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." + it + "." + sig752041, true, Accepted, true},
		{"RFC7520S42PS384", key7520RS, "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." + it + "." + sig752042, true, Accepted, true},
		{"RFC7520S43ES512", key7520EC, "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." + it + "." + sig752043, true, Accepted, true},
		{"RFC7520S56Encrypted", key7520RS, "eyJhbGciOiJkaXIiLCJraWQiOiI3N2M3ZTJiOC02ZTEzLTQ1Y2YtODY3Mi02MTdiNWI0NTI0M2EiLCJlbmMiOiJBMTI4R0NNIn0..refa467QzzKx6QAB.JW_i.vbb32Xvllea2OtmHAdccRQ", true, Malformed, false},
		{"AnotherKey", key7520RS, "eyJhbGciOiJSUzI1NiJ9." + joe + "." + sig7515A2, true, Accepted, false},
		{"AnotherSignature", key7515A2, "eyJhbGciOiJSUzI1NiJ9." + joe + "." + sig752041, true, Accepted, false},
		{"AnotherAlgorithm", key7515A2, "eyJhbGciOiJSUzM4NCJ9." + joe + "." + sig7515A2, true, Accepted, false},
		{"DetachedRFC7515F", key7515A2, "eyJhbGciOiJSUzI1NiJ9.." + sig7515A2, true, Accepted, false},
		{"UnencodedRFC7797", key7515A1, "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19.JC4wMg.A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY", false, Header, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := parseKeys([]byte(`{"keys":[` + tt.key + `]}`))
			if (err == nil) != tt.keys {
				t.Fatalf("keys: %v", err)
			}
			token, v := parseCompact([]byte(tt.token))
			if v != tt.opens {
				t.Fatalf("got %v, want %v", v, tt.opens)
			}
			if v != Accepted || set == nil {
				return
			}
			signed := false
			for _, k := range set.find(token.kid, token.algorithm) {
				signed = token.signedBy(k)
			}
			if signed != tt.signed {
				t.Errorf("signed: %v, want %v", signed, tt.signed)
			}
		})
	}
}

// TestKeySets: of the sets of RFC 7517 the keys are taken that tokens may be signed with.
func TestKeySets(t *testing.T) {
	const n = `"n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"`
	const ec = `"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	tests := []struct {
		name, text string
		want       int // 0: no usable key; -1: no key set
	}{
		{"RFC7517A1", `{"keys":[{` + ec + `,"use":"enc","kid":"1"},{"kty":"RSA",` + n + `,"e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}`, 1},
		{"Both", `{"keys":[{` + ec + `},{"kty":"RSA",` + n + `,"e":"AQAB","use":"sig","key_ops":["verify"]}]}`, 2},
		{"RFC7517A2Private", `{"keys":[{` + ec + `,"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}]}`, 0},
		{"RFC7517A3Symmetric", `{"keys":[` + key7515A1 + `]}`, 0},
		{"Edwards", `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`, 0},
		{"Secp256k1", `{"keys":[{"kty":"EC","crv":"secp256k1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`, 0},
		{"NotOnItsCurve", `{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFzM"}]}`, 0},
		{"SmallModulus", `{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 170) + `w","e":"AQAB"}]}`, 0},
		{"HugeModulus", `{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 20_000) + `","e":"AQAB"}]}`, 0},
		{"ExponentOne", `{"keys":[{"kty":"RSA",` + n + `,"e":"AQ"}]}`, 0},
		{"EvenExponent", `{"keys":[{"kty":"RSA",` + n + `,"e":"AQAC"}]}`, 0},
		{"ForEncryption", `{"keys":[{"kty":"RSA",` + n + `,"e":"AQAB","key_ops":["encrypt"]}]}`, 0},
		{"UseNoText", `{"keys":[{"kty":"RSA",` + n + `,"e":"AQAB","use":["sig"]}]}`, 0},
		{"LongName", `{"keys":[{"kty":"RSA",` + n + `,"e":"AQAB","kid":"` + strings.Repeat("k", maxKid+1) + `"}]}`, 0},
		{"ForeignCertificate", `{"keys":[{"kty":"RSA",` + n + `,"e":"AQAB","x5c":["AAAA"]}]}`, 0},
		{"Empty", `{"keys":[]}`, 0},
		{"TooMany", `{"keys":[{}` + strings.Repeat(",{}", maxKeys) + `]}`, -1},
		{"NoKeys", `{}`, -1},
		{"KeysNoList", `{"keys":{}}`, -1},
		{"MemberTwice", `{"keys":[],"keys":[]}`, -1},
		{"List", `[]`, -1},
		{"Page", `<html>`, -1},
		{"Nothing", ``, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := parseKeys([]byte(tt.text))
			got := -1
			switch {
			case err == errNoKey:
				got = 0
			case err == nil:
				got = len(set.list)
			}
			if got != tt.want {
				t.Errorf("got %d (%v), want %d", got, err, tt.want)
			}
		})
	}
}

func FuzzReadKeys(f *testing.F) {
	for _, k := range []string{key7515A1, key7515A2, key7515A3, key7515A4, key7520RS, key7520EC, `{"kty":"RSA","n":"AQ","e":"AQ","d":"AQ"}`, `{"use":1,"key_ops":{}}`} {
		f.Add([]byte(`{"keys":[` + k + `]}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseKeys(text)
		if (err == nil) != (set != nil && len(set.list) > 0) {
			t.Fatalf("%v, %v", set, err)
		}
		if err != nil {
			return
		}
		if !set.hasSameKeys(set) {
			t.Error("a set is not the same as itself")
		}
		token, v := parseCompact([]byte("eyJhbGciOiJSUzI1NiJ9." + joe + "." + sig7515A2))
		if v != Accepted {
			t.Fatal(v)
		}
		for _, k := range set.find("", token.algorithm) {
			token.signedBy(k)
		}
	})
}

// FuzzReadToken: any token is parsed without a panic, and equals its own re-encoding.
func FuzzReadToken(f *testing.F) {
	for _, head := range []string{"eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJub25lIn0", "e30", "eyJhbGciOiJFUzI1NiIsImtpZCI6IlwiIn0", ""} {
		for _, payload := range []string{joe, it, "e30", ""} {
			f.Add(head + "." + payload + "." + sig7515A3)
			f.Add(head + "." + payload + ".")
		}
	}
	set, err := parseKeys([]byte(`{"keys":[` + key7515A2 + "," + key7515A3 + "," + key7520RS + `]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, v := parseToken([]byte(text))
		if v != Accepted {
			if v >= verdictCount {
				t.Error(v)
			}
			return
		}
		parts := strings.Split(text, ".")
		if encoding.EncodeToString(token.payload) != parts[1] || len(parts) != 3 {
			t.Error("the payload is not the one that was written")
		}
		known := text == "eyJhbGciOiJSUzI1NiJ9."+joe+"."+sig7515A2 || text == "eyJhbGciOiJFUzI1NiJ9."+joe+"."+sig7515A3
		for _, k := range set.find(token.kid, token.algorithm) {
			if token.signedBy(k) && !known {
				t.Errorf("%s is signed", text)
			}
		}
	})
}
