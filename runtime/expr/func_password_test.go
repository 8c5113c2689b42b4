package expr_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/runtime/password"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

const verify = `password(data.context.credential.password, data.context.credential.username)`

// credential is an event with a hash as its user name, where the expressions of these tests read
// it.
func credential(plain, hash string) string {
	b := jsondoc.AppendString([]byte(`{"data": {"context": {"credential": {"password": `), plain)
	if hash == "" {
		return string(append(b, `}}}}`...))
	}
	b = jsondoc.AppendString(append(b, `, "username": `...), hash)
	return string(append(b, `}}}}`...))
}

type vector struct{ name, plain, hash string }

// verify evaluates a password expression under a budget.
func (w *harness) verify(x *expr.Expression, plain, hash string, b runtime.Budget) (runtime.Value, error) {
	return x.Eval(w.begin(credential(plain, hash), b))
}

func newVerifier(t testing.TB, src string) (*harness, *expr.Expression) {
	t.Helper()
	w := newHarness(t, hook.PasswordImport)
	x, err := expr.Compile(src, w.env)
	if err != nil {
		t.Fatal(err)
	}
	return w, x
}

func TestPassword(t *testing.T) {
	w, x := newVerifier(t, verify)
	roomy := runtime.Budget{Memory: 128 << 20}
	for _, v := range []vector{
		{"bcrypt", "correct horse", "$2b$04$S/rLz6liOsTOEnuAhB.6yuSbb1qpJQ3ecOdIj1Tmq/rx/hl4Cpyg2"},
		{"SSHA", "correct horse", "{SSHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p"},
	} {
		t.Run(v.name, func(t *testing.T) {
			if got, err := w.verify(x, v.plain, v.hash, roomy); err != nil || !got.Bool() {
				t.Errorf("%s: got %v %v", v.hash, got.Bool(), err)
			}
			if len(v.plain) >= 72 {
				return
			}
			if got, err := w.verify(x, v.plain+"x", v.hash, roomy); err != nil || got.Bool() {
				t.Errorf("%s of another password: got %v %v", v.hash, got.Bool(), err)
			}
		})
	}
}

