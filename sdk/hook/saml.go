package hook

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

const sessionPath = "/authentication/sessionLifetime"

// assertionRoots are the roots of the paths that a SAML patch may replace (hooks.md section 5).
var assertionRoots = []string{"/subject/", "/authentication/", "/conditions/", claimsPath}

var (
	attributeMembers = []string{"attributes", "attributeValues"}
	valueMembers     = []string{"attributes", "value"}
)

// assertionPath checks the path of an operation on an assertion, and the value for it.
func (c *checker) assertionPath(s *step) {
	if s.name == sessionPath {
		if v, ok := s.value.Int(); !ok || v <= 0 {
			c.fail(".value", "want a session lifetime in whole seconds")
		}
		return
	}
	if rest, ok := strings.CutPrefix(s.name, claimsPath); ok {
		c.attributePath(s, rest)
		return
	}
	for _, root := range assertionRoots {
		if len(s.name) > len(root) && strings.HasPrefix(s.name, root) {
			if s.op == opAdd {
				c.fail(".op", "add makes attributes and %s: replace what is there already", sessionPath)
			}
			c.checkSubject(s)
			return
		}
	}
	if strings.HasSuffix(s.name, "ifetime/expiration") || strings.HasSuffix(s.name, "ifetime") {
		c.fail(".path", "want a path below %s, got %s, did you mean %s?", OneOf(assertionRoots), quote(s.name), sessionPath)
		return
	}
	c.fail(".path", "want a path below %s, got %s", OneOf(assertionRoots), quote(s.name))
}

// checkSubject requires a text for the name that identifies the person, and for that name's format:
// service providers know an assertion's subject by nothing else (hooks.md section 5).
func (c *checker) checkSubject(s *step) {
	if (s.name == "/subject/nameId" || s.name == "/subject/nameFormat") && s.value.Text() == "" {
		c.fail(".value", "want a text, got %s", describe(s.value))
	}
}

// attributePath checks an operation below /claims/: a whole attribute, or something inside one.
func (c *checker) attributePath(s *step, rest string) {
	name, deeper := c.splitClaim(rest)
	if name == "" {
		return
	}
	if !deeper {
		c.attribute(s.value)
		return
	}
	switch below := rest[len(name):]; {
	case strings.HasPrefix(below, "/attributeValues/") && strings.HasSuffix(below, "/value"):
		if s.value.Kind() != jsondoc.String {
			c.fail(".value", "want a string, got %s: an attribute's value is text whatever its xsi:type", describe(s.value))
		}
	case strings.HasPrefix(below, "/attributeValues/") && strings.Count(below, "/") == 2:
		c.attributeValue(".value", s.value)
	case below == "/attributeValues":
		c.attributeValues(".value", s.value)
	}
}

// attribute checks the value of a whole attribute: {attributes, attributeValues}, or the plain
// string of Okta's notes on the operations.
func (c *checker) attribute(v jsondoc.Node) {
	switch v.Kind() {
	case jsondoc.Missing, jsondoc.String:
		return
	case jsondoc.Object:
	default:
		c.fail(".value", "want {attributes, attributeValues} or a string, got %s", describe(v))
		return
	}
	attributes, values := v.Get("attributes"), v.Get("attributeValues")
	if v.Len() != countPresent(attributes)+countPresent(values) {
		for name := range v.Members() {
			if name != "attributes" && name != "attributeValues" {
				c.unknown(".value", name, " of an attribute", attributeMembers)
			}
		}
	}
	c.checkStrings(".value.attributes", attributes)
	c.attributeValues(".value.attributeValues", values)
}

func (c *checker) attributeValues(path string, v jsondoc.Node) {
	if v.Kind() != jsondoc.Array {
		c.fail(path, "want an array of {attributes, value}, got %s", describe(v))
		return
	}
	c.listPath, c.item = path, 0
	for n := range v.Elements() {
		if c.full() {
			break
		}
		c.attributeValue("", n)
		c.item++
	}
	c.listPath = ""
}

// attributeValue checks one value of an attribute:
// {"attributes": {"xsi:type": "xs:string"}, "value": "x"}.
func (c *checker) attributeValue(path string, v jsondoc.Node) {
	if v.Kind() != jsondoc.Object {
		c.fail(path, "want an object with attributes and value, got %s", describe(v))
		return
	}
	attributes, value := v.Get("attributes"), v.Get("value")
	if v.Len() != countPresent(attributes)+countPresent(value) {
		for name := range v.Members() {
			if name != "attributes" && name != "value" {
				c.unknown(path, name, "", valueMembers)
			}
		}
	}
	if value.Kind() != jsondoc.String {
		c.fail(path+".value", "want a string, got %s: an attribute's value is text whatever its xsi:type", describe(value))
	}
	c.checkStrings(path+".attributes", attributes)
}

// checkStrings checks an optional object of strings, like {"xsi:type": "xs:string"}.
func (c *checker) checkStrings(path string, v jsondoc.Node) {
	if v.Kind() == jsondoc.Missing {
		return
	}
	if v.Kind() != jsondoc.Object {
		c.fail(path, "want an object of strings, got %s", describe(v))
		return
	}
	for name, text := range v.Members() {
		if text.Kind() != jsondoc.String {
			c.fail(path+dot(name), "want a string, got %s", describe(text))
		}
	}
}
