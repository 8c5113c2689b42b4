package admin_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFraming: a request with both Content-Length and Transfer-Encoding is rejected, also where its
// head arrives in pieces, after another request, or with it.
func TestFraming(t *testing.T) {
	f := newFixture(t)
	auth := "Authorization: Bearer " + tokens.Read + "\r\n"
	get := "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n" + auth + "\r\n"
	chunked := "POST /v1/check HTTP/1.1\r\nHost: localhost\r\n" + auth + "Transfer-Encoding: chunked\r\n%s\r\n0\r\n\r\n"
	both := fmt.Sprintf(chunked, "content-LENGTH: 5\r\n")
	one := fmt.Sprintf(chunked, "")
	withBody := "POST /v1/check HTTP/1.1\r\nHost: localhost\r\n" + auth + "Content-Length: 4\r\n\r\n\n\nab"
	for _, tc := range []struct {
		name     string
		requests []string // each is sent after the answer to the one before
		want     []int
	}{
		{"Both", []string{both}, []int{400}},
		{"BothToHealth", []string{strings.Replace(both, "POST /v1/check", "GET /healthz", 1)}, []int{400}},
		{"LengthFirst", []string{"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, []int{400}},
		{"Chunked", []string{one}, []int{200}},
		{"KeptOpen", []string{get, get, get}, []int{200, 200, 200}},
		{"BothLater", []string{get, get, both}, []int{200, 200, 400}},
		{"Pipelined", []string{get + both, ""}, []int{200, 400}},
		{"HiddenInUnreadBody", []string{withBody, both}, []int{200, 400}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, pieces := range []bool{false, true} {
				c, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				r := bufio.NewReader(c)
				for i, request := range tc.requests {
					if pieces {
						for _, b := range []byte(request) {
							c.Write([]byte{b})
						}
					} else {
						io.WriteString(c, request)
					}
					answer, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Fatalf("answer %d: %v", i, err)
					}
					io.Copy(io.Discard, answer.Body)
					if answer.StatusCode != tc.want[i] {
						t.Errorf("answer %d: status %d, want %d (in pieces: %v)", i, answer.StatusCode, tc.want[i], pieces)
					}
				}
			}
		})
	}
}
