package hook

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// operation is the kind of a patch operation.
type operation uint8

const (
	opAdd operation = iota + 1
	opReplace
	opRemove
)

var (
	operations       = []string{"add", "replace", "remove"}
	operationMembers = []string{"op", "path", "value"}
)

const (
	lifetimePath = "/token/lifetime/expiration"
	claimsPath   = "/claims/"

	minLifetime, maxLifetime = 300, 86400 // seconds (hooks.md section 4)
)

// patch checks an array of operations: JSON Patch without move, copy and test (hooks.md sections 4
// and 5).
func (c *checker) patch(cmd *command, v jsondoc.Node) {
	if v.Kind() == jsondoc.Object {
		c.fail(".value", "want an array of operations, got an object, did you mean [{...}]?")
		return
	}
	if v.Kind() != jsondoc.Array {
		c.fail(".value", "want an array of operations, got %s", describe(v))
		return
	}
	for n := range v.Elements() {
		if c.full() {
			return
		}
		c.at.op++
		c.operation(cmd, n)
	}
}

func (c *checker) operation(cmd *command, n jsondoc.Node) {
	if n.Kind() != jsondoc.Object {
		c.fail("", "want an object with op, path and value, got %s", describe(n))
		return
	}
	var op, path, value jsondoc.Node
	for name, m := range n.Members() {
		switch name {
		case "op":
			op = m
		case "path":
			path = m
		case "value":
			value = m
		default:
			c.unknown("", name, " of an operation", operationMembers)
		}
	}
	s := step{command: cmd, name: path.Text(), op: c.op(cmd, op), node: n, value: value, place: c.at}
	switch {
	case s.op == opRemove && value.Kind() > jsondoc.Null:
		c.fail(".value", "want no value to remove: anything but null makes Okta drop the whole patch")
	case s.op != opRemove && s.op != 0 && value.Kind() == jsondoc.Missing:
		c.fail(".value", "want a value to %s, got nothing", op.Text())
		return
	}
	if path.Kind() != jsondoc.String {
		c.fail(".path", "want a JSON Pointer like /claims/name, got %s", describe(path))
		return
	}
	if s.op == 0 || !c.pointer(s.name) {
		return
	}
	if cmd.token != 0 {
		c.tokenPath(&s)
	} else {
		c.assertionPath(&s)
	}
	c.steps = append(c.steps, s)
}

func (c *checker) op(cmd *command, n jsondoc.Node) operation {
	switch n.Text() {
	case "add":
		return opAdd
	case "replace":
		return opReplace
	case "remove":
		if cmd.token != 0 {
			return opRemove
		}
		c.fail(".op", "an assertion takes add and replace, never remove")
	case "move", "copy", "test":
		c.fail(".op", "Okta has no %s: want %s", n.Text(), OneOf(operationsOf(cmd)))
	case "":
		c.fail(".op", "want %s, got %s", OneOf(operationsOf(cmd)), describe(n))
	default:
		c.fail(".op", "unknown operation %s%s", quote(n.Text()), hint(n.Text(), operationsOf(cmd)))
	}
	return 0
}

func operationsOf(cmd *command) []string {
	if cmd.token != 0 {
		return operations
	}
	return operations[:2]
}

// pointer checks that path is a JSON Pointer below some member.
func (c *checker) pointer(path string) bool {
	for i := strings.IndexByte(path, '~'); i >= 0 && i < len(path); i++ {
		if path[i] == '~' && (i+1 == len(path) || path[i+1] != '0' && path[i+1] != '1') {
			c.fail(".path", "in a JSON Pointer ~ is written ~0 and / inside a name ~1")
			return false
		}
	}
	return true
}

// tokenPath checks the path of an operation on a token, and the value for it.
func (c *checker) tokenPath(s *step) {
	if s.name == lifetimePath {
		c.lifetime(s)
		return
	}
	rest, ok := strings.CutPrefix(s.name, claimsPath)
	if !ok {
		c.fail(".path", "want %s{name} or %s, got %s%s", claimsPath, lifetimePath, quote(s.name), pathHint(s.name))
		return
	}
	name, deeper := c.splitClaim(rest)
	switch k := s.command.token; {
	case name == "":
	case c.reserves(k, name):
		c.failReserved(k, name)
	case s.op == opRemove && !deeper && (name == "aud" || name == "sub"):
		c.fail(".path", "%s may be changed in an access token, but not removed", quote(name))
	case s.op == opAdd && !deeper:
		c.claimValue(s.value)
	}
}

func (k TokenKind) article() string {
	if k == IDToken {
		return "an ID"
	}
	return "an access"
}

// splitClaim returns the first name of a path below /claims/, still escaped, and whether the path
// continues below it.
func (c *checker) splitClaim(rest string) (name string, deeper bool) {
	name = rest
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		name, deeper = rest[:i], true
	}
	if name == "" {
		c.fail(".path", "want a claim's name after %s", claimsPath)
		return "", false
	}
	if deeper && strings.HasSuffix(name, ":") && strings.HasPrefix(rest[len(name):], "//") {
		c.fail(".path", "the / in a claim's name is written ~1, did you mean %s?", quote(claimsPath[:len(claimsPath)-1]+string(jsondoc.AppendPointer(nil, rest))))
		return "", false
	}
	return name, deeper
}

// claimValue holds a new claim to the kinds that Okta names (hooks.md section 4).
func (c *checker) claimValue(v jsondoc.Node) {
	switch v.Kind() {
	case jsondoc.Null:
		c.fail(".value", "want a string, whole number, boolean, array or object, got null")
	case jsondoc.Number:
		for _, b := range v.Raw() {
			if b == '.' || b == 'e' || b == 'E' {
				c.fail(".value", "want a string, whole number, boolean, array or object: write a number with a fraction as a string")
				return
			}
		}
	}
}

func (c *checker) lifetime(s *step) {
	if s.op != opReplace {
		c.fail(".op", "a lifetime is there already: want replace")
	}
	if v, ok := s.value.Int(); s.op == opReplace && (!ok || v < minLifetime || v > maxLifetime) {
		c.fail(".value", "want whole seconds between %d and %d", minLifetime, maxLifetime)
	}
}

// pathHint suggests the path that was meant by one that starts wrong.
func pathHint(path string) string {
	var meant string
	switch i := strings.Index(path, "claims/"); {
	case i >= 0 && len(path) > i+len("claims/"):
		meant = claimsPath + path[i+len("claims/"):]
	case strings.HasSuffix(path, "expiration") || strings.HasSuffix(path, "lifetime"):
		meant = lifetimePath
	case strings.HasPrefix(path, "claims."):
		meant = claimsPath + path[len("claims."):]
	case strings.HasPrefix(path, "/claim/"):
		meant = claimsPath + path[len("/claim/"):]
	case strings.HasPrefix(path, "/") && len(path) > 1 && strings.IndexByte(path[1:], '/') < 0 && path != "/claims":
		meant = claimsPath + path[1:]
	default:
		return ""
	}
	return ", did you mean " + quote(meant) + "?"
}

func (o operation) String() string { return operations[o-1] }
