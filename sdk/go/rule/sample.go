//go:build !wasip1

package rule

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Sample is an event for tests of the registered rule by `go test`. Modules do not contain it.
type Sample struct {
	Event  string                       // JSON
	With   string                       // the rule's `with` as JSON; empty for none
	Tables map[string]map[string]string // by table and key, values as JSON: see TextTable
	Log    func(line string)            // receives log lines, such as a test's Log; nil drops them
}

// TextTable encodes a table with string values for a Sample. In a policy all values from a .csv
// file are strings: 1 is the text "1", not a number.
func TextTable(table map[string]string) map[string]string {
	values := make(map[string]string, len(table))
	for key, text := range table {
		values[key] = string(appendText(nil, text))
	}
	return values
}

// Run runs the registered rule and returns its draft, empty for no opinion. An error is a failed
// rule.
func (s Sample) Run() (draft string, err error) {
	if !json.Valid([]byte(s.Event)) {
		return "", errors.New("the sample's event is not JSON")
	}
	r := &run{host: host{sample: s}}
	if s.With == "" {
		s.With = "null"
	}
	if err := r.configure([]byte(s.With)); err != nil {
		return "", err
	}
	text, err := r.decide()
	if err == nil {
		err = r.trapErr
	}
	if err != nil {
		return "", err
	}
	return string(text), nil
}

// host implements the host functions on a Sample.
type host struct {
	sample  Sample
	trapErr error // an error that traps in a module
}

func (h *host) get(pointer string, buf []byte) int32 {
	return copyValue(buf, string(h.resolve(pointer)))
}

func (h *host) getText(pointer string, buf []byte) int32 {
	v := h.resolve(pointer)
	switch v.Kind() {
	case Missing:
		return codeMissing
	case Null:
		return codeNull
	case Text:
		text, _ := v.Text()
		if len(text) > len(buf) {
			return int32(len(text))
		}
		return int32(copy(buf, text))
	}
	return codeKind
}

func (h *host) length(pointer string) int32 {
	v := h.resolve(pointer)
	switch v.Kind() {
	case Missing:
		return codeMissing
	case Null:
		return codeNull
	case List:
		return int32(len(elements(v)))
	case Object:
		return int32(len(members(v)))
	}
	return codeKind
}

func (h *host) lookup(table, key string, buf []byte) int32 {
	t, ok := h.sample.Tables[table]
	if !ok {
		h.trapErr = errors.New("the policy has no table " + strconv.Quote(table))
		return codeMissing
	}
	return copyValue(buf, t[key])
}

func (h *host) log(text string) {
	if h.sample.Log != nil {
		h.sample.Log(text)
	}
}

func copyValue(buf []byte, json string) int32 {
	switch Value(json).Kind() {
	case Missing:
		return codeMissing
	case Null:
		return codeNull
	}
	if len(json) > len(buf) {
		return int32(len(json))
	}
	return int32(copy(buf, json))
}

// resolve returns the value at a JSON Pointer.
func (h *host) resolve(pointer string) Value {
	v := Value(strings.TrimSpace(h.sample.Event))
	if pointer == "" {
		return v
	}
	if pointer[0] != '/' {
		h.trapErr = errors.New("JSON Pointer " + strconv.Quote(pointer) + ": want it to begin with /")
		return ""
	}
	for step := range strings.SplitSeq(pointer[1:], "/") {
		step = unescape(step)
		switch v.Kind() {
		case Object:
			v = Value(members(v)[step])
		case List:
			i, err := strconv.Atoi(step)
			if list := elements(v); err == nil && i >= 0 && i < len(list) && strconv.Itoa(i) == step {
				v = Value(list[i])
				continue
			}
			return ""
		default:
			return ""
		}
	}
	return v
}

func elements(v Value) (list []json.RawMessage) {
	_ = json.Unmarshal([]byte(v), &list) // the sample is valid JSON
	return list
}

func members(v Value) (object map[string]json.RawMessage) {
	_ = json.Unmarshal([]byte(v), &object)
	return object
}
