package gate

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// commonHeaders are the header lines of every request in these tests.
const commonHeaders = "Host: hooks.example.com\r\nContent-Type: application/json\r\n"

// heads are requests that are rejected, or end with their text.
var heads = []struct {
	name, text string
	want       reason
}{
	{"Post", "POST /hooks/a HTTP/1.1\r\n" + commonHeaders + "Content-Length: 2\r\n\r\n{}", admitted},
	{"Get", "GET /hooks/a HTTP/1.1\r\n" + commonHeaders + "\r\n", admitted},
	{"Chunks", "POST /hooks/a HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n00000001\r\n}\r\n0\r\n\r\n", admitted},
	{"Query", "POST /hooks/a?b=c%20d HTTP/1.1\r\n" + commonHeaders + "Content-Length: 0\r\n\r\n", admitted},
	{"OneZero", "POST /hooks/a HTTP/1.0\r\nContent-Length: 0\r\n\r\n", admitted},
	{"Expect", "POST /hooks/a HTTP/1.1\r\n" + commonHeaders + "Expect: 100-Continue\r\nContent-Length: 0\r\n\r\n", admitted},
	{"Foreign", "POST /hooks/a HTTP/1.1\r\n" + commonHeaders + "X-City: K\xc3\xb6ln\t am Rhein \r\n\r\n", admitted},
	{"Port", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", admitted},

	{"LengthAndChunks", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", malformed},
	{"ChunksAndLength", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", malformed},
	{"LengthTwice", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", malformed},
	{"LengthList", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: 2, 2\r\n\r\n{}", malformed},
	{"LengthSigned", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: +2\r\n\r\n{}", malformed},
	{"LengthNegative", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: -2\r\n\r\n", malformed},
	{"LengthHex", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: 0x2\r\n\r\n{}", malformed},
	{"LengthEmpty", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length:\r\n\r\n", malformed},
	{"LengthHuge", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: 99999999999999999999\r\n\r\n", malformed},
	{"LengthSpaced", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length: 1 2\r\n\r\n", malformed},
	{"LengthName", "POST / HTTP/1.1\r\n" + commonHeaders + "Content-Length : 2\r\n\r\n{}", malformed},
	{"TETwice", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", malformed},
	{"TEList", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", malformed},
	{"TEIdentity", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: identity\r\n\r\n", malformed},
	{"TEUnknown", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", malformed},
	{"TEQuoted", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", malformed},
	{"TETabbed", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n", malformed},
	{"TEName", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", malformed},
	{"TEOneZero", "POST / HTTP/1.0\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", malformed},
	{"Extension", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n0\r\n\r\n", malformed},
	{"SizeEmpty", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n\r\n{\r\n0\r\n\r\n", malformed},
	{"SizeSpaced", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n1 \r\n{\r\n0\r\n\r\n", malformed},
	{"SizePrefixed", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n0x1\r\n{\r\n0\r\n\r\n", malformed},
	{"SizeHuge", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n100000000\r\n{", malformed},
	{"SizeBareLF", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n1\n{\r\n0\r\n\r\n", malformed},
	{"ChunkLong", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n", malformed},
	{"Trailer", "POST / HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", malformed},
	{"BareLF", "POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", malformed},
	{"BareLFLine", "POST / HTTP/1.1\r\nHost: a\nContent-Length: 0\r\n\r\n", malformed},
	{"BareLFEnd", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\n", malformed},
	{"BareCR", "POST / HTTP/1.1\r\n" + commonHeaders + "X: a\rb\r\n\r\n", malformed},
	{"BareCRName", "POST / HTTP/1.1\r\n" + commonHeaders + "X\r: a\r\n\r\n", malformed},
	{"CRCRLF", "POST / HTTP/1.1\r\n" + commonHeaders + "X: a\r\r\n\r\n", malformed},
	{"Fold", "POST / HTTP/1.1\r\n" + commonHeaders + "X: a\r\n b\r\n\r\n", malformed},
	{"FoldTab", "POST / HTTP/1.1\r\n" + commonHeaders + "X: a\r\n\tb\r\n\r\n", malformed},
	{"FoldFirst", "POST / HTTP/1.1\r\n Host: a\r\n\r\n", malformed},
	{"NoColon", "POST / HTTP/1.1\r\n" + commonHeaders + "X\r\n\r\n", malformed},
	{"NoName", "POST / HTTP/1.1\r\n" + commonHeaders + ": x\r\n\r\n", malformed},
	{"NameSpaced", "POST / HTTP/1.1\r\n" + commonHeaders + "X Y: z\r\n\r\n", malformed},
	{"NameNull", "POST / HTTP/1.1\r\n" + commonHeaders + "X\x00: z\r\n\r\n", malformed},
	{"NameHigh", "POST / HTTP/1.1\r\n" + commonHeaders + "X\xff: z\r\n\r\n", malformed},
	{"ValueNull", "POST / HTTP/1.1\r\n" + commonHeaders + "X: aaaaaaaa\x00b\r\n\r\n", malformed},
	{"ValueDEL", "POST / HTTP/1.1\r\n" + commonHeaders + "X: aaaaaaa\x7fb\r\n\r\n", malformed},
	{"HostNone", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", malformed},
	{"HostEmpty", "POST / HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\n\r\n", malformed},
	{"HostTwice", "POST / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", malformed},
	{"HostList", "POST / HTTP/1.1\r\nHost: a, b\r\n\r\n", malformed},
	{"HostPath", "POST / HTTP/1.1\r\nHost: a/b\r\n\r\n", malformed},
	{"HostUser", "POST / HTTP/1.1\r\nHost: a@b\r\n\r\n", malformed},
	{"Absolute", "POST http://a/hooks/a HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"Asterisk", "OPTIONS * HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"Authority", "CONNECT a:443 HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"Fragment", "POST /hooks/a#b HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"Backslash", "POST /hooks\\a HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"TargetNull", "POST /hooks/\x00 HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"TargetHigh", "POST /hooks/\xff HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"TwoSpaces", "POST  /hooks/a HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"TabInLine", "POST\t/hooks/a HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"LineTrailing", "POST /hooks/a HTTP/1.1 \r\n" + commonHeaders + "\r\n", malformed},
	{"LowerMethod", "post /hooks/a HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"OddMethod", "PO\x00ST /hooks/a HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"LineFirst", "\r\nPOST /hooks/a HTTP/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"Nothing", "\r\n\r\n", malformed},
	{"ZeroNine", "GET /hooks/a\r\n\r\n", malformed},
	{"Version2", "GET /hooks/a HTTP/2.0\r\n" + commonHeaders + "\r\n", wrongVersion},
	{"Version12", "GET /hooks/a HTTP/1.2\r\n" + commonHeaders + "\r\n", wrongVersion},
	{"VersionOdd", "GET /hooks/a HTTP/1.10\r\n" + commonHeaders + "\r\n", malformed},
	{"VersionCase", "GET /hooks/a http/1.1\r\n" + commonHeaders + "\r\n", malformed},
	{"Preface2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", wrongVersion},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", malformed},
	{"GetWithBody", "GET /hooks/a HTTP/1.1\r\n" + commonHeaders + "Content-Length: 2\r\n\r\n{}", malformed},
	{"GetWithChunks", "GET /hooks/a HTTP/1.1\r\n" + commonHeaders + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", malformed},
	{"OtherExpectation", "POST / HTTP/1.1\r\n" + commonHeaders + "Expect: 200-ok\r\n\r\n", malformed},
	{"ManyLines", "POST / HTTP/1.1\r\n" + commonHeaders + strings.Repeat("X: y\r\n", 200) + "\r\n", headTooLarge},
}

// TestFrame scans each request whole, in parts of every size, and byte by byte, with the same
// result.
func TestFrame(t *testing.T) {
	for _, tt := range heads {
		t.Run(tt.name, func(t *testing.T) {
			if got := scanInParts(tt.text, len(tt.text)); got != tt.want {
				t.Errorf("at once: reason %d, want %d", got, tt.want)
			}
			for size := 1; size < len(tt.text); size++ {
				if got := scanInParts(tt.text, size); got != tt.want {
					t.Fatalf("in parts of %d: reason %d, want %d", size, got, tt.want)
				}
			}
		})
	}
}

// scanInParts passes a request to a frame in parts of a size, as a connection does. It is admitted
// if the request ends with the text.
func scanInParts(text string, size int) reason {
	var f frame
	var ahead []byte
	for part := range slices.Chunk([]byte(text), size) {
		if f.phase == ended {
			return internalError // it ends too soon
		}
		ahead = append(ahead, part...)
		n, _, r := f.readRequest(ahead)
		if r == needMore {
			continue
		}
		if r != admitted {
			return r
		}
		ahead = ahead[n:]
	}
	if f.phase != ended || len(ahead) > 0 {
		return internalError
	}
	return admitted
}

// readRequest parses a head and the bytes behind it, as a connection that admits every caller.
func (f *frame) readRequest(p []byte) (n int, h head, r reason) {
	if f.phase == inHead {
		if n, r = h.parseRequestLine(p); r == admitted {
			n, r = h.parseLines(p, n)
		}
		if r != admitted {
			return 0, h, r
		}
		f.start(&h)
	}
	k, r := f.scan(p[n:])
	return n + k, h, r
}

// FuzzFrame: fasthttp and net/http read an admitted request as the frame does.
func FuzzFrame(f *testing.F) {
	for _, tt := range heads {
		f.Add([]byte(tt.text + "GET / HTTP/1.1\r\nHost: next\r\n\r\n"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var fr frame
		n, h, r := fr.readRequest(text)
		if r != admitted || fr.phase != ended {
			return
		}
		if told := h.appendMinimal(nil); len(told) > n || len(told) > maxMinimalHead {
			t.Errorf("%q is longer than the head it was", told)
		}
		var theirs fasthttp.Request
		in := bufio.NewReader(bytes.NewReader(text))
		if err := theirs.ReadLimitBody(in, 0); err != nil {
			return // a reader that rejects it is not fooled
		}
		if left, _ := io.ReadAll(in); len(left) != len(text)-n {
			t.Errorf("fasthttp leaves %d bytes, the frame %d", len(left), len(text)-n)
		}
		in = bufio.NewReader(bytes.NewReader(text))
		others, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(others.Body)
		if err != nil {
			return
		}
		if left, _ := io.ReadAll(in); len(left) != len(text)-n || !bytes.Equal(body, theirs.Body()) {
			t.Errorf("net/http leaves %d bytes, the frame %d; bodies %q and %q", len(left), len(text)-n, body, theirs.Body())
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	text := []byte("POST /hooks/registration HTTP/1.1\r\nAccept: application/json\r\nUser-Agent: Okta-Integrations\r\nContent-Type: application/json\r\n" +
		"Authorization: Bearer 0123456789abcdef0123456789abcdef\r\nX-Okta-Request-Id: reqv66CbCaCStGEFc8AdfS0ng\r\nHost: hooks.example.com\r\n" +
		"Connection: Keep-Alive\r\nContent-Length: 2000\r\n\r\n" + strings.Repeat("x", 2000))
	b.ReportAllocs()
	for b.Loop() {
		var f frame
		if n, _, r := f.readRequest(text); r != admitted || n != len(text) || f.phase != ended {
			b.Fatal(n, r)
		}
	}
}
