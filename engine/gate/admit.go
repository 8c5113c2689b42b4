package gate

import (
	"bytes"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

const mediaType = "application/json"

// headers judges a request when its headers have arrived and nothing of its body was read. A refused one is left without a
// body and without a connection to send it on, so that nothing more of it is read, and nothing of it can pass for the next
// request.
//
// The verdict takes the place of the method, behind a space, which no method has: a letter for a refusal, and the Mark of
// the hook for a call that was let in, behind a ? for a verification and before a # and the secrets that were shown.
func (g *Gate) headers(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
	r, secrets, k := broken, uint64(0), (*engine.Hook)(nil)
	from := g.signer(h)
	defer func() {
		if p := recover(); p != nil {
			g.bug(p)
		}
		if r == admitted {
			var room [64]byte
			h.SetMethodBytes(appendPass(room[:0], h.IsGet(), k.Mark, secrets))
			return
		}
		h.SetMethodBytes([]byte{' ', 'A' + byte(r)})
		h.SetContentLength(0)
		h.Del(fasthttp.HeaderExpect)
		h.SetConnectionClose()
	}()
	if p := h.Protocol(); !h.IsHTTP11() && string(p) != "HTTP/1.0" {
		r = wrongVersion
		return c
	}
	var ok bool
	if k, ok = g.e.Peek(path(h)); !ok {
		r = notReady
		return c
	}
	if secrets, r = g.judge(h, k); r != admitted {
		return c
	}
	if r = g.room(from, h, k); r != admitted {
		return c
	}
	if h.IsGet() {
		h.SetContentLength(0)
	}
	c.MaxRequestBodySize = g.maxBody(k)
	return c
}

// refused is what headers has left in the method of a request that it did not let in.
func refused(method []byte) (reason, bool) {
	if len(method) == 2 && method[0] == ' ' && method[1] >= 'A' {
		return reason(method[1] - 'A'), true
	}
	return admitted, false
}

// appendPass writes what headers leaves in the method of a call that it lets in.
func appendPass(b []byte, get bool, mark string, secrets uint64) []byte {
	if get {
		b = append(b, challenging...)
	}
	b = append(b, mark...)
	if secrets == 0 {
		return b
	}
	return strconv.AppendUint(append(b, '#'), secrets, 16)
}

// readPass reads it again. The mark is borrowed.
func readPass(method []byte) (get bool, mark []byte, secrets uint64) {
	mark, get = bytes.CutPrefix(method, []byte(challenging))
	mark, shown, _ := bytes.Cut(mark, []byte{'#'})
	secrets, _ = strconv.ParseUint(string(shown), 16, 64) // 0 of nothing
	return get, mark, secrets
}

// readmit says by which secrets a call was let in. It judges once more when the Set has changed while the body was read: the
// Set that decides is the one that lets in.
func (g *Gate) readmit(h *fasthttp.RequestHeader, k *engine.Hook) (secrets uint64, r reason) {
	get, mark, secrets := readPass(h.Method())
	if k != nil && string(mark) == k.Mark && (!get || k.Rules.Type == hook.EventHook) {
		return secrets, admitted
	}
	h.SetMethod(fasthttp.MethodPost) // headers has let in nothing else, but a GET
	if get {
		h.SetMethod(fasthttp.MethodGet)
	}
	return g.judge(h, k)
}

// path is the path as it was sent. It is compared byte by byte: nothing is unescaped or cleaned up, so there is one way to
// write it. A query is no part of it.
func path(h *fasthttp.RequestHeader) []byte {
	p, _, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
	return p
}

// judge decides on a request from its head. The order is what a stranger may learn: which paths there are (they are no
// secrets), then nothing without the secret. Of a request that may come in it says by which secrets, a bit for each.
func (g *Gate) judge(h *fasthttp.RequestHeader, k *engine.Hook) (secrets uint64, r reason) {
	if k == nil {
		return 0, unknownPath
	}
	get := h.IsGet() && k.Rules.Type == hook.EventHook
	if !get && string(h.Method()) != fasthttp.MethodPost {
		return 0, wrongMethod
	}
	var room [4]shown
	f := fields{auth: wanted(room[:0], k.Rules.Auth)}
	if !f.read(h.RawHeaders()) {
		return 0, malformed
	}
	if secrets, r = g.known(k, &f); r != admitted {
		return 0, r
	}
	if get {
		return secrets, judgeChallenge(&f)
	}
	return secrets, judgeBody(h, &f, g.maxBody(k))
}

// judgeBody decides on what the head says about the body.
func judgeBody(h *fasthttp.RequestHeader, f *fields, most int) reason {
	switch n := h.ContentLength(); {
	case f.length.count > 0 && f.transfer.count > 0, f.media.count > 1, f.encoding.count > 1:
		return malformed // two headers of which another reader may take the other one
	case n == -2:
		return lengthless
	case n > most:
		return bodyTooLarge
	}
	if f.encoding.count > 0 && !equalFold(f.encoding.value, "identity") {
		return encoded
	}
	media, _, _ := bytes.Cut(f.media.value, []byte{';'})
	if !equalFold(bytes.TrimRight(media, " \t"), mediaType) {
		return wrongMedia
	}
	return admitted
}

// fields is what the gate wants to know from the headers. fasthttp frames the request; it keeps only the last of two equal
// headers, so the headers are read here once more, as they were sent.
type fields struct {
	media, encoding, length, transfer field
	challenge                         field
	auth                              []shown // each header that a credential of the hook asks for
	token                             tokenSeen
}

type field struct {
	value []byte // the last one's
	count int
}

// shown is a header that a credential asks for, as the caller showed it.
type shown struct {
	name string
	field
	digest [32]byte
}

// wanted lists the headers that the credentials ask for, each once.
func wanted(list []shown, auth []rules.Credential) []shown {
	for i := range auth {
		for j := range auth[i].Lines {
			if name := auth[i].Lines[j].Header; find(list, name) == nil {
				list = append(list, shown{name: name})
			}
		}
	}
	return list
}

func find(list []shown, name string) *shown {
	for i := range list {
		if equalFold(list[i].name, name) {
			return &list[i]
		}
	}
	return nil
}

// read goes through the header lines. It is false when one is folded or has no name.
func (f *fields) read(raw []byte) bool {
	for len(raw) > 0 {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			continue
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || line[0] == ' ' || line[0] == '\t' {
			return false
		}
		f.take(line[:colon], line[colon+1:])
	}
	return true
}

func (f *fields) take(name, value []byte) {
	switch len(name) {
	case len("Content-Type"):
		f.media.take(name, value, "content-type")
	case len("Content-Length"):
		f.length.take(name, value, "content-length")
	case len("Content-Encoding"):
		f.encoding.take(name, value, "content-encoding")
	case len("Transfer-Encoding"):
		f.transfer.take(name, value, "transfer-encoding")
	case len(challengeHeader):
		f.challenge.take(name, value, challengeHeader)
	}
	for i := range f.auth {
		f.auth[i].take(name, value, f.auth[i].name)
	}
}

func (f *field) take(name, value []byte, wanted string) {
	if equalFold(name, wanted) {
		f.value = bytes.Trim(value, " \t")
		f.count++
	}
}

// equalFold compares a header's name, or a word of its value, without regard to the case of ASCII letters.
func equalFold[T string | []byte](b T, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range len(s) {
		if b[i] != s[i] && lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
