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
	fixed    []byte // the whole draft, when nothing in it depends on the event
}

var _ runtime.Program = (*effects)(nil)

// Run writes the draft.
func (e *effects) Run(r *runtime.Run, d *hook.Draft) error {
	if e.fixed != nil {
		d.JSON = append(d.JSON[:0], e.fixed...)
		return nil
	}
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
	if len(e.commands) > 0 {
		const open = `"commands":[`
		mark := len(dst)
		dst = append(dst, open...)
		for _, add := range e.commands {
			if dst, err = add(dst, r); err != nil {
				return dst, err
			}
		}
		if len(dst) == mark+len(open) {
			dst = dst[:mark]
		} else {
			dst = append(dst, ']')
		}
	}
	if dst, err = appendMember(dst, r, `"error":`, e.error); err != nil {
		return dst, err
	}
	return appendMember(dst, r, `"debugContext":`, e.debug)
}

func appendMember(dst []byte, r *runtime.Run, name string, value appender) ([]byte, error) {
	if value == nil {
		return dst, nil
	}
	mark := len(dst)
	if dst[mark-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, name...)
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

// around appends a command whose value is a template between two literals; nothing when the value is null or has no
// members left.
func around(before string, t *template, after string) appender {
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

// plainly appends a template's value.
func plainly(t *template) appender {
	return func(dst []byte, r *runtime.Run) ([]byte, error) {
		dst, _, err := t.append(dst, r)
		return dst, err
	}
}