func TestPasswordMissing(t *testing.T) {
	const mine = `password(data.context.credential.password, data.context.credential.username, '{SSHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p')`
	tests := []struct{ name, src, payload, want string }{
		// although it is the dummy's password
		{"no hash", mine, credential("correct horse", ""), "false"},
		{"no password", mine, `{"data": {"context": {"credential": {"username": "{SHA}x"}}}}`, "null"},
		{"the dummy's password", mine, credential("correct horse", "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="), "true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := newVerifier(t, mine)
			if got, err := w.eval(tt.src, tt.payload); err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
	w, x := newVerifier(t, verify)
	if w.verify(x, "x", "", runtime.Budget{}); w.m.Spent() < 5_000_000 { // in time or not
		t.Errorf("a missing hash spent %d, want what bcrypt of cost 10 takes", w.m.Spent())
	}
	w, x = newVerifier(t, mine)
	if _, missing, err := x.Match(w.begin(credential("x", ""), runtime.Budget{})); !missing || err != nil || !x.Nullable() {
		t.Errorf("a missing hash is not what decides: %v %v", missing, err)
	}
}

// TestCostlyHashes: the cost of a hash is checked against the budget before it is computed.
func TestCostlyHashes(t *testing.T) {
	const digest = "c29tZXNhbHRzb21lc2FsdA"
	tests := []struct {
		name, hash string
		want       error
	}{
		{"bcrypt 31", "$2b$31$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u", runtime.ErrFuel},
		{"bcrypt-sha256 31", "$bcrypt-sha256$v=2,t=2b,r=31$n0PRy213x71VAD1EUr/i2u$9q2/MY5EdqfIq2vkE4dwbLKF0zY5Oaa", runtime.ErrFuel},
		{"scrypt N", "$scrypt$ln=30,r=1,p=1$" + digest + "$" + digest, runtime.ErrMemory},
		{"scrypt r", "scrypt$2$salt$1048576$1$" + digest + "==", runtime.ErrMemory},
		{"scrypt p", "scrypt:1024:8:1048576$salt$" + strings.Repeat("00", 32), runtime.ErrMemory},
		{"scrypt time", "scrypt:16384:1:65536$salt$" + strings.Repeat("00", 32), runtime.ErrFuel},
		{"argon2 memory", "$argon2id$v=19$m=4194304,t=1,p=1$" + digest + "$" + digest, runtime.ErrMemory},
		{"argon2 most memory", "$argon2id$v=19$m=2147483647,t=1,p=1$" + digest + "$" + digest, runtime.ErrMemory},
		{"argon2 over the budget", "$argon2id$v=19$m=65536,t=1,p=1$" + digest + "$" + digest, runtime.ErrMemory},
		{"argon2 time", "$argon2id$v=19$m=1024,t=2147483647,p=1$" + digest + "$" + digest, runtime.ErrFuel},
		{"pbkdf2", "pbkdf2_sha256$1000000000$salt$" + digest + "==", runtime.ErrFuel},
		{"sha512crypt", "$6$rounds=999999999$salt$" + strings.Repeat("a", 86), runtime.ErrFuel},
		{"phpass", "$P$Ssaltsalt" + strings.Repeat("a", 22), runtime.ErrFuel},
		{"yescrypt", "$y$jFT$F5Jx5fExrKuPp53xLKQ..1$" + strings.Repeat("a", 43), runtime.ErrMemory},
		{"sha1crypt", "$sha1$2147483647$salt$" + strings.Repeat("a", 28), runtime.ErrFuel},
		{"identity", "AQAAAAF/////AAAAEAABAgMEBQYHCAkKCwwNDg8F/3BsmHKt6Va+kvhwezJO6f9Znqp6osugLzJ7HW9qug==", runtime.ErrFuel},
		{"pbkdf2 most", "$pbkdf2-sha512$2147483647$" + digest + "$" + digest, runtime.ErrFuel},
	}
	w, x := newVerifier(t, verify)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := w.verify(x, "x", tt.hash, runtime.Budget{}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	// A call without enough time does not start the hash.
	if _, err := w.verify(x, "x", "$2b$12$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u", runtime.Budget{Time: time.Millisecond}); !errors.Is(err, runtime.ErrTime) {
		t.Errorf("got %v, want ErrTime", err)
	}
}

func TestPasswordMalformed(t *testing.T) {
	w, x := newVerifier(t, verify)
	for _, hash := range []string{"correct horse", "$2b$32$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u", strings.Repeat("a", 70_000)} {
		_, err := w.verify(x, "correct horse", hash, runtime.Budget{})
		if !errors.Is(err, runtime.ErrValue) {
			t.Fatalf("%.60s: got %v, want ErrValue", hash, err)
		}
		if strings.Contains(err.Error(), hash) {
			t.Errorf("the message contains the hash: %v", err)
		}
	}
}

// A hash that cannot be read costs what the dummy does: time does not tell whose hash it is.
func TestPasswordUnknownFormat(t *testing.T) {
	const mine = `password(data.context.credential.password, data.context.credential.username, '$2b$06$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u')`
	w, x := newVerifier(t, mine)
	for _, hash := range []string{"x", "$9$salt$digest", "5f4dcc3b5aa765d61d8327deb882cf99", "{CRYPT}ab0CdEfGhIjKl", "$6$rounds=1$s$x", `{"algorithm":"SHA-512"}`} {
		_, err := w.verify(x, "correct horse", hash, runtime.Budget{Time: 2 * time.Second})
		if !errors.Is(err, runtime.ErrValue) || w.m.Spent() < password.BcryptFuel(6) {
			t.Errorf("%s: got %v after %d units, want ErrValue after %d", hash, err, w.m.Spent(), password.BcryptFuel(6))
		}
	}
}

// TestPasswordLength wants the price of a hash whose work grows with the password.
func TestPasswordLength(t *testing.T) {
	const hash = "$6$rounds=1000$abcdef$" + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	w, x := newVerifier(t, verify)
	if _, err := w.verify(x, strings.Repeat("x", 60_000), hash, runtime.Budget{}); !errors.Is(err, runtime.ErrFuel) {
		t.Errorf("got %v, want ErrFuel", err)
	}
}

func TestPasswordAtLoad(t *testing.T) {
	env := newHarness(t, hook.PasswordImport).env
	tests := []struct{ src, want string }{
		{`password('a', 'b', 'c')`, "the dummy: want a hash of bcrypt, argon2i or argon2id, scrypt, PBKDF2, crypt(3), WordPress, ASP.NET Identity or Jasypt, or one such as {SSHA}…"},
		{`password('a', 'b', eventType)`, "password wants a constant here: write it out or take it from vars"},
		{`password('a', 1)`, "password wants a text, got a number"},
	}
	for _, tt := range tests {
		if _, err := expr.Compile(tt.src, env); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.src, err, tt.want)
		}
	}
	bare := expr.NewEnv(expr.Options{Type: hook.PasswordImport})
	if _, err := expr.Compile(verify, bare); err == nil || err.Error() != "password is available in the rules of hooks only" {
		t.Errorf("without Workers: %v", err)
	}
}

// TestPasswordsAtOnce: many calls compute hashes that take longer than most of them have. Each ends
// within its time, and short hashes are not delayed.
func TestPasswordsAtOnce(t *testing.T) {
	o := options(t, hook.PasswordImport)
	workers := password.NewWorkers(1)
	o.Workers = workers
	env := expr.NewEnv(o)
	x, err := expr.Compile(verify, env)
	if err != nil {
		t.Fatal(err)
	}
	hashes := []string{
		"$2b$10$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u",
		"$argon2id$v=19$m=8192,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$c29tZXNhbHRzb21lc2FsdA",
		"{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
	}
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			w := &harness{t: t, env: env}
			for j := range 4 {
				b := runtime.Budget{Time: time.Duration(5+20*(i%4)) * time.Millisecond}
				got, err := w.verify(x, "correct horse", hashes[(i+j)%3], b)
				if err != nil && !errors.Is(err, runtime.ErrTime) {
					t.Errorf("got %v, want ErrTime or an answer", err)
				}
				if err == nil && got.Bool() != ((i+j)%3 == 2) {
					t.Errorf("hash %d: got %v", (i+j)%3, got.Bool())
				}
			}
		})
	}
	all.Wait()
	workers.Close()
	w := &harness{t: t, env: env}
	if got, err := w.verify(x, "correct horse", hashes[2], runtime.Budget{}); err != nil || !got.Bool() {
		t.Errorf("afterwards: %v %v", got.Bool(), err)
	}
}

