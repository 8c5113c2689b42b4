package cli

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
)

const diagramPolicy = `tenterhook: 1
hooks:
  - name: h
    type: registration
    auth: none
    let: {emailDomain: domain(data.userProfile.email), login: data.userProfile.login, other: emailDomain != "x" and login == nil}
    rules:
      - name: lets
        when: other
        debug: {a: b}
      - name: partners
        when: emailDomain in tables.partners and data.context.request.ipAddress startsWith "10."
        deny: no
      - name: lines
        when: |
          emailDomain == "x.example" or
          	data.userProfile.città == "Køln" and data.userProfile.email != nil
        stop: true
      - name: broken
        when: data.userProfile.list startsWith "a" or emailDomain == "b"
        stop: true
      - name: always
        stop: true
known: [data.userProfile.città]
tables: {partners: [partner.example]}
`

const wantDiagrams = `  when emailDomain in tables.partners and data.context.request.ipAddress startsWith "10."
       |           |                  |   |                              |
       |           true               |   "192.0.2.1"                    false
       "partner.example"              false
  decided by data.context.request.ipAddress startsWith "10."

  when emailDomain == "x.example" or
       |           |              |
       |           false          true
       "partner.example"
        data.userProfile.città == "Køln" and data.userProfile.email != nil
        |                      |         |   |                      |
        "Køln"                 true      |   "eve@partner.example"  true
                                         true
  decided by data.userProfile.città == "Køln" and data.userProfile.email != nil

  when data.userProfile.list startsWith "a" or emailDomain == "b"
       |                     |              |              |
       ["a"]                 |              fails          not evaluated
                             fails: a value the rule cannot work with: startsWith wants two texts, got a list and a text (1:23)
  decided by data.userProfile.list startsWith "a"
`

// TestDrawCondition draws the values of the parts of conditions.
func TestDrawCondition(t *testing.T) {
	set, err := rules.Load(folder.New(map[string][]byte{"p.yaml": []byte(diagramPolicy)}), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	d, err := decideTraced(set.Hook("h"), []byte(`{"data": {"context": {"request": {"ipAddress": "192.0.2.1"}},
		"userProfile": {"email": "eve@partner.example", "città": "Køln", "list": ["a"]}, "action": "ALLOW"}}`))
	if err != nil {
		t.Fatal(err)
	}
	all := d.Trace.Rules
	d, err = decideTraced(set.Hook("h"), []byte(`{"data": {"userProfile": {"list": ["a"]}, "action": "ALLOW"}}`))
	if err != nil {
		t.Fatal(err)
	}
	const lets = `  let emailDomain = "partner.example"
      is domain(data.userProfile.email)
         |      |
         |      "eve@partner.example"
         "partner.example"
  let login = null
  let other = true
      is emailDomain != "x" and login == nil
         |           |      |   |     |
         |           true   |   null  true
         "partner.example"  true
`
	var b strings.Builder
	for _, l := range all[0].Lets {
		drawLet(&b, l)
	}
	if b.String() != lets {
		t.Errorf("got\n%s\nwant\n%s", b.String(), lets)
	}
	b.Reset()
	for _, r := range append(all[1:3:3], d.Trace.Rules[3]) {
		drawCondition(&b, r)
		b.WriteString("\n")
	}
	if got := strings.TrimSuffix(b.String(), "\n"); got != wantDiagrams {
		t.Errorf("got\n%s\nwant\n%s", got, wantDiagrams)
	}
}
