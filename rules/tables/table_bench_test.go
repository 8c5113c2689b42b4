package tables

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkLoadTable(b *testing.B) {
	var lines, csv, json, yaml strings.Builder
	csv.WriteString("domain,name\n")
	json.WriteString(`["x.example"`)
	for i := range 30_000 {
		fmt.Fprintf(&lines, "partner-%d.example\n", i)
		fmt.Fprintf(&csv, "partner-%d.example,Partner %d\n", i, i)
		fmt.Fprintf(&json, `,"partner-%d.example"`, i)
		fmt.Fprintf(&yaml, "- partner-%d.example\n", i)
	}
	json.WriteString("]")
	tests := []struct{ name, policy string }{
		{"txt", `t: {file: l.txt, as: domains}`},
		{"csv", `t: {file: l.csv, as: domains, column: domain}`},
		{"csv-rows", `t: {file: l.csv, as: rows, key: domain}`},
		{"json", `t: {file: l.json, as: domains}`},
		{"yaml", `t: {file: l.yaml, as: domains}`},
	}
	files := map[string]string{"l.txt": lines.String(), "l.csv": csv.String(), "l.json": json.String(), "l.yaml": yaml.String()}
	for _, test := range tests {
		b.Run(test.name+"/30000", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if made, problems := loadTestTable(test.policy, files, 0); made == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}
