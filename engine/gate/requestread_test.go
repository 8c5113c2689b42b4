package gate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// validPost returns a call that is admitted.
func validPost(body string) string {
	return fmt.Sprintf("POST /hooks/hook-a HTTP/1.1\r\n"+commonHeaders+"Content-Length: %d\r\n\r\n%s", len(body), body)
}

const call = `{"eventType":"com.okta.user.pre-registration","requestType":"self.service.registration","data":{}}`

// serveGate starts a gate on loopback, and returns a function that connects to it.
func serveGate(t testing.TB, o Options) func() net.Conn {
	t.Helper()
	_, e := newGate(t, hook.Registration)
	g, err := New(e, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		g.Shutdown(t.Context()) // its context is over: open connections stay
		<-served
	})
	return func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
}

// readStatuses returns the statuses of all answers until the connection ends.
func readStatuses(t testing.TB, c net.Conn) (all []int) {
	t.Helper()
	r := bufio.NewReader(c)
	for {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "reset") {
				t.Fatal(err)
			}
			return all
		}
		if _, err := io.Copy(io.Discard, a.Body); err != nil {
			t.Fatal(err)
		}
		all = append(all, a.StatusCode)
	}
}

// TestSmuggled sends a rejected request with another one behind it. No byte behind it is answered,
// on a new connection or a used one.
func TestSmuggled(t *testing.T) {
	dial := serveGate(t, Options{})
	for _, tt := range heads {
		if tt.want == admitted {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			for _, before := range []string{"", validPost(call)} {
				c := dial()
				defer c.Close()
				io.WriteString(c, before+strings.Replace(tt.text, "POST / ", "POST /hooks/hook-a ", 1)+validPost(call))
				c.(*net.TCPConn).CloseWrite()
				got := readStatuses(t, c)
				if before != "" {
					if len(got) == 0 || got[0] != 200 {
						t.Fatalf("the request ahead: %v", got)
					}
					got = got[1:]
				}
				if len(got) != 1 || got[0] < 400 || got[0] == 404 {
					t.Errorf("behind %d bytes: %v", len(before), got)
				}
			}
		})
	}
}

// TestPipelined: requests that are sent together, in parts of any size, are answered one by one.
func TestPipelined(t *testing.T) {
	dial := serveGate(t, Options{})
	chunked := "POST /hooks/hook-a HTTP/1.1\r\n" + commonHeaders + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(call), call)
	text := strings.Repeat(validPost(call)+chunked, 10)
	for _, size := range []int{len(text), 1000, 100, 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			c := dial()
			defer c.Close()
			go func() {
				for at := 0; at < len(text); at += size {
					io.WriteString(c, text[at:min(at+size, len(text))])
				}
				c.(*net.TCPConn).CloseWrite()
			}()
			got := readStatuses(t, c)
			if len(got) != 20 {
				t.Fatalf("%d answers", len(got))
			}
			for _, s := range got {
				if s != 200 {
					t.Errorf("%v", got)
				}
			}
		})
	}
}

// TestTruncated: a request without its last bytes is not answered as a call.
func TestTruncated(t *testing.T) {
	dial := serveGate(t, Options{})
	text := validPost(call)
	for n := range text {
		c := dial()
		io.WriteString(c, text[:n])
		c.(*net.TCPConn).CloseWrite()
		for _, s := range readStatuses(t, c) {
			if s < 400 {
				t.Fatalf("%d of %d bytes: status %d", n, len(text), s)
			}
		}
		c.Close()
	}
}

// FuzzConnection sends any bytes on a connection, and a valid call on another one. There are never
// more answers than request lines in the bytes, and the gate continues.
func FuzzConnection(f *testing.F) {
	for _, tt := range heads {
		f.Add([]byte(tt.text), uint8(255))
		f.Add([]byte(validPost(call)+tt.text), uint8(40))
	}
	dial := serveGate(f, Options{Read: 10 * time.Second})
	f.Fuzz(func(t *testing.T, text []byte, part uint8) {
		c := dial()
		defer c.Close()
		go func() {
			for p := text; len(p) > 0; p = p[min(int(part)+1, len(p)):] {
				c.Write(p[:min(int(part)+1, len(p))]) // it may be closed
			}
			c.(*net.TCPConn).CloseWrite()
		}()
		if got := readStatuses(t, c); len(got) > 1+bytes.Count(text, []byte("HTTP/1.")) {
			t.Errorf("%d answers", len(got))
		}
		next := dial()
		defer next.Close()
		io.WriteString(next, validPost(call))
		next.(*net.TCPConn).CloseWrite()
		if got := readStatuses(t, next); len(got) != 1 || got[0] != 200 {
			t.Errorf("afterwards: %v", got)
		}
	})
}
