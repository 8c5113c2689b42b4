package tables

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// loadTestTable loads the table a policy file describes as t, beside files.
func loadTestTable(policy string, files map[string]string, before int) (*table.Table, document.Problems) {
	all := map[string][]byte{}
	for name, text := range files {
		all[name] = []byte(text)
	}
	root, problems := document.Parse(document.NewSource("policy.yaml", []byte(policy)))
	if root == nil || root.Get("t") == nil {
		return nil, problems
	}
	t, more := Load("t", root.Get("t"), folder.New(all), before)
	return t, append(problems, more...)
}

func TestTable(t *testing.T) {
	const partners = "domain,name,tier\nexample.com,Example,3\nexample.org,\"Org, Inc.\",\n"
	const tiers = `{"gold": 3, "silver": {"n":2}}`
	tests := []struct {
		name   string
		policy string
		file   string // the text of the file the policy names
		want   string // key=JSON of the keys looked up, "key" for those that find nothing
	}{
		{"an inline list", `t: [a, 2, true, 'b c']`, "", `a=true 2=true true=true x`},
		{"an inline map", `t: {gold: 3, silver: {n: 2}, "7": [1, x], none: ~}`, "", `gold=3 silver={"n":2} 7=[1,"x"] none=null x`},
		{"an empty inline list", `t: []`, "", `a`},
		{"aliases", "a: &a [1, 2]\nt: {x: *a, y: *a}", "", `x=[1,2] y=[1,2]`},
		{"txt as a set", `t: {file: l.txt, as: set}`, "a\n# no\n  b # yes\r\n\nc#d\n", `a=true b=true c#d=true # no`},
		{"txt with a byte order mark", `t: {file: l.txt, as: set}`, "\ufeffa\n", `a=true`},
		{"txt as domains", `t: {file: l.txt, as: domains}`, "Example.com\n", `www.example.com=true`},
		{"txt as cidrs", `t: {file: l.txt, as: cidrs}`, "10.0.0.0/8\n2001:db8::/32", `10.1.1.1=true 2001:db8::1=true 11.0.0.0`},
		{"csv as domains", `t: {file: l.csv, as: domains, column: domain}`, partners, `a.example.com=true b.example`},
		{"csv as domains with a value", `t: {file: l.csv, as: domains, key: domain, value: name}`, partners, `a.example.org="Org, Inc."`},
		{"csv as domains with rows", `t: {file: l.csv, as: domains, key: domain}`, partners, `a.example.com={"domain":"example.com","name":"Example","tier":"3"}`},
		{"csv as rows", `t: {file: l.csv, as: rows, key: name}`, partners, `Example={"domain":"example.com","name":"Example","tier":"3"}`},
		{"an empty cell of a row is left out", `t: {file: l.csv, as: rows, key: domain}`, partners, `example.org={"domain":"example.org","name":"Org, Inc."}`},
		{"csv as map", `t: {file: l.csv, as: map, key: domain, value: name}`, partners, `example.com="Example"`},
		{"csv as rows with a value", `t: {file: l.csv, as: rows, key: domain, value: name}`, partners, `example.com="Example"`},
		{"csv with CRLF, a mark and white space", `t: {file: l.csv, as: set, column: b}`, "\ufeffa, b\r\n1, x \r\n\r\n2,y\r\n", `x=true y=true`},
		{"csv with line ends in quotes", `t: {file: l.csv, as: map, key: a, value: b}`, "a,b\nx,\"1\n2\"\n", `x="1\n2"`},
		{"json list", `t: {file: l.json, as: set}`, `["a", 1, true]`, `a=true 1=true true=true`},
		{"json map", `t: {file: l.json, as: map}`, tiers, `gold=3 silver={"n":2}`},
		{"json map as cidrs", `t: {file: l.json, as: cidrs}`, `{"10.0.0.0/8": "a"}`, `10.0.0.1="a"`},
		{"json objects as rows", `t: {file: l.json, as: rows, key: id}`, `[{"id":1,"x":[2]}]`, `1={"id":1,"x":[2]}`},
		{"json objects by name as rows", `t: {file: l.json, as: rows}`, `{"1": {"x":[2]}}`, `1={"x":[2]}`},
		{"json objects as set", `t: {file: l.json, as: set, column: id}`, `[{"id": 1}, {"id": "b"}]`, `1=true b=true`},
		{"json objects as map", `t: {file: l.json, as: map, key: id, value: x}`, `[{"id": 1, "x": false}]`, `1=false`},
		{"yaml list", `t: {file: l.yaml, as: domains}`, "- a.example\n- b.example\n", `x.a.example=true`},
		{"yaml map", `t: {file: l.yml, as: map}`, "gold: 3\nsilver: 'x\"'\n", `gold=3 silver="x\""`},
		{"a file name with a dot in front", `t: {file: ./l.txt, as: set}`, "a", `a=true`},
		{"few rows", `t: {file: l.txt, as: set, min_rows: 1, max_shrink: 10%}`, "a", `a=true`},
		{"no rows, on purpose", `t: {file: l.txt, as: set, min_rows: 0}`, "", `a`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"l.txt": test.file, "l.csv": test.file, "l.json": test.file, "l.yaml": test.file, "l.yml": test.file}
			made, problems := loadTestTable(test.policy, files, 0)
			if len(problems) > 0 || made == nil {
				t.Fatalf("%v\n%v", made, problems)
			}
			words := strings.Split(strings.ReplaceAll(test.want, "Org, Inc.", "Org,_Inc."), " ")
			for _, word := range words {
				key, want, _ := strings.Cut(strings.ReplaceAll(word, "Org,_Inc.", "Org, Inc."), "=")
				if got := string(made.Lookup(key).Raw()); got != want {
					t.Errorf("%s: got %s, want %s", key, got, want)
				}
			}
		})
	}
}

