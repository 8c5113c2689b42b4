package expr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestDomain(t *testing.T) {
	tests := []struct{ name, email, domain, local string }{
		{"plain", `ann@Example.com`, `"example.com"`, `"ann"`},
		{"subdomain", `a.b+c@mail.example.com`, `"mail.example.com"`, `"a.b+c"`},
		{"root's dot", `ann@example.com.`, `"example.com"`, `"ann"`},
		{"an apostrophe", `o'neil@example.com`, `"example.com"`, `"o'neil"`},
		{"two dots in a row", `a..b@example.com`, `"example.com"`, `"a..b"`},
		{"other letters", `müller@BÜCHER.example`, `"xn--bcher-kva.example"`, `"müller"`},
		{"other letters as xn--", `ann@XN--BCHER-KVA.example`, `"xn--bcher-kva.example"`, `"ann"`},
		{"no dot", `root@localhost`, `"localhost"`, `"root"`},
		{"quoted @", `"a@b"@partner.com`, `"partner.com"`, `"\"a@b\""`},
		{"quoted quote", `"a\"@evil.com"@partner.com`, `"partner.com"`, `"\"a\\\"@evil.com\""`},
		{"none", `nobody`, `null`, `null`},
		{"empty", ``, `null`, `null`},
		{"only @", `@`, `null`, `null`},
		{"nothing in front", `@partner.com`, `null`, `null`},
		{"nothing behind", `ann@`, `null`, `null`},
		{"two @", `a@evil.com@partner.com`, `null`, `null`},
		{"a list", `<a@evil.com>,b@partner.com`, `null`, `null`},
		{"a source route", `@evil.com:b@partner.com`, `null`, `null`},
		{"an open quote", "\"a@evil.com\n@partner.com", `null`, `null`},
		{"a quote that ends early", `"a"@evil.com"@partner.com`, `null`, `null`},
		{"a quote in the middle", `a"@evil.com"@partner.com`, `null`, `null`},
		{"an escaped last quote", `"a\"@partner.com`, `null`, `null`},
		{"an empty quote", `""@partner.com`, `null`, `null`},
		{"a line end in a quote", "\"a\n\"@partner.com", `null`, `null`},
		{"an escaped line end in a quote", "\"a\\\n\"@partner.com", `null`, `null`},
		{"a full-width @", `a＠evil.com@partner.com`, `null`, `null`},
		{"white space in front", ` a@partner.com`, `null`, `null`},
		{"white space behind", `a@evil.com `, `null`, `null`},
		{"a line end behind", "a@evil.com\n", `null`, `null`},
		{"a zero", "a@evil.com\x00", `null`, `null`},
		{"a bracket", `a@evil.com>`, `null`, `null`},
		{"a name", `Ann <a@evil.com>`, `null`, `null`},
		{"a comment", `a@evil.com(x)`, `null`, `null`},
		{"a percent hack", `a%evil.com@partner.com`, `"partner.com"`, `"a%evil.com"`},
		{"a port", `a@evil.com:25`, `null`, `null`},
		{"an address literal", `a@[192.0.2.1]`, `null`, `null`},
		{"an empty label", `a@evil..com`, `null`, `null`},
		{"two dots at the end", `a@evil.com..`, `null`, `null`},
		{"an ideographic full stop", `a@evil。com`, `null`, `null`},
		{"full-width letters", `a@ｅvil.com`, `null`, `null`},
		{"a dotted capital I", `a@İnitech.com`, `null`, `null`},
		{"the kelvin sign", "a@\u212aelvin.com", `null`, `null`},
		{"a soft hyphen", "a@evil\u00ad.com", `null`, `null`},
		{"too long", strings.Repeat("a", 1020) + "@b.com", `null`, `null`},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			email, _ := json.Marshal(tt.email)
			payload := fmt.Sprintf(`{"data": {"userProfile": {"email": %s}}}`, email)
			if got, err := w.eval(`domain(data.userProfile.email)`, payload); err != nil || got != tt.domain {
				t.Errorf("domain: got %s %v, want %s", got, err, tt.domain)
			}
			if got, err := w.eval(`localPart(data.userProfile.email)`, payload); err != nil || got != tt.local {
				t.Errorf("localPart: got %s %v, want %s", got, err, tt.local)
			}
		})
	}
}

