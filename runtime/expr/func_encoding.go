package expr

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// encodingFunctions encode and decode texts. Decoded bytes that are not UTF-8 make the rule fail
// anywhere but in a hash and an encoding: see compileBytes.
var encodingFunctions = map[string]*function{
	"toBase64": {usage: "toBase64(text) text", doc: "in base64, with padding (RFC 4648 section 4)",
		example: `toBase64('ada?~')`, value: `"YWRhP34="`, cost: "1 + text/8",
		args: []types{text}, result: text, keepsSecret: true, bytesArgs: 1, call: encodeFunc("base64")},
	"toBase64url": {usage: "toBase64url(text) text", doc: "in base64url, without padding (RFC 4648 section 5)",
		example: `toBase64url('ada?~')`, value: `"YWRhP34"`, cost: "1 + text/8",
		args: []types{text}, result: text, keepsSecret: true, bytesArgs: 1, call: encodeFunc("base64url")},
	"fromBase64": {usage: "fromBase64(text) text", doc: "the text that base64 or base64url encodes, with or without padding; bytes that are not UTF-8 can only be hashed, encoded and put together with +",
		example: `fromBase64('YWRhP34')`, value: `"ada?~"`, cost: "1 + text/8",
		args: []types{text}, result: text, keepsSecret: true, binary: true, call: fromBase64},
	"toHex": {usage: "toHex(text) text", doc: "each byte as two digits",
		example: `toHex('Ada')`, value: `"416461"`, cost: "1 + text/8",
		args: []types{text}, result: text, keepsSecret: true, bytesArgs: 1, call: encodeFunc("hex")},
	"fromHex": {usage: "fromHex(text) text", doc: "the text that such digits encode; bytes, likewise",
		example: `fromHex('416461')`, value: `"Ada"`, cost: "1 + text/8",
		args: []types{text}, result: text, keepsSecret: true, binary: true, call: fromHex},
	"toJSON": {usage: "toJSON(value) text", doc: "any value as JSON, up to 64 KiB",
		example: `toJSON({'a': [1, nil]})`, value: `"{\"a\":[1,null]}"`, cost: "1 for each value + the result/4",
		args: []types{anything}, result: text, size: maxTextSize, keepsSecret: true, call: toJSON},
	"fromJSON": {usage: "fromJSON(value) value", doc: "the value of a JSON text, up to 64 KiB, parsed strictly; a list or an object as it is",
		example: `fromJSON('{"a": [1, 2]}').a[1]`, value: `2`, cost: "8 + value/2",
		args: []types{text | list | object}, result: anything, null: true, call: fromJSON},
}

// bytesOf is s without a copy, for reading only.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func encodeFunc(name string) callFunc {
	return func(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
		f, s := textEncodings[name], args[0].Text()
		if len(s) > maxText {
			failTooLarge("a text of more than %d bytes", maxText)
		}
		charge(r, int64(len(s))>>4)
		return f.encode(r, bytesOf(s))
	}
}

func fromBase64(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	s := strings.TrimRight(args[0].Text(), "=")
	if pad := len(args[0].Text()) - len(s); pad > 2 || pad > 0 && len(args[0].Text())%4 != 0 {
		fail(pos, "fromBase64 wants base64")
	}
	if len(s) > 2*maxText {
		failTooLarge("a text of more than %d bytes", 2*maxText)
	}
	charge(r, int64(len(s))>>4)
	code := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		code = base64.RawURLEncoding
	}
	b, err := code.Strict().AppendDecode(reserveText(r, code.DecodedLen(len(s))), bytesOf(s))
	if err != nil {
		fail(pos, "fromBase64 wants base64")
	}
	return textOfBytes(b)
}

func fromHex(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	s := args[0].Text()
	b, err := hex.AppendDecode(reserveText(r, hex.DecodedLen(len(s))), bytesOf(s))
	if err != nil {
		fail(pos, "fromHex wants two digits for each byte")
	}
	return textOfBytes(b)
}

// fromJSON parses into a Doc of its own, which lives as long as its values.
func fromJSON(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	if args[0].Kind() != runtime.String {
		return args[0]
	}
	s := args[0].Text()
	if len(s) > maxText {
		failTooLarge("a text of more than %d bytes", maxText)
	}
	charge(r, 7+int64(len(s))>>1)
	reserve(r, 13*int64(len(s))+256) // see jsondoc.Doc.Parse
	d := new(jsondoc.Doc)
	if err := d.Parse([]byte(s), jsondoc.Limits{Bytes: maxText}); err != nil {
		fail(pos, "fromJSON wants JSON")
	}
	return runtime.NodeOf(d.Root())
}

func toJSON(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	w := jsonWriter{r: r}
	w.value(args[0])
	return textOfBytes(w.b)
}

// jsonWriter writes a value of unknown size: a built value can contain one part many times.
type jsonWriter struct {
	r *runtime.Run
	b []byte
}

// room reserves n more bytes.
func (w *jsonWriter) room(n int) {
	if len(w.b)+n > maxText {
		failTooLarge("a text of more than %d bytes", maxText)
	}
	charge(w.r, int64(n)>>4)
	if len(w.b)+n > cap(w.b) {
		w.b = append(reserveText(w.r, min(maxText, max(256, 2*cap(w.b), len(w.b)+n))), w.b...)
	}
}

func (w *jsonWriter) add(s string) {
	w.room(len(s))
	w.b = append(w.b, s...)
}

func (w *jsonWriter) value(v runtime.Value) {
	charge(w.r, 1)
	raw := v.Node().Raw()
	switch {
	case raw != nil:
		w.room(len(raw))
		w.b = append(w.b, raw...)
	case v.Kind() == runtime.String:
		w.text(v.Text())
	case v.Kind() == runtime.List:
		w.parts(v, "[", "]")
	case v.Kind() == runtime.Object:
		w.parts(v, "{", "}")
	default:
		w.room(32)
		w.b = v.AppendScalar(w.b)
	}
}

// text reserves in pieces, because escapes make a text longer.
func (w *jsonWriter) text(s string) {
	w.add(`"`)
	for s != "" {
		n := min(len(s), 1<<10)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		w.room(n)
		if escaped := jsondoc.AppendEscaped(nil, s[:n]); len(escaped) > n {
			w.add(string(escaped))
		} else {
			w.b = append(w.b, s[:n]...)
		}
		s = s[n:]
	}
	w.add(`"`)
}

func (w *jsonWriter) parts(v runtime.Value, open, end string) {
	w.add(open)
	for i, item := range v.Items() {
		switch {
		case i == 0:
		case v.Kind() == runtime.Object && i%2 == 1:
			w.add(":")
		default:
			w.add(",")
		}
		w.value(item)
	}
	w.add(end)
}