func TestTableProblems(t *testing.T) {
	tests := []struct {
		name   string
		policy string
		file   string
		before int
		want   string
	}{
		{"neither list nor map", `t: yes`, "", 0, `policy.yaml:1:4: want table t as a list, a map, or {file, as}, got a text`},
		{"a hole", `t: {a: "${env.X}"}`, "", 0, `policy.yaml:1:8: a table holds constants: ${ } is not filled here`},
		{"null in a list", `t: [a, ~]`, "", 0, `policy.yaml:1:8: want a text or a number, got null`},
		{"a list in a list", `t: [a, [b]]`, "", 0, `policy.yaml:1:8: want a text or a number, got a list`},
		{"a member twice", "t:\n  - a\n  - a\n", "", 0, `policy.yaml:3:5: warning: "a" is there twice, first on line 2`},
		{"an unknown key", `t: {file: l.csv, as: set, colum: a}`, "a\nb", 0, `policy.yaml:1:27: unknown key "colum" in a table, did you mean "column"?`},
		{"an unknown reading", `t: {file: l.csv, as: domain, column: a}`, "a\nb", 0,
			`policy.yaml:1:22: want set, map, rows, cidrs or domains, got "domain", did you mean "domains"?`},
		{"no reading", `t: {file: l.csv}`, "a\nb", 0, `policy.yaml:1:4: a table has no as`},
		{"a folder above", `t: {file: ../l.csv, as: set}`, "", 0, `policy.yaml:1:11: ../l.csv is not in the policy folder: want a path such as tables/partners.csv`},
		{"a folder above, hidden", `t: {file: a/../../l.csv, as: set}`, "", 0,
			`policy.yaml:1:11: a/../../l.csv is not in the policy folder: want a path such as tables/partners.csv`},
		{"an absolute path", `t: {file: /etc/l.csv, as: set}`, "", 0, `policy.yaml:1:11: /etc/l.csv is not in the policy folder: want a path such as tables/partners.csv`},
		{"a backslash", `t: {file: 'tables\l.csv', as: set}`, "", 0, `policy.yaml:1:11: tables\l.csv is not in the policy folder: want a path such as tables/partners.csv`},
		{"no such file", `t: {file: k.csv, as: set}`, "", 0, `policy.yaml:1:11: there is no k.csv in the policy folder, did you mean "l.csv"?`},
		{"no such format", `t: {file: l.xlsx, as: set}`, "", 0, `policy.yaml:1:11: want a file that ends in .csv, .json, .yaml, .yml or .txt`},
		{"a column for a map", `t: {file: l.csv, as: map, column: a}`, "a\nb", 0, `policy.yaml:1:35: want key: for as: map; column: is for a table without values`},
		{"values for a set", `t: {file: l.csv, as: set, key: a, value: b}`, "a\nb", 0, `policy.yaml:1:4: a set has a column: and no key: and value:, want as: map for values`},
		{"a value without a key", `t: {file: l.csv, as: domains, value: b}`, "a\nb", 0, `policy.yaml:1:38: want key: beside value:`},
		{"a guard that is no number", `t: {file: l.csv, as: set, column: a, min_rows: many}`, "a\nb", 0, `policy.yaml:1:48: want a whole number from 0 to 1048576, got a text`},
		{"a guard that is no share", `t: {file: l.csv, as: set, column: a, max_shrink: 10}`, "a\nb", 0, `policy.yaml:1:50: want a share from 0% to 100%, such as 10%, got 10`},

		{"an empty file", `t: {file: l.txt, as: set}`, "# nothing\n", 0, `policy.yaml:1:11: l.txt is empty: want an entry, or min_rows: 0`},
		{"too few rows", `t: {file: l.txt, as: set, min_rows: 3}`, "a\nb\n", 0, `policy.yaml:1:37: l.txt has 2 rows: want at least 3`},
		{"shrunk", `t: {file: l.txt, as: set, max_shrink: 10%}`, "1\n2\n3\n4\n5\n6\n7\n8\n", 10,
			`policy.yaml:1:39: l.txt has 8 rows, and 10 in the policy that runs now: want at least 9`},
		{"shrunk at all", `t: {file: l.txt, as: set, max_shrink: 0%}`, "1\n", 2, `policy.yaml:1:39: l.txt has 1 row, and 2 in the policy that runs now: want at least 2`},

		{"not UTF-8", `t: {file: l.txt, as: set}`, "a\n\xff\n", 0, `l.txt:2:1: not UTF-8`},
		{"UTF-16", `t: {file: l.txt, as: set}`, "\xff\xfea\x00", 0, `policy.yaml:1:11: l.txt is UTF-16: save it as UTF-8`},
		{"a text file as a map", `t: {file: l.txt, as: map}`, "a", 0, `policy.yaml:1:22: a .txt file has entries without values: want as: set, cidrs or domains`},
		{"a text file with columns", `t: {file: l.txt, as: set, column: a}`, "a", 0, `policy.yaml:1:35: a .txt file has no columns: want no column:`},
		{"a line that is no network", `t: {file: l.txt, as: cidrs}`, "10.0.0.0/8\n  10.0.0/8\n10.0.0.1/8\n", 0,
			`l.txt:2:3: "10.0.0/8": not a network: want an address or a prefix such as 192.0.2.0/24
l.txt:3:1: "10.0.0.1/8": not a network: the address has bits set after its 8 bits: want 10.0.0.0/8 or 10.0.0.1`},
		{"a wildcard", `t: {file: l.txt, as: domains}`, "*.example.com\n", 0,
			`l.txt:1:1: "*.example.com": not a domain: want example.com, which matches its subdomains too`},
		{"lines twice", `t: {file: l.txt, as: domains}`, "a.example\nb.example\nA.example.\nb.example\n", 0,
			`l.txt:3:1: warning: 2 entries are there twice; "A.example." is there twice, first on line 1`},

		{"an empty csv", `t: {file: l.csv, as: set, column: a}`, "", 0, `l.csv:1:1: the first line: want the names of the columns`},
		{"a column misspelt", `t: {file: l.csv, as: set, column: domian}`, "domain,name\na,b", 0, `policy.yaml:1:35: l.csv has no column "domian", did you mean "domain"?`},
		{"no such column", `t: {file: l.csv, as: set, column: mail}`, "domain,name\na,b", 0, `policy.yaml:1:35: l.csv has no column "mail": want one of domain, name`},
		{"semicolons", `t: {file: l.csv, as: set, column: domain}`, "domain;name\na;b", 0,
			`policy.yaml:1:35: l.csv has no column "domain": its first line has no comma, and commas go between columns`},
		{"no column told", `t: {file: l.csv, as: set}`, "domain,name\na,b", 0, `policy.yaml:1:11: want column: one of domain, name`},
		{"no key told", `t: {file: l.csv, as: rows}`, "domain,name\na,b", 0, `policy.yaml:1:11: want key: one of domain, name`},
		{"no value told", `t: {file: l.csv, as: map, key: domain}`, "domain,name\na,b", 0, `policy.yaml:1:11: want value: for as: map, one of domain, name, or as: rows`},
		{"ragged", `t: {file: l.csv, as: set, column: a}`, "a,b\n1,2\n3\n4,5,6\n", 0,
			"l.csv:3:1: 1 cell here and 2 cells in the first line\nl.csv:4:1: 3 cells here and 2 cells in the first line"},
		{"an empty key cell", `t: {file: l.csv, as: set, column: b}`, "a,b\n1,2\nä, \n", 0, `l.csv:3:3: the cell in column b is empty`},
		{"an empty value cell", `t: {file: l.csv, as: map, key: a, value: b}`, "a,b\n1,\n", 0, `l.csv:2:3: the cell in column b is empty`},
		{"a quote inside a cell", `t: {file: l.csv, as: set, column: a}`, "a,b\n1,x\"y\n", 0, `l.csv:2:4: bare " in a cell without quotes around it`},
		{"a quote that does not end", `t: {file: l.csv, as: set, column: a}`, "a,b\n1,\"y\n", 0, `l.csv:2:5: extraneous or missing " in quoted-field`},
		{"a column without a name", `t: {file: l.csv, as: set, column: a}`, "a,,b\n1,2,3\n", 0, `l.csv:1:1: column 2 has no name`},
		{"a column twice", `t: {file: l.csv, as: set, column: a}`, "a,b,a\n1,2,3\n", 0, `l.csv:1:1: two columns are called "a"`},
		{"a key twice", `t: {file: l.csv, as: rows, key: a}`, "a,b\n1,2\n2,3\n1,4\n", 0, `l.csv:4:1: "1" is there twice, first on line 2`},
		{"a member twice in csv", `t: {file: l.csv, as: set, column: a}`, "a,b\n1,2\n2,3\n1,4\n", 0, `l.csv:4:1: warning: "1" is there twice, first on line 2`},

		{"not JSON", `t: {file: l.json, as: set}`, "[1,\n 2,,\n]", 0, `l.json:2:4: not JSON: want a value`},
		{"a name twice in JSON", `t: {file: l.json, as: map}`, `{"a": 1, "a": 2}`, 0, ``},
		{"JSON of another shape", `t: {file: l.json, as: set}`, `"a"`, 0, `l.json:1:1: want a list or a map of entries`},
		{"a JSON map as a set", `t: {file: l.json, as: set}`, `{"a": 1}`, 0, `policy.yaml:1:23: l.json is a map: want a list, or as: map`},
		{"a JSON map with a key", `t: {file: l.json, as: map, key: a}`, `{"a": 1}`, 0, `policy.yaml:1:23: l.json is a map, whose names are the keys: want no key: or column:`},
		{"a JSON list as a map", `t: {file: l.json, as: map}`, `["a"]`, 0, `policy.yaml:1:23: l.json is a list of keys without values: want as: set, cidrs or domains`},
		{"objects without the key", `t: {file: l.json, as: rows, key: name}`, "[\n {\"name\": 1},\n {\"nmae\": 2},\n 3]", 0,
			"l.json:3:2: want a text or a number in member \"name\", got nothing, did you mean \"nmae\"?\nl.json:4:2: want an object with a member \"name\""},
		{"objects without the value", `t: {file: l.json, as: map, key: id, value: x}`, "[{\"id\": 1, \"x\": null}]", 0, `l.json:1:2: want a value in member "x", got null`},
		{"objects as a set", `t: {file: l.json, as: set}`, "[{\"id\": 1}]", 0, `l.json:1:2: want a text or a number, got an object: name the member to take in column:`},
		{"rows that are no objects", `t: {file: l.json, as: rows}`, "{\"a\": {},\n \"b\": 1}", 0, `l.json:2:2: want an object for as: rows`},
		{"an empty key in JSON", `t: {file: l.json, as: set}`, `["a", ""]`, 0, `l.json:1:7: the key is empty`},
		{"a domain in JSON", `t: {file: l.json, as: domains}`, "[\"a.example\",\n\"@\"]", 0, `l.json:2:1: "@": not a domain: want a name such as example.com`},

		{"not YAML", `t: {file: l.yaml, as: set}`, "a: [", 0, ``},
		{"an empty YAML", `t: {file: l.yaml, as: set}`, "# nothing\n", 0, `l.yaml:1:1: the file is empty: want a list or a map`},
		{"a number with zeros", `t: {file: l.yaml, as: set}`, "- 007\n", 0, `l.yaml:1:3: 007 is not a number that JSON has: quote it when its zeros count, else leave them out`},
		{"a domain in YAML", `t: {file: l.yaml, as: domains}`, "- a.example\n- 'b c'\n", 0, `l.yaml:2:3: "b c": not a domain: want a name such as example.com`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"l.txt": test.file, "l.csv": test.file, "l.json": test.file, "l.yaml": test.file, "l.yml": test.file}
			made, problems := loadTestTable(test.policy, files, test.before)
			var got []string
			warned := true
			for _, p := range problems {
				got = append(got, p.String())
				warned = warned && p.Warning
			}
			if test.want != "" && strings.Join(got, "\n") != test.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), test.want)
			}
			if len(problems) == 0 || warned != (made != nil) {
				t.Errorf("got table %v with %d problems", made, len(problems))
			}
		})
	}
}