// An invalid domain is neither inside nor outside of a list of domains.
func TestNoDomain(t *testing.T) {
	o := options(t, hook.Registration)
	o.Tables["blocked"] = newTable(t, table.Domains, table.Entry{Key: "evil.com", Value: []byte(`{"tier": 1}`)})
	w := &harness{t: t, env: expr.NewEnv(o)}
	tests := []struct{ src, host, want string }{
		{`data.userProfile.host in tables.blocked`, `a.evil.com`, `true`},
		{`data.userProfile.host in tables.blocked`, `good.com`, `false`},
		{`data.userProfile.host in tables.blocked`, ``, `false`},
		{`data.userProfile.host in tables.blocked`, `evil.com>`, `fails`},
		{`data.userProfile.host in tables.blocked`, `evil。com`, `fails`},
		{`data.userProfile.host not in tables.blocked`, `evil.com `, `fails`},
		{`tables.blocked[data.userProfile.host].tier`, `evil.com`, `1`},
		{`tables.blocked[data.userProfile.host].tier`, `good.com`, `null`},
		{`tables.blocked[data.userProfile.host].tier`, ``, `null`},
		{`tables.blocked[data.userProfile.host].tier`, `evil.com(x)`, `fails`},
		{`data.userProfile.host in tables.banned`, `evil.com>`, `false`},
	}
	for _, tt := range tests {
		t.Run(tt.src+" "+tt.host, func(t *testing.T) {
			host, _ := json.Marshal(tt.host)
			got, err := w.eval(tt.src, fmt.Sprintf(`{"data": {"userProfile": {"host": %s}}}`, host))
			if errors.Is(err, runtime.ErrValue) {
				got, err = "fails", nil
			}
			if err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestKeysOfNetworkTables(t *testing.T) {
	const fails = "fails"
	tests := []struct{ name, key, in, value, cidr string }{
		{"listed", `"10.1.2.3"`, `true`, `1`, `true`},
		{"listed, as IPv6", `"::ffff:10.1.2.3"`, `true`, `1`, `true`},
		{"not listed", `"11.1.2.3"`, `false`, `null`, `false`},
		{"IPv6, not listed", `"2001:db8::1"`, `false`, `null`, `false`},
		{"missing", `null`, `false`, `null`, `null`},
		{"empty", `""`, `false`, `null`, `null`},
		{"port", `"10.1.2.3:80"`, fails, fails, `null`},
		{"brackets", `"[10.1.2.3]"`, fails, fails, `null`},
		{"octal", `"010.1.2.3"`, fails, fails, `null`},
		{"number", `167838211`, fails, fails, fails},
		{"zone", `"fe80::1%eth0"`, fails, fails, `null`},
		{"network", `"10.0.0.0/8"`, fails, fails, `null`},
		{"list", `"11.1.2.3, 10.1.2.3"`, fails, fails, `null`},
	}
	o := options(t, hook.Registration)
	o.Tables["net"] = newTable(t, table.CIDRs, table.Entry{Key: "10.0.0.0/8", Value: []byte(`1`)}, table.Entry{Key: "fe80::/10", Value: []byte(`2`)})
	w := &harness{t: t, env: expr.NewEnv(o)}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			payload := `{"eventType": "e", "data": {"userProfile": {"ip": ` + test.key + `}}}`
			for src, want := range map[string]string{
				`data.userProfile.ip in tables.net`:                      test.in,
				`tables.net[data.userProfile.ip]`:                        test.value,
				`inCIDR(data.userProfile.ip, "10.0.0.0/8", "fe80::/10")`: test.cidr,
			} {
				got, err := w.eval(src, payload)
				if errors.Is(err, runtime.ErrValue) {
					got, err = fails, nil
				}
				if err != nil || got != want {
					t.Errorf("%s: got %s %v, want %s", src, got, err, want)
				}
			}
		})
	}
}
