package hook

import "github.com/tenterhook/tenterhook/sdk/jsondoc"

// Render returns the answer as compact JSON in its own memory: commands, error and debugContext, if
// present. Without any entry it is {}, or a telephony hook's failure answer. An error is a
// *ContractError: the answer is not under 256 KB.
func (m *Merge) Render() ([]byte, error) {
	m.out = m.render(m.out[:0])
	if len(m.out) >= maxAnswer && len(m.stamp) > 0 {
		m.stamp = nil // it is not worth an answer
		m.out = m.render(m.out[:0])
	}
	m.copied += len(m.out)
	if len(m.out) >= maxAnswer {
		m.out = nil
		return nil, &ContractError{Problem{Message: tooLongMessage}}
	}
	answer := make([]byte, len(m.out))
	copy(answer, m.out)
	return answer, nil
}

func (m *Merge) render(b []byte) []byte {
	b = append(b, '{')
	b = m.renderCommands(b)
	if m.err.Kind() != jsondoc.Missing {
		b = appendMember(b, "error")
		if m.err.Kind() == jsondoc.String {
			b = append(b, `{"errorSummary":`...)
			b = append(jsondoc.AppendCompact(b, m.err.Raw()), '}')
		} else {
			b = jsondoc.AppendCompact(b, m.err.Raw())
		}
	}
	return append(m.renderDebug(b), '}')
}

// Stamp makes Render add a member to debugContext, given as JSON, unless a rule has set a member of
// that name. It holds until the next Begin. Render omits the stamp from an answer that is empty
// without it, or too long with it. The Merge borrows the text.
func (m *Merge) Stamp(name string, json []byte) { m.stampName, m.stamp = name, json }

func (m *Merge) renderDebug(b []byte) []byte {
	says := m.hasEntry(debugCommand, "")
	stamped := len(m.stamp) > 0 && !m.Empty() && !m.hasEntry(debugCommand, m.stampName)
	if !says && !stamped {
		return b
	}
	b = append(appendMember(b, "debugContext"), '{')
	b = m.renderItems(b, debugCommand, true)
	if stamped {
		b = append(appendMember(b, m.stampName), m.stamp...)
	}
	return append(b, '}')
}

// hasEntry reports whether an entry of the name stands under c; "" is any.
func (m *Merge) hasEntry(c *command, name string) bool {
	for i := range m.entries {
		if e := &m.entries[i]; e.command == c && !e.void && (name == "" || e.name == name) {
			return true
		}
	}
	return false
}

// appendMember begins another member of an object.
func appendMember(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(b, '"'), name...)
	return append(b, `":`...)
}

func (m *Merge) renderCommands(b []byte) []byte {
	from := len(b)
	b = append(b, `"commands":[`...)
	open := len(b)
	for _, c := range m.order {
		if m.isCancelled(c) {
			continue
		}
		if len(b) > open {
			b = append(b, ',')
		}
		b = append(b, `{"type":"`...)
		b = append(append(b, c.name...), `","value":`...)
		switch c.shape {
		case patchShape:
			b = append(m.renderItems(append(b, '['), c, false), ']')
		case profileShape:
			b = append(m.renderItems(append(b, '{'), c, true), '}')
		default:
			b = m.renderItems(b, c, false)
		}
		b = append(b, '}')
	}
	if len(b) > open {
		return append(b, ']')
	}
	if m.hook == Telephony && m.err.Kind() == jsondoc.Missing {
		return append(append(b, failMessage...), ']')
	}
	return b[:from]
}

// isCancelled reports whether a command is omitted: an error cancels all but a refusal, and entries
// may be void.
func (m *Merge) isCancelled(c *command) bool {
	if c == debugCommand {
		return true
	}
	for i := range m.entries {
		if e := &m.entries[i]; e.command == c && !e.void {
			if m.err.Kind() == jsondoc.Missing || e.isRefusal() {
				return false
			}
		}
	}
	return true
}

// renderItems writes the command's entries, separated by commas. Members are preceded by their
// names.
func (m *Merge) renderItems(b []byte, c *command, members bool) []byte {
	first := true
	for i := range m.entries {
		e := &m.entries[i]
		if e.command != c || e.void {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if members {
			b = append(jsondoc.AppendString(b, e.name), ':')
		}
		b = jsondoc.AppendCompact(b, e.node.Raw())
	}
	return b
}
