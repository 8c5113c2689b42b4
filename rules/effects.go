package rules

import (
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// appender appends a piece of a draft for the event of r, or nothing when there is nothing to say.
type appender func(dst []byte, r *runtime.Run) ([]byte, error)

// effects is what follows from a rule's condition: the program of a rule of expressions.
type effects struct {
	commands []appender // each appends whole commands, a comma before each that does not follow [
	error    appender
	debug    appender
	actions  []appender // each appends whole actions, likewise
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

// appendList appends a member that is a list; nothing when it stays empty.
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

// Close frees nothing: expressions hold nothing but memory.
func (e *effects) Close() error { return nil }

// comma makes room for one more element of the list that dst ends in.
func comma(dst []byte) []byte {
	if dst[len(dst)-1] == '[' {
		return dst
	}
	return append(dst, ',')
}

// literal always appends the same.
func literal(command string) appender {
	return func(dst []byte, _ *runtime.Run) ([]byte, error) { return append(comma(dst), command...), nil }
}

// wrapTemplate appends a command whose value is a template between two literals; nothing when the value is null or has no
// members left.
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

// templateAppender appends a template's value.
func templateAppender(t *template) appender {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		dst, _, err := t.append(dst, r)
		return dst, err
	}
}
