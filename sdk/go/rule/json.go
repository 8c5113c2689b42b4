package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// JSON is v as encoding/json has it, for a draft or a log. What that cannot write fails the rule once it is put into
// a draft.
func JSON(v any) Value {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return Value(text)
}

// Decode reads the value into what into points to, by encoding/json. This makes a module half as large again and several
// times as slow as reading single members. A struct's field takes each member whose name differs from its own in case
// alone, and the last of them counts; Event's methods and the policy's expressions take the one that is named exactly.
func (v Value) Decode(into any) error { return json.Unmarshal([]byte(v), into) }

// decodeStrict reads a `with`: strictly, since a word that is not understood is a mistake somebody wants to hear of.
func decodeStrict(text []byte, with any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(with); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("want one JSON value")
	}
	return nil
}