func TestTableProblemsAreCapped(t *testing.T) {
	_, problems := loadTestTable(`t: {file: l.txt, as: domains}`, map[string]string{"l.txt": strings.Repeat("no domain\n", 50)}, 0)
	if len(problems) != maxTableProblems+1 || problems[maxTableProblems].Message != fmt.Sprintf("and %d more problems in this table", 50-maxTableProblems) {
		t.Errorf("%d problems, the last is %v", len(problems), problems[len(problems)-1])
	}
}

func FuzzTable(f *testing.F) {
	f.Add("csv", "a,b\n1,\"2\n\"\n", "domains", "a", "", "")
	f.Add("csv", "\ufeffa;b\r\n1;2", "rows", "", "a", "b")
	f.Add("txt", "10.0.0.0/8 # x\n::/0\n", "cidrs", "", "", "")
	f.Add("json", `[{"a": 1, "b": [2]}, {"a": "x"}]`, "map", "", "a", "b")
	f.Add("json", `{"a": {"b": 1}}`, "rows", "", "", "")
	f.Add("yaml", "- a\n- &x b\n- *x\n", "set", "", "", "")
	f.Add("yaml", "a: {b: 1}\n", "domains", "", "", "b")
	f.Fuzz(func(t *testing.T, format, text, as, column, key, value string) {
		n := &document.Node{Source: document.NewSource("policy.yaml", nil), Kind: document.Map}
		for name, v := range map[string]string{"file": "l." + format, "as": as, "column": column, "key": key, "value": value, "min_rows": "0"} {
			one := &document.Node{Source: n.Source, Kind: document.Text, Text: v}
			if name == "min_rows" {
				one.Kind = document.Number
			}
			if v != "" {
				n.Members = append(n.Members, document.Member{Key: name, KeyNode: one, Value: one})
			}
		}
		made, problems := Load("t", n, folder.New(map[string][]byte{"l." + format: []byte(text)}), 0)
		warned := true
		for _, p := range problems {
			warned = warned && p.Warning
			if lines := 1 + strings.Count(text, "\n"); p.File == "l."+format && p.Message != "" && (p.Line > lines || p.Line < 0 || p.Column < 0) {
				t.Errorf("%v in %d lines", p, lines)
			}
		}
		if warned != (made != nil) {
			t.Errorf("table %v with %v", made, problems)
		}
	})
}
