package table_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/table"
)

func TestCanHave(t *testing.T) {
	domains := build(t, table.Domains, "evil.com")
	for _, key := range []string{"evil.com", "EVIL.com.", "other.com", "com", "_dmarc.x", "xn--a.b", "bücher.example", "例え.テスト", "straße.de", "ελλάδα.gr"} {
		if !domains.CanHave(key) {
			t.Errorf("%q is refused", key)
		}
	}
	for name, key := range map[string]string{
		"empty": "", "white space": "evil.com ", "a bracket": "evil.com>", "a comment": "evil.com(x)", "a zero": "evil.com\x00", "an @": "a@evil.com",
		"an ideographic full stop": "evil。com", "a full-width dot": "evil．com", "a half-width dot": "evil｡com", "full-width letters": "ｅvil.com",
		"a mathematical letter": "𝐞vil.com", "a superscript": "ᵉvil.com", "a ligature": "oﬃce.com", "the kelvin sign": "\u212aelvin.com", "a long s": "e\u017fil.com",
		"a letter in a circle": "ⓔvil.com", "a double-struck letter": "ℂom.com", "a soft hyphen": "ev\u00adil.com", "a zero-width space": "ev\u200bil.com",
		"a zero-width joiner": "ev\u200dil.com", "a variation selector": "evil\ufe0f.com", "a combining mark": "bu\u0308cher.example", "not UTF-8": "evil\xff.com",
		"a right-to-left mark": "evil\u200f.com", "no-break space": "evil.com\u00a0", "an empty label": "ü..com", "a dot at the start": ".ü.com",
		"two dots at the end": "ü.com..", "a long label": strings.Repeat("ü", 32) + ".com", "too long": strings.Repeat("ü.", 84) + "com",
		"a capital that is longer when small": strings.Repeat("a.", 125) + "b\u023a",
	} {
		if domains.CanHave(key) {
			t.Errorf("%s: %q is taken", name, key)
		}
		if domains.Has(key) {
			t.Errorf("%s: %q is found", name, key)
		}
	}
	for _, as := range []string{table.Set, table.Map, table.Rows} {
		if made := build(t, as); !made.CanHave("evil。com") {
			t.Errorf("%s takes domains only", as)
		}
	}
}

func TestCanHaveAddress(t *testing.T) {
	networks := build(t, table.CIDRs, "10.0.0.0/8", "fe80::/10")
	for _, key := range []string{"10.1.2.3", "11.1.2.3", "fe80::1", "FE80::1", "2001:db8::1", "::ffff:10.1.2.3"} {
		if !networks.CanHave(key) {
			t.Errorf("%q is rejected", key)
		}
	}
	for name, key := range map[string]string{
		"empty": "", "a port": "10.1.2.3:80", "brackets": "[10.1.2.3]", "IPv6 in brackets": "[fe80::1]", "an octal part": "010.1.2.3", "a number": "167838211",
		"a zone": "fe80::1%eth0", "a network": "10.0.0.0/8", "white space": "10.1.2.3 ", "a list": "10.1.2.3, 11.1.2.3", "three parts": "10.1.2", "hexadecimal": "0x0a.1.2.3",
		"a name": "localhost", "full-width digits": "１0.1.2.3",
	} {
		if networks.CanHave(key) || networks.Has(key) {
			t.Errorf("%s: %q is accepted", name, key)
		}
	}
}

func TestUnicodeDomain(t *testing.T) {
	for _, entry := range []string{"bücher.example", "BÜCHER.example.", "xn--bcher-kva.example", "XN--BCHER-KVA.example"} {
		made := build(t, table.Domains, entry)
		for _, key := range []string{"bücher.example", "Bücher.Example", "xn--bcher-kva.example", "Xn--Bcher-Kva.example.", "mail.bücher.example", "é.xn--bcher-kva.example"} {
			if !made.Has(key) {
				t.Errorf("%q is not in a table with %q", key, entry)
			}
		}
		for _, key := range []string{"bucher.example", "buecher.example", "bûcher.example", "xn--bcher-kvb.example", "xbücher.example", "xn--bcher-kva.example.evil.example"} {
			if made.Has(key) {
				t.Errorf("%q is in a table with %q", key, entry)
			}
		}
	}
	if _, err := table.New(table.Domains, []table.Entry{{Key: "bücher.example"}, {Key: "xn--bcher-kva.example"}}); !errors.Is(err, table.ErrDuplicate) {
		t.Errorf("got %v for both forms of a name", err)
	}
}

// FuzzFoldDomain: two names are equal when their bytes in lower case are, and folding is idempotent
// and never lengthens a name.
func FuzzFoldDomain(f *testing.F) {
	for _, s := range []string{"a.b", "Ä.b.", "evil。com", "\u023a", "a..b", "İ", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var buf, again [table.MaxName]byte
		n := table.FoldDomain(&buf, s)
		kept := string(buf[:n])
		if n == 0 {
			return
		}
		if m := table.FoldDomain(&again, kept); string(again[:m]) != kept {
			t.Errorf("%q is kept as %q, and that as %q", s, kept, again[:m])
		}
		if strings.Contains(kept, "..") || kept[0] == '.' || kept[n-1] == '.' || strings.ToLower(kept) != kept || strings.ContainsAny(kept, "@ <>()\x00") {
			t.Errorf("%q is kept as %q", s, kept)
		}
		if !isASCII(kept) || !isASCII(s) && !strings.Contains(kept, "xn--") {
			t.Errorf("%q is kept as %q, which is another name", s, kept)
		}
	})
}
