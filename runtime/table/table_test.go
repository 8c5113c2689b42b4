package table_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// entries writes a table's entries as key, or key=JSON.
func entries(lines ...string) []table.Entry {
	all := make([]table.Entry, len(lines))
	for i, line := range lines {
		key, value, ok := strings.Cut(line, "=")
		all[i].Key = key
		if ok {
			all[i].Value = []byte(value)
		}
	}
	return all
}

func build(t testing.TB, as string, lines ...string) *table.Table {
	t.Helper()
	made, err := table.New(as, entries(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestLookup(t *testing.T) {
	tests := []struct {
		name    string
		as      string
		entries []string
		key     string
		want    string // the value's JSON; "" without a match
	}{
		{"a member", table.Set, []string{"a", "b"}, "b", "true"},
		{"no member", table.Set, []string{"a", "b"}, "c", ""},
		{"an empty table", table.Set, nil, "a", ""},
		{"a set is exact about case", table.Set, []string{"a"}, "A", ""},
		{"a member that is empty", table.Set, []string{""}, "", "true"},
		{"a number", table.Map, []string{"gold=3", "silver=2"}, "gold", "3"},
		{"a null", table.Map, []string{"gold=null"}, "gold", "null"},
		{"values and none, mixed", table.Map, []string{"a", "b=1", "c", "d=2", "e"}, "d", "2"},
		{"none after values", table.Map, []string{"a", "b=1", "c", "d=2", "e"}, "e", "true"},
		{"none before values", table.Map, []string{"a", "b=1"}, "a", "true"},
		{"a row", table.Rows, []string{`acme={"id":"acme","tier":"1"}`}, "acme", `{"id":"acme","tier":"1"}`},

		{"a domain", table.Domains, []string{"example.com"}, "example.com", "true"},
		{"a domain in capitals", table.Domains, []string{"example.com"}, "EXAMPLE.com", "true"},
		{"a domain listed in capitals", table.Domains, []string{"Example.COM"}, "example.com", "true"},
		{"a subdomain", table.Domains, []string{"example.com"}, "mail.eu.example.com", "true"},
		{"a neighbour with the same end", table.Domains, []string{"example.com"}, "evil-example.com", ""},
		{"a neighbour without a hyphen", table.Domains, []string{"example.com"}, "notexample.com", ""},
		{"the domain above", table.Domains, []string{"mail.example.com"}, "example.com", ""},
		{"a domain with the same start", table.Domains, []string{"example.com"}, "example.com.evil.example", ""},
		{"the root's dot in the key", table.Domains, []string{"example.com"}, "www.example.com.", "true"},
		{"the root's dot in the table", table.Domains, []string{"example.com."}, "www.example.com", "true"},
		{"two dots at the end", table.Domains, []string{"example.com"}, "example.com..", ""},
		{"an empty label", table.Domains, []string{"example.com"}, "a..example.com", ""},
		{"a dot at the start", table.Domains, []string{"example.com"}, ".example.com", ""},
		{"an address in front of the domain", table.Domains, []string{"example.com"}, "eve@evil.example/.example.com", ""},
		{"white space", table.Domains, []string{"example.com"}, "evil .example.com", ""},
		{"a top level", table.Domains, []string{"example"}, "a.b.c.example", "true"},
		{"the longest domain counts", table.Domains, []string{"example.com=1", "eu.example.com=2"}, "a.eu.example.com", "2"},
		{"a longer one elsewhere", table.Domains, []string{"example.com=1", "eu.example.com=2"}, "us.example.com", "1"},
		{"a name in Unicode", table.Domains, []string{"bücher.example"}, "shop.bücher.example", "true"},
		{"a name in Unicode in its xn-- form", table.Domains, []string{"bücher.example"}, "xn--bcher-kva.example", "true"},
		{"a name in Unicode in capitals", table.Domains, []string{"bücher.example"}, "SHOP.BÜCHER.example", "true"},
		{"a name in Unicode listed in capitals", table.Domains, []string{"BÜCHER.example"}, "bücher.example.", "true"},
		{"a name in another script", table.Domains, []string{"例え.テスト"}, "www.例え.テスト", "true"},
		{"a dotted capital I", table.Domains, []string{"initech.example"}, "İnitech.example", ""},
		{"an empty key", table.Domains, []string{"example.com"}, "", ""},
		{"a key that is a dot", table.Domains, []string{"example.com"}, ".", ""},
		{"a label of 63", table.Domains, []string{"example.com"}, strings.Repeat("a", 63) + ".example.com", "true"},
		{"a label of 64", table.Domains, []string{"example.com"}, strings.Repeat("a", 64) + ".example.com", ""},
		{"a name of 253", table.Domains, []string{"com"}, strings.Repeat("a.", 125) + "com", "true"},
		{"a name of 255", table.Domains, []string{"com"}, strings.Repeat("a.", 126) + "com", ""},

		{"an address in a network", table.CIDRs, []string{"192.0.2.0/24"}, "192.0.2.255", "true"},
		{"an address above it", table.CIDRs, []string{"192.0.2.0/24"}, "192.0.3.0", ""},
		{"an address beneath it", table.CIDRs, []string{"192.0.2.0/24"}, "192.0.1.255", ""},
		{"a network of one", table.CIDRs, []string{"192.0.2.7"}, "192.0.2.7", "true"},
		{"the longest prefix counts", table.CIDRs, []string{"10.0.0.0/8=1", "10.1.0.0/16=2", "10.1.2.0/24=3"}, "10.1.2.3", "3"},
		{"after an inner network", table.CIDRs, []string{"10.0.0.0/8=1", "10.1.0.0/16=2", "10.1.2.0/24=3"}, "10.1.3.0", "2"},
		{"after two inner networks", table.CIDRs, []string{"10.0.0.0/8=1", "10.1.0.0/16=2", "10.1.2.0/24=3"}, "10.2.0.0", "1"},
		{"two networks that end together", table.CIDRs, []string{"10.0.0.0/8=1", "10.255.0.0/16=2"}, "11.0.0.0", ""},
		{"two networks that begin together", table.CIDRs, []string{"10.0.0.0/16=2", "10.0.0.0/8=1"}, "10.0.0.1", "2"},
		{"everything in IPv4", table.CIDRs, []string{"0.0.0.0/0=1", "255.255.255.255=2"}, "255.255.255.255", "2"},
		{"the last address of everything", table.CIDRs, []string{"0.0.0.0/0=1"}, "255.255.255.255", "1"},
		{"IPv6", table.CIDRs, []string{"2001:db8::/32"}, "2001:db8:ffff::1", "true"},
		{"IPv6 in capitals", table.CIDRs, []string{"2001:db8::/32"}, "2001:DB8::1", "true"},
		{"IPv6 outside", table.CIDRs, []string{"2001:db8::/32"}, "2001:db9::", ""},
		{"IPv6 of more than 64 bits", table.CIDRs, []string{"2001:db8::8:0:0/96"}, "2001:db8::8:ffff:ffff", "true"},
		{"IPv6 beyond 64 bits", table.CIDRs, []string{"2001:db8:0:1::/64"}, "2001:db8:0:2::", ""},
		{"the last address of IPv6", table.CIDRs, []string{"::/0"}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "true"},
		{"an IPv4 address written in IPv6", table.CIDRs, []string{"192.0.2.0/24"}, "::ffff:192.0.2.9", "true"},
		{"an IPv4 network written in IPv6", table.CIDRs, []string{"::ffff:192.0.2.0/120"}, "192.0.2.9", "true"},
		{"everything in IPv6 is not IPv4", table.CIDRs, []string{"::/0"}, "::ffff:192.0.2.9", ""},
		{"a zone", table.CIDRs, []string{"fe80::/10"}, "fe80::1%eth0", ""},
		{"leading zeros", table.CIDRs, []string{"192.0.2.0/24"}, "192.0.2.010", ""},
		{"a port", table.CIDRs, []string{"192.0.2.0/24"}, "192.0.2.1:80", ""},
		{"five numbers", table.CIDRs, []string{"0.0.0.0/0"}, "1.2.3.4.5", ""},
		{"a number too large", table.CIDRs, []string{"0.0.0.0/0"}, "1.2.3.256", ""},
		{"no address", table.CIDRs, []string{"0.0.0.0/0", "::/0"}, "localhost", ""},
		{"an empty address", table.CIDRs, []string{"0.0.0.0/0", "::/0"}, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			made := build(t, test.as, test.entries...)
			if got := string(made.Lookup(test.key).Raw()); got != test.want {
				t.Errorf("Lookup(%q) = %q, want %q", test.key, got, test.want)
			}
			if got := made.Has(test.key); got != (test.want != "") {
				t.Errorf("Has(%q) = %v", test.key, got)
			}
			if made.Len() != len(test.entries) || made.As() != test.as {
				t.Errorf("%d entries as %s", made.Len(), made.As())
			}
		})
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		name    string
		as      string
		entries []string
		want    string
		is      error
	}{
		{"a member twice", table.Set, []string{"a", "b", "a", "b"},
			"entry 3: a key that is there twice\nentry 4: a key that is there twice", table.ErrDuplicate},
		{"a domain twice", table.Domains, []string{"example.com", "EXAMPLE.com."},
			"entry 2: a key that is there twice", table.ErrDuplicate},
		{"a network twice", table.CIDRs, []string{"192.0.2.0/24", "::ffff:192.0.2.0/120"},
			"entry 2: a key that is there twice", table.ErrDuplicate},
		{"an empty domain", table.Domains, []string{""}, "entry 1: not a domain: want a name such as example.com", table.ErrDomain},
		{"an e-mail address", table.Domains, []string{"eve@example.com"}, "entry 1: not a domain: want a name such as example.com", table.ErrDomain},
		{"a wildcard", table.Domains, []string{"*.Example.com"},
			"entry 1: not a domain: want example.com, which matches its subdomains too", table.ErrDomain},
		{"a dot at the start", table.Domains, []string{".example.com"},
			"entry 1: not a domain: want example.com, which matches its subdomains too", table.ErrDomain},
		{"a prefix too long", table.CIDRs, []string{"10.0.0.0/8", "192.0.2.0/33"},
			"entry 2: not a network: want an address or a prefix such as 192.0.2.0/24", table.ErrNetwork},
		{"a host and a prefix", table.CIDRs, []string{"192.0.2.7/24"},
			"entry 1: not a network: the address has bits set after its 24 bits: want 192.0.2.0/24 or 192.0.2.7", table.ErrNetwork},
		{"a zone", table.CIDRs, []string{"fe80::1%eth0"},
			"entry 1: not a network: want an address or a prefix such as 192.0.2.0/24", table.ErrNetwork},
		{"a value that is no JSON", table.Map, []string{"a=1", "b=1,2"},
			"entry 2: read its value: at byte 1: not JSON: want nothing after the value", jsondoc.ErrSyntax},
		{"no such reading", "list", nil, `a table cannot be read as "list"`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			made, err := table.New(test.as, entries(test.entries...))
			if err == nil || err.Error() != test.want || made != nil {
				t.Fatalf("got %v, %v\nwant %s", made, err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
}

func TestDuplicateSaysWhichItRepeats(t *testing.T) {
	_, err := table.New(table.Set, entries("a", "b", "c", "b"))
	errs, ok := errors.AsType[table.Errors](err)
	if !ok || len(errs) != 1 || errs[0].Entry != 3 || errs[0].First != 1 {
		t.Errorf("got %v", err)
	}
}

func TestTooManyValues(t *testing.T) {
	long := fmt.Appendf(nil, "%q", strings.Repeat("a", 1<<20))
	all := make([]table.Entry, 65)
	for i := range all {
		all[i] = table.Entry{Key: fmt.Sprint(i), Value: long}
	}
	if _, err := table.New(table.Map, all); !errors.Is(err, table.ErrSize) {
		t.Errorf("got %v", err)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	tables := map[*table.Table][]string{
		build(t, table.Set, "a", "b"):                              {"a", "x"},
		build(t, table.Rows, `a={"b":1}`):                          {"a", "x"},
		build(t, table.Domains, "example.com"):                     {"A.example.COM.", "evil-example.com", "a b"},
		build(t, table.CIDRs, "192.0.2.0/24=1", "2001:db8::/32=2"): {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "x.y", "1.2.3", "é:"},
	}
	for made, keys := range tables {
		for _, key := range keys {
			if n := testing.AllocsPerRun(100, func() { made.Has(key); made.Lookup(key) }); n != 0 {
				t.Errorf("%s: %q: %v allocations", made.As(), key, n)
			}
		}
	}
}

func TestConcurrentLookups(t *testing.T) {
	domains := build(t, table.Domains, "example.com=1", "eu.example.com=2")
	networks := build(t, table.CIDRs, "10.0.0.0/8=1", "10.1.0.0/16=2")
	rows := build(t, table.Rows, `a={"n":1}`)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 2000 {
				if v, _ := domains.Lookup("x.EU.example.com").Int(); v != 2 {
					t.Errorf("domains: %d", v)
				}
				if v, _ := networks.Lookup("10.2.0.1").Int(); v != 1 {
					t.Errorf("networks: %d", v)
				}
				if v, _ := rows.Lookup("a").Get("n").Int(); v != 1 {
					t.Errorf("rows: %d", v)
				}
			}
		})
	}
	group.Wait()
}
