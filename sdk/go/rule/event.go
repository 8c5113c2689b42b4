package rule

import "strconv"

// Event is what the rule decides on: of an inline hook Okta's whole call, of an event hook the one System Log event.
// The host has it decoded already, and a member is read from there: by JSON Pointer (RFC 6901), such as
// /data/userProfile/email; "" is the event itself, and Escape writes a name that has / or ~ in it.
//
// Okta leaves members out freely and also sends null for them, so that both are "not there" to the methods that read a
// value. A value of another type than the one asked for is neither: the rule fails, whatever its function returns, so
// that nobody gets past a refusal by sending a list for a text. Kind tells first where several types are meant.
type Event struct {
	run *run
}

// run is what one run of the rule has in common: the host, and the first thing that went wrong.
type run struct {
	host
	rule       Func // nil before it is configured
	buf        []byte
	firstError error
}

// KindError is why a rule failed that read a member as what it is not.
type KindError struct {
	Pointer string // the member
	Want    string // like "a text"
}

func (e *KindError) Error() string { return "read " + strconv.Quote(e.Pointer) + ": want " + e.Want }

// Text is a text, and whether it is there.
func (e Event) Text(pointer string) (text string, ok bool) {
	b, code := e.run.fetchValue(func(buf []byte) int32 { return e.run.getText(pointer, buf) })
	if code == codeKind {
		e.run.fail(&KindError{pointer, "a text"})
	}
	return string(b), code >= 0
}

// Int is a whole number, and whether it is there.
func (e Event) Int(pointer string) (n int64, ok bool) {
	return readValue(e, pointer, "a whole number", Value.Int)
}

// Float is a number, and whether it is there.
func (e Event) Float(pointer string) (f float64, ok bool) {
	return readValue(e, pointer, "a number", Value.Float)
}

// Bool is true or false, and whether it is there.
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

// Texts is a list of texts, empty when it is not there. Nulls in it are left out.
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

// Len is how many elements a list has, or members an object; 0 when it is not there.
func (e Event) Len(pointer string) int {
	n := e.run.length(pointer)
	if n == codeKind {
		e.run.fail(&KindError{pointer, "a list or an object"})
	}
	return int(max(n, 0))
}

// Value is the JSON of a member as it was sent, of kind Missing when there is none.
func (e Event) Value(pointer string) Value {
	b, code := e.run.fetchValue(func(buf []byte) int32 { return e.run.get(pointer, buf) })
	if code == codeNull {
		return "null"
	}
	return Value(b)
}

// Kind is what a member is.
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

// Has reports whether a member is there and not null.
func (e Event) Has(pointer string) bool { return e.run.get(pointer, nil) >= 0 }

// Exists reports whether a member is there, be it null.
func (e Event) Exists(pointer string) bool { return e.run.get(pointer, nil) != codeMissing }

// Lookup is what a table of the policy has for a key: true where its entries have no value, Missing when it has no
// such key, or could have none, such as what is no address in a table of networks. What a table has from a .csv file is
// a Text, also where it looks like a number. A table that the policy does not have makes the rule fail.
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

// Log writes a line into the server's log. It is never the place for a password, a code or a body.
func (e Event) Log(text string) { e.run.log(text) }

// fetchValue asks for a value with a buffer that has room for it. What it gives is good until the next fetch.
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

// fail keeps the first thing that went wrong.
func (r *run) fail(err error) {
	if r.firstError == nil {
		r.firstError = err
	}
}
