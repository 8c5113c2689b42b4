package rule

import "strconv"

// Event is the rule's input: the whole call for an inline hook, one System Log event for an event
// hook. The host has decoded it. Members are addressed by JSON Pointer (RFC 6901), such as
// /data/userProfile/email. "" is the event itself, and Escape encodes names that contain / or ~.
//
// Okta leaves members out freely and also sends null, so methods that read a value treat both as
// missing. A value of another type than requested fails the rule, whatever its function returns: a
// caller must not pass a check by sending a list instead of a string. Where several types are
// possible ask for Kind first.
type Event struct {
	run *run
}

// run is the state of one run of the rule: the host and the first error.
type run struct {
	host
	rule       Func // nil before configure
	buf        []byte
	firstError error
	unused     struct { // objects of warmAllocator; as a field they are on the heap
		bytes    []byte
		pointers []*byte
	}
}

// KindError is the error of reading a member of another type.
type KindError struct {
	Pointer string // the member
	Want    string // such as "a text"
}

func (e *KindError) Error() string { return "read " + strconv.Quote(e.Pointer) + ": want " + e.Want }

// Text returns a string, and whether it exists.
func (e Event) Text(pointer string) (text string, ok bool) {
	b, code := e.run.fetchValue(func(buf []byte) int32 { return e.run.getText(pointer, buf) })
	if code == codeKind {
		e.run.fail(&KindError{pointer, "a text"})
	}
	return string(b), code >= 0
}

// Int returns a whole number, and whether it exists.
func (e Event) Int(pointer string) (n int64, ok bool) {
	return readValue(e, pointer, "a whole number", Value.Int)
}

// Float returns a number, and whether it exists.
func (e Event) Float(pointer string) (f float64, ok bool) {
	return readValue(e, pointer, "a number", Value.Float)
}

// Bool returns a boolean, and whether it exists.
func (e Event) Bool(pointer string) (truth, ok bool) {
	return readValue(e, pointer, "true or false", Value.Bool)
}

func readValue[T any](e Event, pointer, want string, as func(Value) (T, bool)) (v T, ok bool) {
	json := e.Value(pointer)
	if k := json.Kind(); k == Missing || k == Null {
		return v, false
	}
	if v, ok = as(json); !ok {
		e.run.fail(&KindError{pointer, want})
	}
	return v, ok
}

// Texts returns a list of strings without its nulls, empty if it does not exist.
func (e Event) Texts(pointer string) []string {
	n := e.Len(pointer)
	list := make([]string, 0, n)
	for i := range n {
		if text, ok := e.Text(pointer + "/" + strconv.Itoa(i)); ok {
			list = append(list, text)
		}
	}
	return list
}

// Len returns the number of list elements or object members, 0 if the member does not exist.
func (e Event) Len(pointer string) int {
	n := e.run.length(pointer)
	if n == codeKind {
		e.run.fail(&KindError{pointer, "a list or an object"})
	}
	return int(max(n, 0))
}

// Value returns the JSON of a member as it was sent, of kind Missing if it does not exist.
func (e Event) Value(pointer string) Value {
	b, code := e.run.fetchValue(func(buf []byte) int32 { return e.run.get(pointer, buf) })
	if code == codeNull {
		return "null"
	}
	return Value(b)
}

// Kind returns the type of a member.
func (e Event) Kind(pointer string) Kind {
	switch code := e.run.length(pointer); {
	case code == codeMissing:
		return Missing
	case code == codeNull:
		return Null
	case code < 0 && e.run.getText(pointer, nil) >= 0:
		return Text
	}
	return e.Value(pointer).Kind()
}

// Has reports whether a member exists and is not null.
func (e Event) Has(pointer string) bool { return e.run.get(pointer, nil) >= 0 }

// Exists reports whether a member exists, even as null.
func (e Event) Exists(pointer string) bool { return e.run.get(pointer, nil) != codeMissing }

// Lookup returns the value of a key in a table of the policy. It is true for entries without value,
// and Missing for absent keys and for keys that the table cannot have, such as a text that is not
// an address in a table of networks. Values from a .csv file are Text even if they look like
// numbers. A table that the policy does not have fails the rule.
func (e Event) Lookup(table, key string) Value {
	b, code := e.run.fetchValue(func(buf []byte) int32 { return e.run.lookup(table, key, buf) })
	if code == codeNull {
		return "null"
	}
	return Value(b)
}

// In reports whether a table of the policy has a key.
func (e Event) In(table, key string) bool {
	code := e.run.lookup(table, key, nil)
	return code >= 0 || code == codeNull
}

// Log writes a line to the server's log. Do not log passwords, codes or bodies.
func (e Event) Log(text string) { e.run.log(text) }

// fetchValue reads a value into a buffer, and enlarges it if needed. The result is valid until the
// next call.
func (r *run) fetchValue(ask func(buf []byte) int32) ([]byte, int32) {
	if r.buf == nil {
		r.buf = make([]byte, 256)
	}
	n := ask(r.buf)
	if int(n) > len(r.buf) {
		r.buf = make([]byte, n)
		n = ask(r.buf)
	}
	if n < 0 {
		return nil, n
	}
	return r.buf[:n], n
}

// fail keeps the first error.
func (r *run) fail(err error) {
	if r.firstError == nil {
		r.firstError = err
	}
}
