package rule

import "errors"

// Draft is what the rule wants of this event. It starts empty, and an empty one is no opinion: the chain of rules
// goes on. What is said twice is said once, as the later has it. A value that JSON cannot hold, or a type that is not
// taken (see JSON), makes the whole rule fail.
type Draft struct {
	event    Event
	commands []command
	err      []byte
	debug    []member
	actions  []byte
}

// command is one of Okta's commands: of a value that is an object the members, of one that is a list the elements.
type command struct {
	name    string
	members []member
	list    []byte
	raw     []byte
}

type member struct {
	name  string
	value []byte
}

// Command adds a command of Okta's own list word for word, for what the other methods do not say.
func (d *Draft) Command(name string, value any) {
	d.commands = append(d.commands, command{name: name, raw: d.encodeValue(name, value)})
}

// Operation adds one operation of a patch: op is add, replace or remove, the latter with a nil value; pointer is an
// escaped JSON Pointer like /claims/name. Operations of one command go into one patch, in order.
func (d *Draft) Operation(name, op, pointer string, value any) {
	c := d.findOrAddCommand(name)
	c.list = appendText(append(appendSeparator(c.list), `{"op":`...), op)
	c.list = appendText(append(c.list, `,"path":`...), pointer)
	if value != nil || op != "remove" {
		c.list = append(append(c.list, `,"value":`...), d.encodeValue(pointer, value)...)
	}
	c.list = append(c.list, '}')
}

// Error refuses the call: Okta then carries out no command (hooks.md section 0). Summary is shown to people; causes
// are shown beside the field they name in a registration, and read by nobody else.
func (d *Draft) Error(summary string, causes ...Cause) {
	text := appendText([]byte(`{"errorSummary":`), summary)
	for i, c := range causes {
		if i == 0 {
			text = append(text, `,"errorCauses":[`...)
		} else {
			text = append(text, ',')
		}
		text = c.append(text)
	}
	if len(causes) > 0 {
		text = append(text, ']')
	}
	d.err = append(text, '}')
}

// Cause is one reason of an Error. An empty field is left out.
type Cause struct {
	Summary      string // shown to people
	Reason       string // a word like UNIQUE_CONSTRAINT
	LocationType string // body, header, url or query
	Location     string // a path like data.userProfile.login
	Domain       string // end-user, external-service
}

func (c Cause) append(dst []byte) []byte {
	return appendMembers(dst, []member{
		textMember("errorSummary", c.Summary), textMember("reason", c.Reason), textMember("locationType", c.LocationType),
		textMember("location", c.Location), textMember("domain", c.Domain),
	})
}

// Debug says something to whoever reads Okta's System Log, in debugContext. It is never the place for a secret.
func (d *Draft) Debug(name string, value any) {
	d.debug = setMember(d.debug, name, d.encodeValue(name, value))
}

// Action is a delivery to one of the policy's destinations, made after the answer is out. Empty fields are left to the
// destination.
type Action struct {
	To       string            // the destination's name
	Method   string            // POST, PUT, PATCH, DELETE, GET
	Path     string            // below the destination's URL, percent-encoded
	Query    map[string]string //
	Headers  map[string]string //
	Encoding string            // json or form
	Body     any               // nil: the event itself
	Key      string            // what makes two deliveries the same one, if not this event
}

// Send queues an action.
func (d *Draft) Send(a Action) {
	members := []member{
		textMember("to", a.To), textMember("method", a.Method), textMember("path", a.Path), d.textsMember("query", a.Query),
		d.textsMember("headers", a.Headers), textMember("encoding", a.Encoding), textMember("key", a.Key),
	}
	if a.Body != nil {
		members = append(members, member{"body", d.encodeValue("body", a.Body)})
	}
	d.actions = appendMembers(appendSeparator(d.actions), members)
}

func (d *Draft) textsMember(name string, values map[string]string) member {
	if len(values) == 0 {
		return member{}
	}
	return member{name, d.encodeValue(name, values)}
}

// textMember is a member for a text that is there, and none for an empty one.
func textMember(name, value string) member {
	if value == "" {
		return member{}
	}
	return member{name, appendText(nil, value)}
}

// encodeValue is v as JSON. One that cannot be written makes the draft wrong.
func (d *Draft) encodeValue(name string, v any) []byte {
	text, ok := appendValue(nil, v)
	if !ok {
		d.event.run.fail(errors.New("value of " + name + " cannot be written: want text, numbers, lists, maps of them, or rule.JSON"))
		return []byte("null")
	}
	return text
}

// findOrAddCommand is the one command of that name.
func (d *Draft) findOrAddCommand(name string) *command {
	for i := range d.commands {
		if c := &d.commands[i]; c.name == name && c.raw == nil {
			return c
		}
	}
	d.commands = append(d.commands, command{name: name})
	return &d.commands[len(d.commands)-1]
}

// setCommandMember sets a member of the value of the command of that name.
func (d *Draft) setCommandMember(name, setCommandMember string, value any) {
	c := d.findOrAddCommand(name)
	c.members = setMember(c.members, setCommandMember, d.encodeValue(setCommandMember, value))
}

// setMember makes name hold in the place it has, or at the end: the host takes no object that says a name twice.
func setMember(members []member, name string, json []byte) []member {
	for i := range members {
		if members[i].name == name {
			members[i].value = json
			return members
		}
	}
	return append(members, member{name, json})
}

// append appends the draft as the host reads it, nothing for an empty one.
func (d *Draft) append(dst []byte) []byte {
	var members []member
	if len(d.commands) > 0 {
		members = append(members, member{"commands", d.commandList()})
	}
	if d.err != nil {
		members = append(members, member{"error", d.err})
	}
	if len(d.debug) > 0 {
		members = append(members, member{"debugContext", appendMembers(nil, d.debug)})
	}
	if d.actions != nil {
		members = append(members, member{"actions", append(append([]byte{'['}, d.actions...), ']')})
	}
	if members == nil {
		return dst
	}
	return appendMembers(dst, members)
}

func (d *Draft) commandList() []byte {
	dst := []byte{'['}
	for i, c := range d.commands {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(append(dst, `{"type":`...), c.name), `,"value":`...)
		switch {
		case c.raw != nil:
			dst = append(dst, c.raw...)
		case c.list != nil:
			dst = append(append(append(dst, '['), c.list...), ']')
		default:
			dst = appendMembers(dst, c.members)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendSeparator is list, ready for another element.
func appendSeparator(list []byte) []byte {
	if len(list) > 0 {
		list = append(list, ',')
	}
	return list
}

// appendMembers appends an object of the members that are there.
func appendMembers(dst []byte, members []member) []byte {
	dst = append(dst, '{')
	first := true
	for _, m := range members {
		if m.value == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(append(appendText(dst, m.name), ':'), m.value...)
		first = false
	}
	return append(dst, '}')
}
