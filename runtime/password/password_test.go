package password_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime/password"
)

type vector struct{ name, plain, hash string }

// readVectors reads hashes that other programs made.
func readVectors(t testing.TB) (all []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if parts := strings.Split(strings.TrimRight(line, "\n"), "\t"); len(parts) == 3 {
			all = append(all, vector{parts[0], parts[1], parts[2]})
		}
	}
	if len(all) < 180 {
		t.Fatalf("%d vectors", len(all))
	}
	return all
}

func TestMatches(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			h, err := password.Parse(v.hash)
			if err != nil {
				t.Fatal(err)
			}
			if c := h.Cost(); c.Fuel <= 0 || c.Memory < 0 || c.Cores < 1 {
				t.Errorf("the cost is %+v", c)
			}
			if !h.Matches([]byte(v.plain)) {
				t.Errorf("%s does not match its password", v.hash)
			}
			for _, other := range []string{v.plain + "x", v.plain + "\x00", "x" + v.plain, "\x00"} {
				if h.Matches([]byte(other)) {
					t.Errorf("%s matches %q", v.hash, other)
				}
			}
		})
	}
}

// TestBcryptLength wants no match for a password whose store checked only the first 72 bytes, or those
// before a NUL.
func TestBcryptLength(t *testing.T) {
	const hash = "$2b$05$abcdefghijklmnopqrstuuwc6L/jfLj8GZZaCpQPVbeg/Us/xKcL2"
	const exact = "This string is seventy-two characters long. That's also 72 bytes in size"
	long := strings.Repeat("x", 100) // its hash is of the first 72
	tests := []struct {
		name, plain, hash string
		want              bool
	}{
		{"72 bytes", exact, hash, true},
		{"73 bytes", exact + "!", hash, false},
		{"71 bytes", exact[:71], hash, false},
		{"NUL at the end", exact + "\x00", hash, false},
		{"NUL instead of the last", exact[:71] + "\x00", hash, false},
		{"long", long, "$2b$04$qhg.javVpttWVNYmuzQATOnHKh.xwcgTaP9HAiSbMj7GgEUOvZx9W", false},
		{"the long one's first 72", long[:72], "$2b$04$qhg.javVpttWVNYmuzQATOnHKh.xwcgTaP9HAiSbMj7GgEUOvZx9W", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := password.Parse(tt.hash)
			if err != nil {
				t.Fatal(err)
			}
			if got := h.Matches([]byte(tt.plain)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseRejects(t *testing.T) {
	const b53 = "abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u"
	const d = "c29tZXNhbHRzb21lc2FsdA"
	for _, hash := range []string{
		"x", "$", "$$", "{", "{}", "{SSHA", "correct horse", "5f4dcc3b5aa765d61d8327deb882cf99", "$1$abc$def", "$6$salt$digest", "$2$05$" + b53, "$2x$05$" + b53,
		"$2b$", "$2b$3$" + b53, "$2b$03$" + b53, "$2b$32$" + b53, "$2b$99$" + b53, "$2b$-5$" + b53, "$2b$0x$" + b53, "$2b$05$" + b53[1:], "$2b$05$" + b53 + "a", "$2b$05$" + b53 + "$", "$2b$05$!" + b53[1:],
		"$argon2d$v=19$m=64,t=1,p=1$" + d + "$" + d, "$argon2id$v=16$m=64,t=1,p=1$" + d + "$" + d, "$argon2id$m=64,t=1,p=1$" + d + "$" + d,
		"$argon2id$v=19$m=0,t=1,p=1$" + d + "$" + d, "$argon2id$v=19$m=64,t=0,p=1$" + d + "$" + d, "$argon2id$v=19$m=64,t=1,p=0$" + d + "$" + d,
		"$argon2id$v=19$m=64,t=1,p=256$" + d + "$" + d, "$argon2id$v=19$m=64,t=1,p=64$" + d + "$" + d, "$argon2id$v=19$m=64,t=1,p=1,keyid=1$" + d + "$" + d,
		"$argon2id$v=19$m=64,m=64,t=1,p=1$" + d + "$" + d, "$argon2id$v=19$m=64,t=1$" + d + "$" + d, "$argon2id$v=19$m=99999999999,t=1,p=1$" + d + "$" + d,
		"$argon2id$v=19$m=64,t=1,p=1$" + d + "$", "$argon2id$v=19$m=64,t=1,p=1$" + d + "$c29t", "$argon2id$v=19$m=64,t=1,p=1$!$" + d, "$argon2id$v=19$m=64,t=1,p=1$" + d + "$" + d + "$", "$argon2id$v=19$m=64,t=1,p=1$" + d + "$" + strings.Repeat("A", 400),
		"$scrypt$ln=0,r=8,p=1$" + d + "$" + d, "$scrypt$ln=31,r=8,p=1$" + d + "$" + d, "$scrypt$ln=4,r=0,p=1$" + d + "$" + d, "$scrypt$ln=4,r=1048576,p=1048576$" + d + "$" + d, "$scrypt$ln=4,r=8$" + d + "$" + d,
		"scrypt$63$salt$8$1$" + d + "==", "scrypt$1$salt$8$1$" + d + "==", "scrypt$64$salt$8$1$", "scrypt:64:8$salt$" + strings.Repeat("00", 32), "scrypt:64:8:1$salt$0", "scrypt:64:8:1$salt$" + strings.Repeat("0", 8), "scrypt:$$",
		"pbkdf2_sha256$0$salt$" + d + "==", "pbkdf2_sha256$-1$salt$" + d + "==", "pbkdf2_sha256$1e3$salt$" + d + "==", "pbkdf2_sha256$10$salt$", "pbkdf2_sha256$10$salt", "pbkdf2_md4$10$salt$" + d + "==", "pbkdf2_sha256$99999999999$salt$" + d + "==",
		"pbkdf2:sha256$salt$" + strings.Repeat("00", 32), "pbkdf2:sha3:10$salt$" + strings.Repeat("00", 32), "pbkdf2:sha256:10$salt$zz", "$pbkdf2-sha256$10$" + d, "$pbkdf2-md5$10$" + d + "$" + d, "$pbkdf2-sha256$i=,l=32$" + d + "$" + d,
		"{SSHA}", "{SSHA}!", "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "{SHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p", "{SHA}AAAA", "{SHA999}AAAA", "{CRYPT}ab0CdEfGhIjKl", "{PBKDF2-}10$" + d + "$" + d, "{PBKDF2-SHA256}10$" + d, "{SSHA}" + strings.Repeat("A", 1500),
		"$5$", "$5$salt", "$5$rounds=999$s$" + strings.Repeat("a", 43), "$5$rounds=1000000000$s$" + strings.Repeat("a", 43), "$5$rounds=$s$" + strings.Repeat("a", 43), "$5$1000$s$" + strings.Repeat("a", 43),
		"$5$" + strings.Repeat("s", 17) + "$" + strings.Repeat("a", 43), "$5$s$" + strings.Repeat("a", 42), "$6$s$" + strings.Repeat("a", 43), "$6$s$" + strings.Repeat("a", 85) + "=", "$6$s$" + strings.Repeat("a", 86) + "$",
		"$1$toolong42$" + strings.Repeat("a", 22), "$apr1$s$" + strings.Repeat("a", 21), "$sha1$0$s$" + strings.Repeat("a", 28), "$sha1$x$s$" + strings.Repeat("a", 28), "$sha1$99999999999$s$" + strings.Repeat("a", 28),
		"$y$", "$y$j9T$", "$y$k9T$F5Jx5fExrKuPp53xLKQ..1$" + strings.Repeat("a", 43), "$y$jzz$F5Jx5fExrKuPp53xLKQ..1$" + strings.Repeat("a", 43), "$y$j9T$$" + strings.Repeat("a", 43), "$y$j9T$!$" + strings.Repeat("a", 43), "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" + strings.Repeat("a", 42),
		"$P$", "$P$Bsaltsalt", "$P$/saltsalt" + strings.Repeat("a", 22), "$P$zsaltsalt" + strings.Repeat("a", 22), "$S$Dsaltsalt" + strings.Repeat("a", 22), "$P$Bsaltsalt" + strings.Repeat("!", 22),
		"$wp", "$wp$", "$wp$argon2id$v=19$m=64,t=1,p=1$" + d + "$" + d, "$wp$2y$03$" + b53, "$wp$wp$2y$05$" + b53, "{CRYPT}$wp", "{CRYPT}$6$", "{CRYPT}",
		"AA==", "AQAAAAEAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg==", "AQAAAAMAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg8F/3BsmHKt6Va+kvhwezJO6f9Znqp6osugLzJ7HW9qug==", "AQAAAAEAAAAAAAAAEAABAgMEBQYHCAkKCwwNDg8F/3BsmHKt6Va+kvhwezJO6f9Znqp6osugLzJ7HW9qug==",
		"AQAAAAH////8AAAAEAABAgMEBQYHCAkKCwwNDg8F/3BsmHKt6Va+kvhwezJO6f9Znqp6osugLzJ7HW9qug==", "AQAAAAEAAAPoAAAADwABAgMEBQYHCAkKCwwNDg8F/3BsmHKt6Va+kvhwezJO6f9Znqp6osugLzJ7HW9qug==", "AQAAAAEAAAPo/////wABAgMEBQYHCAkKCwwNDg8F/3BsmHKt6Va+kvhwezJO6f9Znqp6osugLzJ7HW9qug==",
		strings.Repeat("0", 64), strings.Repeat("A", 63), "{PKCS5S2}", "{PKCS5S2}AAAA", "$bcrypt-sha256$2x,4$abcdefghijklmnopqrstuu$" + b53[22:], "$bcrypt-sha256$2b,3$abcdefghijklmnopqrstuu$" + b53[22:], "$bcrypt-sha256$2b$abcdefghijklmnopqrstuu$" + b53[22:],
		`{"`, `{"algorithm":"SHA-512"}`, `{"algorithm":"SHA-256","salt":"AAAA","value":"7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p7n04+TnFpJg="}`, `{"algorithm":"SHA-256","salt":"AAAA","saltOrder":"prefix","value":"7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p7n04+TnFpJg="}`, `{"algorithm":"SHA-1","saltOrder":"PREFIX","value":""}`,
		`{"algorithm":"SHA-1","salt":"AAAA","saltOrder":"PREFIX","value":null}`, `{"algorithm":"SHA-1","salt":"!","saltOrder":"PREFIX","value":"L55TUjtiq8FBorTWAZ0jy6g129A="}`, `{"algorithm":"BCRYPT","workFactor":3,"salt":"abcdefghijklmnopqrstuu","value":"IrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u"}`, `{"algorithm":"BCRYPT","workFactor":5,"salt":"abc","value":"IrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u"}`,
		`{"algorithm":"PBKDF2","digestAlgorithm":"SHA256_HMAC","iterationCount":0,"salt":"AAAA","value":"7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p7n04+TnFpJg="}`, `{"algorithm":"PBKDF2","digestAlgorithm":"MD5","iterationCount":5,"salt":"AAAA","value":"7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p7n04+TnFpJg="}`, `{"algorithm":"PBKDF2","digestAlgorithm":"SHA256_HMAC","iterationCount":5,"keySize":16,"salt":"AAAA","value":"7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p7n04+TnFpJg="}`,
		"scrypt$seasalt$64$8$1$" + d + "==", "bcrypt$", "bcrypt$2b$05$" + b53, "bcrypt_sha256$$argon2id$v=19$m=64,t=1,p=1$" + d + "$" + d, "bcrypt_sha256$" + b53, "argon2$", strings.Repeat("$", 3000), strings.Repeat("a", 70_000),
	} {
		t.Run(fmt.Sprintf("%.60s", hash), func(t *testing.T) {
			_, err := password.Parse(hash)
			if !errors.Is(err, password.ErrUnknown) && !errors.Is(err, password.ErrMalformed) {
				t.Fatalf("got %v, want ErrUnknown or ErrMalformed", err)
			}
			if len(hash) > 8 && strings.Contains(err.Error(), hash) {
				t.Errorf("the message contains the hash: %v", err)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	w := password.NewWorkers(1)
	defer w.Close()
	h, err := password.Parse("{SSHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p")
	if err != nil {
		t.Fatal(err)
	}
	if ok, done := w.Verify(h, "correct horse", time.Minute); !ok || !done {
		t.Errorf("the password: got %v %v", ok, done)
	}
	if ok, done := w.Verify(h, "correct house", time.Minute); ok || !done {
		t.Errorf("another password: got %v %v", ok, done)
	}
	slow, err := password.Parse("$2b$10$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u")
	if err != nil {
		t.Fatal(err)
	}
	if _, done := w.Verify(slow, "correct horse", time.Microsecond); done {
		t.Error("bcrypt of cost 10 ends within a microsecond")
	}
	// it waits for the abandoned hash
	if ok, done := w.Verify(h, "correct horse", time.Minute); !ok || !done {
		t.Errorf("after a hash whose caller left: got %v %v", ok, done)
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.hash)
	}
	f.Add("$argon2id$v=19$m=4194304,t=1,p=1$AAAA$AAAA")
	f.Add("{SSHA}")
	f.Fuzz(func(t *testing.T, hash string) {
		h, err := password.Parse(hash)
		if err != nil {
			return
		}
		c := h.Cost()
		if c.Fuel <= 0 || c.Memory < 0 || c.Cores < 1 {
			t.Errorf("the cost is %+v", c)
		}
		if c.Fuel < 200_000 && c.PerByte < 20_000 && c.Memory < 1<<20 {
			h.Matches([]byte("correct horse"))
		}
	})
}
