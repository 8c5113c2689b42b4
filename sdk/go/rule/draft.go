package rule

import "errors"

// Draft is the rule's output for one event. An empty draft means no opinion: the chain of rules
// continues. A later value for the same name replaces the earlier one. A value that JSON cannot
// represent, or an unsupported type (see JSON), fails the whole rule.
type Draft struct {
	event    Event
	commands []command
	err      []byte
	debug    []member
	actions  []byte
}

// command is one of Okta's commands. Its value is an object (members), a list, or raw JSON.
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

// Command adds a command with any value, for commands without a method here.
func (d *Draft) Command(name string, value any) {
	d.commands = append(d.commands, command{name: name, raw: d.encodeValue(name, value)})
}

// Operation adds one operation of a patch. op is add, replace, or remove with a nil value. pointer
// is an escaped JSON Pointer such as /claims/name. Operations of one command go into one patch, in
// order.
func (d *Draft) Operation(name, op, pointer string, value any) {
	c := d.findOrAddCommand(name)
	c.list = appendText(append(appendSeparator(c.list), `{"op":`...), op)
	c.list = appendText(append(c.list, `,"path":`...), pointer)
	if value != nil || op != "remove" {
		c.list = append(append(c.list, `,"value":`...), d.encodeValue(pointer, value)...)
	}
	c.list = append(c.list, '}')
}

// Error returns an error to Okta, which then applies no command (hooks.md section 0). Users see
// summary. In a registration each cause is shown beside the field it names; elsewhere causes have
// no effect.
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

// Cause is one cause of an Error. Empty fields are left out.
type Cause struct {
	Summary      string // shown to users
	Reason       string // a code such as UNIQUE_CONSTRAINT
	LocationType string // body, header, url or query
	Location     string // a path such as data.userProfile.login
	Domain       string // end-user, external-service
}

func (c Cause) append(dst []byte) []byte {
	return appendMembers(dst, []member{
		textMember("errorSummary", c.Summary), textMember("reason", c.Reason), textMember("locationType", c.LocationType),
		textMember("location", c.Location), textMember("domain", c.Domain),
	})
}

// Debug adds a value to debugContext, for readers of Okta's System Log. Do not put secrets there.
func (d *Draft) Debug(name string, value any) {
	d.debug = setMember(d.debug, name, d.encodeValue(name, value))
}

// Action is a delivery to one of the policy's destinations after the answer. The destination
// supplies empty fields.
type Action struct {
	To       string // the destination's name
	Method   string // POST, PUT, PATCH, DELETE, GET
	Path     string // below the destination's URL, percent-encoded
	Query    map[string]string
	Headers  map[string]string
	Encoding string // json or form
	Body     any    // nil: the event itself
	Key      string // idempotency key, if not the event
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

// textMember returns a string member, which is left out if the string is empty.
func textMember(name, value string) member {
	if value == "" {
		return member{}
	}
	return member{name, appendText(nil, value)}
}

// encodeValue returns v as JSON. An unsupported value fails the rule.
func (d *Draft) encodeValue(name string, v any) []byte {
	text, ok := appendValue(nil, v)
	if !ok {
		d.event.run.fail(errors.New("value of " + name + " cannot be written: want text, numbers, lists, maps of them, or rule.JSON"))
		return []byte("null")
	}
	return text
}

// findOrAddCommand returns the command of that name.
func (d *Draft) findOrAddCommand(name string) *command {
	for i := range d.commands {
		if c := &d.commands[i]; c.name == name && c.raw == nil {
			return c
		}
	}
	d.commands = append(d.commands, command{name: name})
	return &d.commands[len(d.commands)-1]
}

// setCommandMember sets a member of a command's value.
func (d *Draft) setCommandMember(command, name string, value any) {
	c := d.findOrAddCommand(command)
	c.members = setMember(c.members, name, d.encodeValue(name, value))
}

// setMember replaces the member or appends it: the host rejects objects with repeated names.
func setMember(members []member, name string, json []byte) []member {
	for i := range members {
		if members[i].name == name {
			members[i].value = json
			return members
		}
	}
	return append(members, member{name, json})
}

// append appends the draft's JSON, nothing for an empty draft.
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

// appendSeparator prepares a list for another element.
func appendSeparator(list []byte) []byte {
	if len(list) > 0 {
		list = append(list, ',')
	}
	return list
}

// appendMembers appends an object of the members that have a value.
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