// BenchmarkPassword measures a unit of fuel: a hash should cost about 10 ns a unit.
func BenchmarkPassword(b *testing.B) {
	const d = "c29tZXNhbHRzb21lc2FsdA"
	for _, v := range []vector{
		{"bcrypt 10", "", "$2b$10$abcdefghijklmnopqrstuuIrCKtFlSTGhTU2VpmnQEiSXg1TGbV4u"},
		{"argon2id 19 MiB", "", "$argon2id$v=19$m=19456,t=2,p=1$" + d + "$" + d},
		{"argon2id 64 MiB", "", "$argon2id$v=19$m=65536,t=3,p=4$" + d + "$" + d},
		{"scrypt 16 MiB", "", "$scrypt$ln=14,r=8,p=1$" + d + "$" + d + d},
		{"PBKDF2-SHA1 100000", "", "pbkdf2_sha1$100000$salt$L55TUjtiq8FBorTWAZ0jy6g129A="},
		{"PBKDF2-SHA256 100000", "", "pbkdf2_sha256$100000$salt$QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE="},
		{"PBKDF2-SHA512 100000", "", "$pbkdf2-sha512$100000$" + d + "$" + d + d + d},
		{"sha256crypt 5000", "", "$5$saltstring$" + strings.Repeat("a", 43)},
		{"sha512crypt 5000", "", "$6$saltstring$" + strings.Repeat("a", 86)},
		{"md5crypt", "", "$1$saltsalt$" + strings.Repeat("a", 22)},
		{"sha1crypt 10000", "", "$sha1$10000$saltsalt$" + strings.Repeat("a", 28)},
		{"phpass 8192", "", "$P$Bsaltsalt" + strings.Repeat("a", 22)},
		{"drupal 32768", "", "$S$Dsaltsalt" + strings.Repeat("a", 43)},
		{"yescrypt 16 MiB", "", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" + strings.Repeat("a", 43)},
		{"Jasypt", "", strings.Repeat("Abc/", 16)},
		{"SSHA", "", "{SSHA}7n04+TnFpJjvuCj3OGTwz/a1s7J1bk3p"},
	} {
		b.Run(v.name, func(b *testing.B) {
			w, x := newVerifier(b, verify)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.verify(x, "correct horse", v.hash, runtime.Budget{Time: 2 * time.Second, Fuel: runtime.Max.Fuel, Memory: 128 << 20}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(w.m.Spent()), "ns/unit")
		})
	}
}

func TestPasswordWithoutDummy(t *testing.T) {
	tests := []struct {
		src   string
		doubt bool
	}{
		{`password(data.context.credential.password, tables.tiers[data.context.credential.username])`, true},
		{`not password(data.context.credential.password, data.context.credential.username ?? nil)`, true},
		{`password(data.context.credential.password, tables.tiers["a"], "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=")`, false},
		{`password(data.context.credential.password, "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=")`, false},
		{`password(data.context.credential.password, tables.tiers["a"] ?? "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=")`, false},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			o := options(t, hook.PasswordImport)
			e := expr.NewEnv(o)
			leaf, err := expr.CompileText("x ${"+tt.src+"}", e)
			if err != nil {
				t.Fatal(err)
			}
			all := leaf.Warnings()
			if tt.doubt != (len(all) == 1) || tt.doubt && leafAt(tt.src, all[0].Offset) != "password" {
				t.Errorf("%v", all)
			}
			if err := e.Let("l", tt.src); err != nil || len(e.LetWarnings("l")) != len(all) {
				t.Errorf("a let's: %v, %v", err, e.LetWarnings("l"))
			}
		})
	}
}

