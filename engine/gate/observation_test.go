package gate_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// observation is the report of a hook's rules about one member.
type observation struct {
	JSON   *string         // by toJSON
	Copy   json.RawMessage // the value alone in a template
	Names  []string
	Module *struct {
		Get, Text any // hexadecimal, or a code
		Length    int
		Event     string
	}
}

// compareAnswer compares the rules' observations of a body with encoding/json.
func compareAnswer(answer, body []byte, path []string) error {
	var a struct{ DebugContext observation }
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("answered %.300q: %w", answer, err)
	}
	return a.DebugContext.compare(body, path)
}

func (s *observation) compare(body []byte, path []string) error {
	if s.Module == nil {
		return errors.New("the module said nothing")
	}
	whole := bytes.Trim(body, " \t\r\n")
	if got, err := hex.DecodeString(s.Module.Event); err != nil || !bytes.Equal(got, whole) {
		return fmt.Errorf("evaluate is handed %.300q", got)
	}
	raw, names, err := findMember(whole, path)
	if err != nil {
		return err
	}
	slices.Sort(s.Names)
	if !slices.Equal(names, s.Names) {
		return fmt.Errorf("keys gives %.300q, want %.300q", s.Names, names)
	}
	if raw == nil {
		if s.JSON != nil && *s.JSON != "null" || s.Copy != nil || s.Module.Get != -1.0 || s.Module.Text != -1.0 || s.Module.Length != -1 {
			return errors.New("something is seen where encoding/json finds nothing")
		}
		return nil
	}
	want, err := decodeJSON(raw)
	if err != nil {
		return err
	}
	if want == nil {
		if s.JSON != nil && *s.JSON != "null" || s.Copy != nil || s.Module.Get != -2.0 || s.Module.Text != -2.0 || s.Module.Length != -2 {
			return errors.New("something is seen where encoding/json finds null")
		}
		return nil
	}
	return s.value(raw, want)
}

// value compares a member that exists and is not null.
func (s *observation) value(raw []byte, want any) error {
	if s.JSON == nil {
		return errors.New("the expression sees nothing")
	}
	for how, text := range map[string][]byte{"toJSON": []byte(*s.JSON), "a value alone": s.Copy} {
		if got, err := decodeJSON(text); err != nil || !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s gives %.300q, %v", how, text, err)
		}
	}
	length := -3
	var text any = -3.0
	switch want := want.(type) {
	case []any:
		length = len(want)
	case map[string]any:
		length = len(want)
	case string:
		text = hex.EncodeToString([]byte(want))
	}
	if m := s.Module; m.Get != hex.EncodeToString(raw) || m.Text != text || m.Length != length {
		return fmt.Errorf("get gives %.300v, get_text %.300v, length %d", m.Get, m.Text, m.Length)
	}
	return nil
}

// decodeJSON reads a value with encoding/json. Numbers keep their notation.
func decodeJSON(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil && !json.Valid(text) {
		err = errors.New("more than one value")
	}
	return v, err
}

// findMember looks up the member that a body asks for, at a path, with encoding/json, and the names
// in the same object.
func findMember(body []byte, path []string) (raw json.RawMessage, names []string, err error) {
	var m map[string]json.RawMessage
	if err = json.Unmarshal(body, &m); err != nil {
		return nil, nil, err
	}
	var ask string
	if err = json.Unmarshal(m["ask"], &ask); err != nil {
		return nil, nil, err
	}
	for _, step := range path {
		at := m[step]
		m = nil
		if err = json.Unmarshal(at, &m); err != nil {
			return nil, nil, err
		}
	}
	return m[ask], slices.Sorted(maps.Keys(m)), nil
}
