package rules

import (
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// appender appends a part of a draft for the event of r, or nothing.
type appender func(dst []byte, r *runtime.Run) ([]byte, error)

// effects is the program of an expression rule: it renders the draft of a matching rule.
type effects struct {
	commands []appender // each appends complete commands, with a comma before each that does not follow [
	error    appender
	debug    appender
	actions  []appender // each appends complete actions in the same way
}

var _ runtime.Program = (*effects)(nil)

// Run writes the draft.
func (e *effects) Run(r *runtime.Run, d *hook.Draft) error {
	dst, err := e.append(d.JSON[:0], r)
	d.JSON = dst
	if err != nil || len(dst) == len(`{`) {
		d.JSON = dst[:0]
		return err
	}
	d.JSON = append(dst, '}')
	return nil
}

func (e *effects) append(dst []byte, r *runtime.Run) (_ []byte, err error) {
	dst = append(dst, '{')
	if dst, err = appendList(dst, r, `"commands":[`, e.commands); err != nil {
		return dst, err
	}
	if dst, err = appendMember(dst, r, `"error":`, e.error); err != nil {
		return dst, err
	}
	if dst, err = appendMember(dst, r, `"debugContext":`, e.debug); err != nil {
		return dst, err
	}
	return appendList(dst, r, `"actions":[`, e.actions)
}

// appendList appends a list member, or nothing if it is empty.
func appendList(dst []byte, r *runtime.Run, open string, adds []appender) (_ []byte, err error) {
	if len(adds) == 0 {
		return dst, nil
	}
	mark := len(dst)
	dst = openMember(dst, open)
	start := len(dst)
	for _, add := range adds {
		if dst, err = add(dst, r); err != nil {
			return dst, err
		}
	}
	if len(dst) == start {
		return dst[:mark], nil
	}
	return append(dst, ']'), nil
}

func appendMember(dst []byte, r *runtime.Run, name string, value appender) ([]byte, error) {
	if value == nil {
		return dst, nil
	}
	mark := len(dst)
	dst = openMember(dst, name)
	start := len(dst)
	dst, err := value(dst, r)
	if err == nil && len(dst) == start {
		dst = dst[:mark]
	}
	return dst, err
}

// Close does nothing: expressions hold only memory.
func (e *effects) Close() error { return nil }

// comma appends a comma unless dst ends with [.
func comma(dst []byte) []byte {
	if dst[len(dst)-1] == '[' {
		return dst
	}
	return append(dst, ',')
}

// literal returns an appender of a constant command.
func literal(command string) appender {
	return func(dst []byte, _ *runtime.Run) ([]byte, error) { return append(comma(dst), command...), nil }
}

// wrapTemplate returns an appender of a command: a template between two literals. It appends
// nothing if the value is null or an empty object.
func wrapTemplate(before string, t *template, after string) appender {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		mark := len(dst)
		dst = append(comma(dst), before...)
		start := len(dst)
		dst, null, err := t.append(dst, r)
		if err != nil || null || string(dst[start:]) == "{}" {
			return dst[:mark], err
		}
		return append(dst, after...), nil
	}
}

// templateAppender returns an appender of the value of a template.
func templateAppender(t *template) appender {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		dst, _, err := t.append(dst, r)
		return dst, err
	}
}
