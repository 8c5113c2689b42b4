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
	if len(all) < 70 {
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
			if len(v.plain) < 72 && h.Matches([]byte(v.plain+"x")) { // bcrypt ignores the rest
				t.Errorf("%s matches another password", v.hash)
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
		"scrypt$salt$63$8$1$" + d + "==", "scrypt$salt$1$8$1$" + d + "==", "scrypt$salt$64$8$1$", "scrypt:64:8$salt$" + strings.Repeat("00", 32), "scrypt:64:8:1$salt$0", "scrypt:64:8:1$salt$" + strings.Repeat("0", 8), "scrypt:$$",
		"pbkdf2_sha256$0$salt$" + d + "==", "pbkdf2_sha256$-1$salt$" + d + "==", "pbkdf2_sha256$1e3$salt$" + d + "==", "pbkdf2_sha256$10$salt$", "pbkdf2_sha256$10$salt", "pbkdf2_md4$10$salt$" + d + "==", "pbkdf2_sha256$99999999999$salt$" + d + "==",
		"pbkdf2:sha256$salt$" + strings.Repeat("00", 32), "pbkdf2:sha3:10$salt$" + strings.Repeat("00", 32), "pbkdf2:sha256:10$salt$zz", "$pbkdf2-sha256$10$" + d, "$pbkdf2-md5$10$" + d + "$" + d, "$pbkdf2-sha256$i=,l=32$" + d + "$" + d,
		"{SSHA}", "{SSHA}!", "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "{SHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p", "{SHA}AAAA", "{SHA999}AAAA", "{CRYPT}ab0CdEfGhIjKl", "{PBKDF2-}10$" + d + "$" + d, "{PBKDF2-SHA256}10$" + d, "{SSHA}" + strings.Repeat("A", 1500),
		"bcrypt$", "bcrypt$2b$05$" + b53, "bcrypt_sha256$$argon2id$v=19$m=64,t=1,p=1$" + d + "$" + d, "bcrypt_sha256$" + b53, "argon2$", strings.Repeat("$", 3000), strings.Repeat("a", 70_000),
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
		if c.Fuel < 200_000 && c.Memory < 1<<20 {
			h.Matches([]byte("correct horse"))
		}
	})
}