func TestWarningsOfTypes(t *testing.T) {
	tests := []struct {
		kind      hook.Type
		src, want string
	}{
		{hook.Registration, `eventType == 'com.okta.user.pre-registrationn'`, `Okta never sends "com.okta.user.pre-registrationn" here, did you mean com.okta.user.pre-registration?`},
		{hook.Token, `eventType in ['com.okta.saml.tokens.transform']`, `Okta never sends "com.okta.saml.tokens.transform" here, did you mean com.okta.oauth2.tokens.transform?`},
		{hook.Token, `eventType startsWith 'com.okta.saml'`, `Okta sends nothing here that startsWith "com.okta.saml": it sends com.okta.oauth2.tokens.transform`},
		{hook.EventHook, `delivery.eventType == 'x'`, `Okta never sends "x" here: want com.okta.event_hook`},
		{hook.Token, `eventType == 'com.okta.oauth2.tokens.transform'`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			x, err := expr.Compile(tt.src, expr.NewEnv(options(t, tt.kind)))
			if err != nil {
				t.Fatal(err)
			}
			if got := x.Warnings().Error(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// leafAt is the word at a place in a leaf with src as its hole.
func leafAt(src string, offset int) string {
	word, _, _ := strings.Cut(("x ${" + src)[offset:], "(")
	return word
}
