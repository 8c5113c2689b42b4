package hook

import "github.com/tenterhook/tenterhook/sdk/jsondoc"

// word checks a value like {"registration": "DENY"}.
func (c *checker) word(cmd *command, v jsondoc.Node) {
	word := v.Get(cmd.key)
	if v.Kind() != jsondoc.Object {
		c.fail(".value", "want {%q: %s}, got %s", cmd.key, quotedOneOf(cmd.words), describe(v))
		return
	}
	if v.Len() != countPresent(word) {
		for name := range v.Members() {
			switch {
			case name == cmd.key:
			case word.Kind() == jsondoc.Missing && v.Len() == 1:
				c.fail(".value"+dot(name), "unknown member, did you mean %s?", cmd.key)
			default:
				c.fail(".value"+dot(name), "unknown member; want %s alone", cmd.key)
			}
		}
	}
	for _, w := range cmd.words {
		if word.Text() == w {
			c.steps = append(c.steps, step{command: cmd, node: v, value: word, place: c.at})
			return
		}
	}
	if word.Kind() != jsondoc.Missing || v.Len() == 0 {
		c.fail(".value."+cmd.key, "want %s, got %s", quotedOneOf(cmd.words), describe(word)+didYouMean(word, cmd.words))
	}
}

// didYouMean suggests a known word for a value. It never contains the given value.
func didYouMean(n jsondoc.Node, known []string) string {
	if s, ok := Suggest(n.Text(), known); ok {
		return ", did you mean " + s + "?"
	}
	return ""
}

func quotedOneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = `"` + w + `"`
	}
	return OneOf(quoted)
}

// profile checks attributes and their values, as far as Okta's user schema is not needed for it.
func (c *checker) profile(cmd *command, v jsondoc.Node) {
	if v.Kind() != jsondoc.Object {
		c.fail(".value", "want an object of attributes, got %s", describe(v))
		return
	}
	for name, value := range v.Members() {
		switch {
		case name == "":
			c.fail(".value", "want attributes with names")
		case name == "password" && c.hook == Registration:
			c.fail(".value.password", "a registration hook cannot set the password")
		default:
			c.steps = append(c.steps, step{command: cmd, name: name, node: value, place: c.at})
		}
	}
}

// id checks {"id": "00u..."}. Okta's own example has an id that looks like a group's, so only its
// kind is checked (hooks.md section 7).
func (c *checker) id(cmd *command, v jsondoc.Node) {
	if v.Kind() != jsondoc.Object {
		c.fail(".value", `want {"id": a user's id}, got %s`, describe(v))
		return
	}
	id := v.Get("id")
	if v.Len() != countPresent(id) {
		for name := range v.Members() {
			if name != "id" {
				c.unknown(".value", name, "", idMembers)
			}
		}
	}
	if id.Text() == "" {
		c.fail(".value.id", "want a user's id, got %s", describe(id))
		return
	}
	c.steps = append(c.steps, step{command: cmd, node: v, place: c.at})
}

var (
	idMembers      = []string{"id"}
	statuses       = []string{"SUCCESSFUL", "PENDING", "FAILED"}
	messageMembers = []string{"status", "provider", "transactionId", "transactionMetadata"}
)

func isMessageMember(name string) bool {
	for _, m := range messageMembers {
		if m == name {
			return true
		}
	}
	return false
}

// message checks [{"status": "SUCCESSFUL", ...}] (hooks.md section 8.2).
func (c *checker) message(cmd *command, v jsondoc.Node) {
	switch {
	case v.Kind() == jsondoc.Object:
		c.fail(".value", "want an array with one object, got an object, did you mean [{...}]?")
		return
	case v.Kind() != jsondoc.Array:
		c.fail(".value", "want an array with one object, got %s", describe(v))
		return
	case v.Len() != 1:
		c.fail(".value", "want one object, got %d: there is one message", v.Len())
		return
	}
	c.at.op = 0
	n := v.At(0)
	if n.Kind() != jsondoc.Object {
		c.fail("", "want an object with status, got %s", describe(n))
		return
	}
	for name, m := range n.Members() {
		switch {
		case !isMessageMember(name):
			c.unknown("", name, "", messageMembers)
		case m.Kind() != jsondoc.String:
			c.fail(dot(name), "want a string, got %s", describe(m))
		}
	}
	switch status := n.Get("status"); status.Text() {
	case "SUCCESSFUL", "PENDING", "FAILED":
		c.steps = append(c.steps, step{command: cmd, node: v, place: place{c.at.command, -1}})
	case "SUCCESS", "DELIVERED", "SENT", "OK":
		c.fail(".status", "want %s, did you mean SUCCESSFUL?", quotedOneOf(statuses))
	default:
		if k := status.Kind(); k == jsondoc.String || k == jsondoc.Missing {
			c.fail(".status", "want %s, got %s", quotedOneOf(statuses), describe(status)+didYouMean(status, statuses))
		}
	}
}

// word returns the value of a step with wordShape.
func (s *step) word() string { return s.value.Text() }

// isRefusal reports whether the step refuses the call, and so may stand beside an error.
func (s *step) isRefusal() bool {
	return s.command.wins != "" && s.word() == s.command.wins
}
