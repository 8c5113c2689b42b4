package jsondoc_test

import (
	"errors"
	"fmt"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// A call is parsed once; every reader gets its members by name.
func ExampleDoc() {
	body := []byte(`{"eventType":"com.okta.user.pre-registration","data":{"userProfile":{"email":"ada@example.com","tags":["a","b"]}}}`)
	var d jsondoc.Doc
	if err := d.Parse(body, jsondoc.Limits{}); err != nil {
		fmt.Println(err)
		return
	}
	profile := d.Root().Get("data").Get("userProfile")
	fmt.Println(profile.Get("email").Text())
	fmt.Println(profile.Pointer("/tags/1").Text())
	fmt.Println(profile.Get("title").Kind() == jsondoc.Missing)
	fmt.Printf("%s\n", profile.Get("tags").Raw())
	// Output:
	// ada@example.com
	// b
	// true
	// ["a","b"]
}

// Texts that two readers could understand differently are rejected, with the place of the fault.
func ExampleSyntaxError_Position() {
	text := []byte("{\n  \"role\": \"user\",\n  \"r\\u006fle\": \"admin\"\n}")
	err := new(jsondoc.Doc).Parse(text, jsondoc.Limits{})
	if syntax, ok := errors.AsType[*jsondoc.SyntaxError](err); ok {
		line, col := syntax.Position(text)
		fmt.Printf("%d:%d: %v\n", line, col, syntax.Err)
	}
	// Output: 3:3: a member that is there twice
}
