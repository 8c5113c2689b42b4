package expr_test

import (
	"testing"

	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestSecret(t *testing.T) {
	tests := []struct {
		kind hook.Type
		src  string
		want bool
	}{
		{hook.PasswordImport, `data.context.credential.password`, true},
		{hook.PasswordImport, `data.context.credential`, true},
		{hook.PasswordImport, `data.context`, true},
		{hook.PasswordImport, `data`, true},
		{hook.PasswordImport, `data?.context?.credential?.password`, true},
		{hook.PasswordImport, `data["context"]["credential"]["password"]`, true},
		{hook.PasswordImport, `data.context.credential["pass" + "word"]`, true},
		{hook.PasswordImport, `data.context[eventType]`, true},
		{hook.PasswordImport, `data.context.request[eventType]`, false},
		{hook.PasswordImport, `data.context.credential.username`, false},
		{hook.PasswordImport, `data.context.credential["username"]`, false},
		{hook.PasswordImport, `data.context.credential["other"]`, false},
		{hook.PasswordImport, `data.context.request`, false},
		{hook.PasswordImport, `eventType`, false},
		{hook.PasswordImport, `vars`, false},
		{hook.PasswordImport, `(data.context).request.id`, false},
		{hook.PasswordImport, `"x" + data.context.credential.password`, true},
		{hook.PasswordImport, `upper(data.context.credential.password)`, true},
		{hook.PasswordImport, `split(data.context.credential.password, "-")`, true},
		{hook.PasswordImport, `join(["a", data.context.credential.password])`, true},
		{hook.PasswordImport, `replace("a", "a", data.context.credential.password)`, true},
		{hook.PasswordImport, `int(data.context.credential.password)`, true},
		{hook.PasswordImport, `int(data.context.credential.password) * 2 + 1`, true},
		{hook.PasswordImport, `-int(data.context.credential.password)`, true},
		{hook.PasswordImport, `max(1, int(data.context.credential.password))`, true},
		{hook.PasswordImport, `int(data.context.credential.password)..9`, true},
		{hook.PasswordImport, `data.context.credential.password[1:2]`, true},
		{hook.PasswordImport, `[data.context.credential.password]`, true},
		{hook.PasswordImport, `{"a": data.context.credential.password}.a`, true},
		{hook.PasswordImport, `keys({(data.context.credential.password): 1})`, true},
		{hook.PasswordImport, `values(data.context.credential)`, true},
		{hook.PasswordImport, `values(data.context.credential)[0]`, true},
		{hook.PasswordImport, `first(values(data))`, true},
		{hook.PasswordImport, `data.context.credential.password ?? "none"`, true},
		{hook.PasswordImport, `data.context.credential.username ?? data.context.credential.password`, true},
		{hook.PasswordImport, `eventType == "a" ? data.context.credential.password : ""`, true},
		{hook.PasswordImport, `if eventType == "a" {""} else {data.context.credential.password}`, true},
		{hook.PasswordImport, `let p = data.context.credential.password; p`, true},
		{hook.PasswordImport, `let c = data.context.credential; c.password`, true},
		{hook.PasswordImport, `let c = data.context.credential; c.username`, false},
		{hook.PasswordImport, `let p = data.context.credential.password; len(p)`, true},
		{hook.PasswordImport, `password`, true},
		{hook.PasswordImport, `credential.password`, true},
		{hook.PasswordImport, `credential["username"]`, false},
		{hook.PasswordImport, `credential.username`, false},
		{hook.PasswordImport, `again`, true},
		{hook.PasswordImport, `long`, true},
		{hook.PasswordImport, `filter(values(data.context.credential), # != "x")`, true},
		{hook.PasswordImport, `find(values(data.context.credential), true)`, true},
		{hook.PasswordImport, `findLast([data.context.credential.password], true)`, true},
		{hook.PasswordImport, `map([1], data.context.credential.password)`, true},
		{hook.PasswordImport, `map(split(data.context.credential.password, "-"), #)`, true},
		{hook.PasswordImport, `map(split(data.context.credential.password, "-"), ({"c": #}))[0].c`, true},
		{hook.PasswordImport, `map(split(data.context.credential.password, "-"), len(#))`, true},
		{hook.PasswordImport, `map([1], any([2], # == 1) ? credential : 1)`, true},
		{hook.PasswordImport, `sum([data.context.credential.password], int(#))`, true},
		{hook.PasswordImport, `sum([int(data.context.credential.password)])`, true},
		{hook.PasswordImport, `sum([data.context.credential.password], len(#))`, true},
		{hook.PasswordImport, `concat(["a"], [password])`, true},
		{hook.PasswordImport, `sort([password])`, true},
		{hook.PasswordImport, `data.context.credential.password | upper() | lower()`, true},
		{hook.PasswordImport, `data.context.credential.password == "x"`, false},
		{hook.PasswordImport, `data.context.credential.password in ["x"]`, false},
		{hook.PasswordImport, `data.context.credential.password < "x"`, true},
		{hook.PasswordImport, `data.context.credential.password matches "^a"`, true},
		{hook.PasswordImport, `hasPrefix(data.context.credential.password, "a")`, true},
		{hook.PasswordImport, `data.context.credential.password == nil`, false},
		{hook.PasswordImport, `len(data.context.credential.password)`, true},
		{hook.PasswordImport, `len(data.context.credential.password) > 8 ? "long" : "short"`, true},
		{hook.PasswordImport, `any(values(data), # == 1)`, true},
		{hook.PasswordImport, `count(values(data), # == 1)`, true},
		{hook.PasswordImport, `findIndex(values(data), # == 1)`, true},
		{hook.PasswordImport, `tables.tiers[password]`, true},
		{hook.PasswordImport, `sha256(password)`, true}, // a password can be guessed from it
		{hook.PasswordImport, `toBase64(password)`, true},
		{hook.PasswordImport, `toJSON({"a": password})`, true},
		{hook.PasswordImport, `padStart(password, 80)`, true},
		{hook.PasswordImport, `regexFind(password, "^.")`, true},
		{hook.PasswordImport, `hmac("key", password)`, false},
		{hook.PasswordImport, `hmac(password, "text")`, true},
		{hook.PasswordImport, `password(password, "{SHA}")`, false},
		{hook.PasswordImport, `glob(password, "a*")`, true},
		{hook.PasswordImport, `known.of`, false},
		{hook.PasswordImport, `password(password, "{SHA}") ? "right" : "wrong"`, false},
		{hook.PasswordImport, `sha256(lower("x" + password)) == "a" and password not in ["x"]`, false},
		{hook.PasswordImport, `any(["a", "b"], # == password)`, false},
		{hook.PasswordImport, `none(["a", "b"], # == password) and one(["a"], # == password)`, false},
		{hook.PasswordImport, `filter(["a", "b"], # == password)`, true},
		{hook.PasswordImport, `find(["a", "b"], hmac("k", #) == hmac("k", password))`, true},
		{hook.PasswordImport, `findLast(["a", "b"], # in [password])`, true},
		{hook.PasswordImport, `findIndex(["a", "b"], not (# != password))`, true},
		{hook.PasswordImport, `findLastIndex(["a", "b"], # == password ? true : false)`, true},
		{hook.PasswordImport, `map(["a", "b"], # == password ? # : "")`, true},
		{hook.PasswordImport, `map(["a", "b"], # == again.password or # == "x")`, true},
		{hook.PasswordImport, `sum([1, 2], # == int(password) ? # : 0)`, true},
		{hook.PasswordImport, `count(["a", "b"], password(password, #))`, true},
		{hook.PasswordImport, `let right = password == "x"; filter(["a"], right)`, true},
		{hook.PasswordImport, `map(["a"], upper(#))`, false},
		{hook.PasswordImport, `{"a": 1}[password]`, true},
		{hook.PasswordImport, `"0123456789"[0:int(password)]`, true},
		{hook.PasswordImport, `"0123456789"[int(password):]`, true},
		{hook.PasswordImport, `len(0..int(password))`, true},
		{hook.PasswordImport, `(0..9999)[int(password) % 10000]`, true},
		{hook.PasswordImport, `vars[password] ?? "none"`, true},
		{hook.PasswordImport, `join(map(0..5, vars.domains[int(password[#:#+1])]), "")`, true},
		{hook.PasswordImport, `password > "a" and eventType == "b"`, true},
		{hook.PasswordImport, `not (password contains "a")`, true},
		{hook.PasswordImport, `password[:1] == "a"`, true},
		{hook.PasswordImport, `first(split(password, "-")) in ["a"]`, true},
		{hook.PasswordImport, `hmac("key", password[:1])`, false},
		{hook.PasswordImport, `["a", "b"][len(password)]`, true},
		{hook.PasswordImport, `any(split(password, "-"), true)`, true},
		{hook.PasswordImport, `regexFind(password, "^.") == nil`, true},
		{hook.PasswordImport, `let l = len(password); l == 8`, true},
		{hook.PasswordImport, `long ? 1 : 2`, true},
		{hook.Telephony, `int(data.messageProfile.otpCode) > 5`, true},
		{hook.Telephony, `int(data.messageProfile.otpCode) % 10 == 3`, true},
		{hook.Telephony, `int(data.messageProfile.otpCode) in 0..99999`, true},
		{hook.Telephony, `data.messageProfile.otpCode startsWith "1"`, true},
		{hook.Telephony, `data.messageProfile.otpCode == "123456"`, false},
		{hook.Telephony, `data.messageProfile.otpCode`, true},
		{hook.Telephony, `data.messageProfile.otpCode[1:3]`, true},
		{hook.Telephony, `data.messageProfile.msgTemplate`, true},
		{hook.Telephony, `data.messageProfile`, true},
		{hook.Telephony, `{"a": data.messageProfile}`, true},
		{hook.Telephony, `data.messageProfile.phoneNumber`, false},
		{hook.Telephony, `data.userProfile`, false},
		{hook.Registration, `data`, false},
		{hook.Token, `data.context`, false},
	}
	worlds := make(map[hook.Type]*harness)
	for _, kind := range []hook.Type{hook.PasswordImport, hook.Telephony, hook.Registration, hook.Token} {
		o := options(t, kind)
		o.Known = append(o.Known, "data.context.credential", "known.of")
		worlds[kind] = &harness{t: t, env: expr.NewEnv(o)}
	}
	for _, let := range [][2]string{
		{"password", `data.context.credential.password`}, {"credential", `data.context.credential`}, {"again", `credential`},
		{"long", `len(password) > 8`},
	} {
		if err := worlds[hook.PasswordImport].env.Let(let[0], let[1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			x, err := expr.Compile(tt.src, worlds[tt.kind].env)
			if err != nil {
				t.Fatal(err)
			}
			if got := x.Secret(); got != tt.want {
				t.Errorf("expression: got %v, want %v", got, tt.want)
			}
			leaf, err := expr.CompileText("a ${1} ${"+tt.src+"}", worlds[tt.kind].env)
			if err != nil {
				t.Fatal(err)
			}
			if got := leaf.Secret(); got != tt.want {
				t.Errorf("leaf: got %v, want %v", got, tt.want)
			}
		})
	}
	if leaf, err := expr.CompileText("${1} and text", worlds[hook.Telephony].env); err != nil || leaf.Secret() {
		t.Errorf("a leaf without an event's value: %v", err)
	}
}

// TestSecretsCompared: a comparison with a secret has the same outcome as any other.
func TestSecretsCompared(t *testing.T) {
	tests := []struct{ src, want string }{
		{`data.context.credential.password == "correct horse"`, "true"},
		{`"correct horse" == data.context.credential.password`, "true"},
		{`data.context.credential.password == "correct horsf"`, "false"},
		{`data.context.credential.password == "correct"`, "false"},
		{`data.context.credential.password != "correct horse"`, "false"},
		{`data.context.credential.password == data.context.credential.username`, "false"},
		{`data.context.credential.password == data.context.credential.gone`, "false"},
		{`data.context.credential.password != data.context.credential.gone`, "true"},
		{`data.context.credential.password in ["a", "correct horse"]`, "true"},
		{`data.context.credential.password in ["a", "b", nil]`, "false"},
		{`data.context.credential.password in vars.domains`, "false"},
		{`data.context.credential.password in [data.context.credential.username, data.context.credential.password]`, "true"},
		{`data.context.credential.gone in ["a"]`, "false"},
		{`sha256(data.context.credential.password) == "bc5ba2ffbf37b36d2ef4ef7a5f9cb9e6bb1a8bd5"`, "false"},
		{`data.context.credential.password == values(data.context)[0]`, "a value the rule cannot work with: == cannot compare a text with an object (1:34)"},
	}
	o := options(t, hook.PasswordImport)
	o.Known = append(o.Known, "data.context.credential.gone")
	w := &harness{t: t, env: expr.NewEnv(o)}
	payload := `{"data": {"context": {"request": {}, "credential": {"username": "correct hors", "password": "correct horse"}}}}`
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			got, err := w.eval(tt.src, payload)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
