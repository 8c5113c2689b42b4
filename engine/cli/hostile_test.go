package cli_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"unicode"
)

// hostile are texts that write on a terminal what nobody wants there.
const hostile = "\x1b]0;pwned\x07\x1b[2J\u009b31m\u202eevil"

func unprintable(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// TestDoctorHostile examines an endpoint whose answers are meant for the terminal.
func TestDoctorHostile(t *testing.T) {
	answers := []string{
		"HTTP/1.1 302 Found\r\nLocation: https://x/" + hostile + "\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2" + hostile + " OK\r\n\r\n",
		hostile + "\r\n\r\n",
	}
	for _, answer := range answers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(c, answer)
				c.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, c)
				c.Close()
			}
		}()
		for _, how := range []string{"--json=false", "--json"} {
			code, out, _ := program("doctor", "http://"+l.Addr().String(), "--type", "token", "--header", "Authorization: a-secret-of-mine", "--calls", "1", how)
			if code != 1 || out == "" || strings.ContainsFunc(out, unprintable) || strings.Contains(out, `u001b`) {
				t.Errorf("%s: %d, %q", how, code, out)
			}
		}
		l.Close()
		<-done
	}
}

// TestHeaderFromOutside: what a header names and is not there is told, and nothing of what is.
func TestHeaderFromOutside(t *testing.T) {
	t.Setenv("EMPTY", "")
	for name, value := range map[string]string{"Empty": "${env.EMPTY}", "NoFile": "${file./nowhere}", "Open": "a-secret ${env.EMPTY"} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := program("send", "http://127.0.0.1:1", "--type", "token", "--header", "Authorization: "+value)
			if code != 2 || !strings.Contains(errs, "--header Authorization: ") || strings.Contains(errs, "a-secret") {
				t.Errorf("%d, %q", code, errs)
			}
		})
	}
}
