package table_test

import (
	"fmt"

	"github.com/tenterhook/tenterhook/runtime/table"
)

func ExampleNew() {
	tiers, err := table.New(table.Domains, []table.Entry{
		{Key: "example.com", Value: []byte(`"gold"`)},
		{Key: "eu.example.com", Value: []byte(`"silver"`)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tiers.Lookup("mail.eu.example.com").Text(), tiers.Lookup("us.Example.com").Text(), tiers.Has("evil-example.com"))
	// Output: silver gold false
}
