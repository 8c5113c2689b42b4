package suite

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/rules/tables"
	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// maxSteps is the nesting limit of a call.
const maxSteps = 64

// ReplaceMember returns the JSON text with a JSON value at the path and everything else unchanged.
// The path is dotted, data.groups.0.name, or a JSON Pointer (RFC 6901) for names with dots. Missing
// objects are created; an index may be the length of the list.
func ReplaceMember(text []byte, at string, value []byte) ([]byte, error) {
	var doc jsondoc.Doc
	if err := doc.Parse(text, jsondoc.Limits{}); err != nil {
		return nil, err
	}
	steps, err := splitPath(at)
	if err != nil {
		return nil, err
	}
	return replaceMember(nil, doc.Root(), steps, value)
}

// splitPath splits a path into names.
func splitPath(at string) ([]string, error) {
	var steps []string
	if name, rest, ok := jsondoc.CutPointer(at); ok {
		for ; ok; name, rest, ok = jsondoc.CutPointer(rest) {
			steps = append(steps, name)
		}
	} else if steps = strings.Split(at, "."); strings.Contains("."+at+".", "..") {
		return nil, errors.New("a name in the path is empty: want a path such as data.userProfile.email")
	}
	if !utf8.ValidString(at) {
		return nil, errors.New("the path is not UTF-8")
	}
	if len(steps) > maxSteps {
		return nil, fmt.Errorf("want at most %d names in the path", maxSteps)
	}
	return steps, nil
}

// KnownMember rejects a dotted path that neither the call has nor calls of its type can have,
// because ReplaceMember would create a member for a misspelt path. known is the list `known` of the
// policy. A JSON Pointer is not checked.
func KnownMember(call []byte, at string, t hook.Type, known []string) error {
	steps, err := splitPath(at)
	if err != nil || strings.HasPrefix(at, "/") {
		return err
	}
	var doc jsondoc.Doc
	if err := doc.Parse(call, jsondoc.Limits{}); err != nil {
		return err
	}
	n := doc.Root()
	for _, name := range steps {
		if i, err := strconv.Atoi(name); err == nil && n.Kind() == jsondoc.Array {
			n = n.At(i)
		} else {
			n = n.Get(name)
		}
	}
	if n.Kind() != jsondoc.Missing {
		return nil
	}
	if misses := schema.CheckPath(t, known, steps); misses != "" {
		return errors.New(misses)
	}
	return checkScopePath(steps)
}

// checkScopePath rejects a path that splits the name of a scope at its dots, as in
// data.access.scopes.hr.read.
func checkScopePath(steps []string) error {
	scope, ok := strings.CutPrefix(strings.Join(steps, "."), "data.access.scopes.")
	if !ok {
		return nil
	}
	member := ""
	for _, m := range []string{"id", "action"} { // the members of a scope
		if name, ok := strings.CutSuffix(scope, "."+m); ok {
			scope, member = name, "/"+m
		}
	}
	if !strings.Contains(scope, ".") {
		return nil
	}
	return fmt.Errorf("a dot begins a new member: for the scope %s write /data/access/scopes/%s%s", scope, scope, member)
}

// replaceMember appends n with the value at the end of the steps.
func replaceMember(dst []byte, n jsondoc.Node, steps []string, value []byte) ([]byte, error) {
	if len(steps) == 0 {
		return append(dst, value...), nil
	}
	switch n.Kind() {
	case jsondoc.Array:
		return replaceInArray(dst, n, steps, value)
	case jsondoc.Object, jsondoc.Missing, jsondoc.Null:
		return replaceInObject(dst, n, steps, value)
	}
	return nil, fmt.Errorf("there is no %q in %s", steps[0], tables.KindNames[n.Kind()])
}

func replaceInObject(dst []byte, n jsondoc.Node, steps []string, value []byte) (_ []byte, err error) {
	dst = append(dst, '{')
	begin, done := len(dst), false
	for name, v := range n.Members() {
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = append(jsondoc.AppendString(dst, name), ':')
		if name != steps[0] {
			dst = append(dst, v.Raw()...)
			continue
		}
		done = true
		if dst, err = replaceMember(dst, v, steps[1:], value); err != nil {
			return nil, err
		}
	}
	if done {
		return append(dst, '}'), nil
	}
	if len(dst) > begin {
		dst = append(dst, ',')
	}
	dst = append(jsondoc.AppendString(dst, steps[0]), ':')
	if dst, err = replaceMember(dst, jsondoc.Node{}, steps[1:], value); err != nil {
		return nil, err
	}
	return append(dst, '}'), nil
}

func replaceInArray(dst []byte, n jsondoc.Node, steps []string, value []byte) (_ []byte, err error) {
	at, err := strconv.Atoi(steps[0])
	if err != nil || at < 0 || at > n.Len() || strconv.Itoa(at) != steps[0] {
		return nil, fmt.Errorf("want the number of an element, 0 to %d, got %q", n.Len(), steps[0])
	}
	dst = append(dst, '[')
	for i := range max(n.Len(), at+1) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if i != at {
			dst = append(dst, n.At(i).Raw()...)
			continue
		}
		if dst, err = replaceMember(dst, n.At(i), steps[1:], value); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}
