package outlet_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// startRawServer serves raw connections: it reads each request before it calls answer.
func startRawServer(t testing.TB, answer func(net.Conn, *http.Request)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewReader(c); ; {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					answer(c, r)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func writeSlowly(c net.Conn, text string) {
	for i := range len(text) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// stall sends no answer until the client closes.
func stall(c net.Conn, _ *http.Request) { _, _ = c.Read(make([]byte, 1)) }

func isAnyOK(destination.Answer) (bool, error) { return true, nil }

func TestHostile(t *testing.T) {
	const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	write := func(text string) func(net.Conn, *http.Request) {
		return func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, text)
			c.Close()
		}
	}
	tests := []struct {
		name   string
		answer func(net.Conn, *http.Request)
		ok     func(destination.Answer) (bool, error)
		kind   outlet.Verdict
		err    error
	}{
		{"fine", write(fine), nil, outlet.Done, nil},
		{"stalls", stall, nil, outlet.Retry, outlet.ErrTimeout},
		{"resets", func(c net.Conn, _ *http.Request) {
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, nil, outlet.Retry, syscall.ECONNRESET},
		{"closes early", func(c net.Conn, _ *http.Request) { c.Close() }, nil, outlet.Retry, outlet.ErrConnection},
		{"closes behind a header", write("HTTP/1.1 200 OK\r\nA: b\r\n"), nil, outlet.Retry, outlet.ErrConnection},
		{"closes inside a header", write("HTTP/1.1 200 OK\r\nContent-"), nil, outlet.Retry, outlet.ErrGarbled},
		{"drips its headers", func(c net.Conn, _ *http.Request) { writeSlowly(c, fine) }, nil, outlet.Retry, outlet.ErrTimeout},
		{"drips its body, which nobody needs", func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
			writeSlowly(c, strings.Repeat("x", 9000))
		}, nil, outlet.Done, nil},
		{"drips its body, which ok needs", func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
			writeSlowly(c, strings.Repeat("x", 9000))
		}, isAnyOK, outlet.Retry, outlet.ErrTimeout},
		{"lies about its length", write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), nil, outlet.Done, nil},
		{"lies about its length, and ok needs it", write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), isAnyOK, outlet.Retry, outlet.ErrGarbled},
		{"has more than its length", write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"), isAnyOK, outlet.Done, nil},
		{"has a broken length", write("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), nil, outlet.Retry, outlet.ErrGarbled},
		{"has two lengths", write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), nil, outlet.Retry, outlet.ErrGarbled},
		{"breaks off its chunks", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), isAnyOK, outlet.Retry, outlet.ErrGarbled},
		{"has huge headers", write("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), nil, outlet.Retry, nil},
		{"informs for ever", func(c net.Conn, _ *http.Request) {
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"); err != nil {
					return
				}
			}
		}, nil, outlet.Retry, nil},
		{"switches protocols", write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), nil, outlet.Never, outlet.ErrStatus},
		{"is not HTTP", write("220 mail.example ESMTP\r\n"), nil, outlet.Retry, outlet.ErrGarbled},
		{"has a status of its own", write("HTTP/1.1 2000 OK\r\n\r\n"), nil, outlet.Retry, outlet.ErrGarbled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec := destination.Spec{Kind: destination.HTTP, URL: startRawServer(t, test.answer), OK: test.ok}
			if test.err == outlet.ErrTimeout {
				spec.Timeout = 2 * time.Second // to get there, and then to wait in vain
			}
			o := openOne(t, spec)
			r := deliver(t, o, newStep("{}"))
			if r.Verdict != test.kind || (test.err != nil && !errors.Is(r.Err, test.err)) || !r.Attempted {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestHugeBody: only the needed part of an answer is read, and a short one frees its connection.
func TestHugeBody(t *testing.T) {
	var sent atomic.Int64
	url := startServer(t, func(w http.ResponseWriter, _ *http.Request) {
		for block := make([]byte, 32<<10); sent.Load() < 1<<30; {
			n, err := w.Write(block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	var got destination.Answer
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, OK: func(a destination.Answer) (bool, error) { got = a; return true, nil }})
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
	if len(got.Body) != 64<<10 || !got.Truncated {
		t.Errorf("ok saw %d bytes, truncated: %v", len(got.Body), got.Truncated)
	}
	wantResult(t, deliver(t, openOne(t, destination.Spec{Kind: destination.HTTP, URL: url}), newStep("{}")), outlet.Done, nil)
	if n := sent.Load(); n >= 1<<30 {
		t.Errorf("it was read to its end: %d bytes", n)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	for name, verdict := range map[string]func(destination.Answer) (bool, error){"status": nil, "ok": isAnyOK} {
		t.Run(name, func(t *testing.T) {
			var opened atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(make([]byte, 60<<10))
			}))
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					opened.Add(1)
				}
			}
			s.Start()
			defer s.Close()
			o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: s.URL, OK: verdict})
			slow := int64(0) // steps that were held up, whose answers were not worth being read to their end
			for range 20 {
				r := deliver(t, o, newStep("{}"))
				wantResult(t, r, outlet.Done, nil)
				if r.Elapsed > 200*time.Millisecond {
					slow++
				}
			}
			if n := opened.Load(); n > 1+slow {
				t.Errorf("20 steps took %d connections, and %d were slow", n, slow)
			}
		})
	}
}

// TestStaleConnection: a reused connection that the server has closed costs no attempt, whatever
// the name of the key's header.
func TestStaleConnection(t *testing.T) {
	for _, key := range []string{"", "X-Dedupe"} {
		t.Run("key "+key, func(t *testing.T) {
			var calls atomic.Int64
			url := startRawServer(t, func(c net.Conn, _ *http.Request) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				if calls.Add(1)%2 == 1 { // and closes when the next request is here, without an answer
					_, _ = c.Read(make([]byte, 1))
					c.Close()
				}
			})
			o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, Key: key})
			for range 6 {
				wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	r := deliver(t, openOne(t, destination.Spec{Kind: destination.HTTP, URL: "http://127.0.0.1:1"}), newStep("{}"))
	wantResult(t, r, outlet.Retry, outlet.ErrConnection)
	wantResult(t, r, outlet.Retry, syscall.ECONNREFUSED)
}

// newExpiredCertificate is a certificate for 127.0.0.1 that was valid until an hour ago.
func newExpiredCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestTLS(t *testing.T) {
	version := make(chan string, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { version <- r.Proto }))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	late := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	late.TLS = &tls.Config{Certificates: []tls.Certificate{newExpiredCertificate(t)}}
	late.StartTLS()
	t.Cleanup(late.Close)
	plain := startServer(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	trusted := certificatePEM(s.Certificate())
	tests := []struct {
		name, url, ca string
		kind          outlet.Verdict
		err           error
		text          string
	}{
		{"trusted", s.URL, trusted, outlet.Done, nil, ""},
		{"unknown authority", s.URL, "", outlet.Retry, outlet.ErrTLS, "its certificate is signed by an unknown authority"},
		{"wrong name", "https://localhost:" + port, trusted, outlet.Retry, outlet.ErrTLS, "its certificate is for another name"},
		{"out of date", late.URL, certificatePEM(late.TLS.Certificates[0].Leaf), outlet.Retry, outlet.ErrTLS, "its certificate is out of date"},
		{"an old version", old.URL, certificatePEM(old.Certificate()), outlet.Retry, outlet.ErrTLS, "protocol version not supported"},
		{"no TLS at all", strings.Replace(plain, "http", "https", 1), "", outlet.Retry, outlet.ErrTLS, "it does not speak TLS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := deliver(t, openOne(t, destination.Spec{Kind: destination.HTTP, URL: test.url, CA: test.ca}), newStep("{}"))
			wantResult(t, r, test.kind, test.err)
			if test.err == nil {
				if v := <-version; v != "HTTP/2.0" {
					t.Errorf("spoke %s", v)
				}
			} else if !strings.Contains(r.Err.Error(), test.text) {
				t.Errorf("got %q, want %q", r.Err, test.text)
			}
		})
	}
}

func TestHandshakeStalls(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // it never accepts; the kernel does
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: "https://" + l.Addr().String(), Timeout: 200 * time.Millisecond})
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrTimeout)
}

func TestContextEnds(t *testing.T) {
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: startRawServer(t, stall), Timeout: time.Minute, Breaker: destination.Breaker{Failures: 1}})
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		r := o.Deliver(ctx, newStep("{}"))
		cancel()
		wantResult(t, r, outlet.Retry, outlet.ErrStopped)
		wantResult(t, r, outlet.Retry, context.DeadlineExceeded)
		if !r.Attempted {
			t.Fatal("what was stopped on its way may have arrived")
		}
		r = o.Deliver(ctx, newStep("{}"))
		wantResult(t, r, outlet.Retry, outlet.ErrStopped)
		if r.Attempted {
			t.Fatal("what was stopped before counts as attempted")
		}
	}
	if state := o.States()[0]; state.Breaker != "closed" || state.InFlight != 0 {
		t.Errorf("got %+v", state)
	}
}

// TestSecrets: no failure of a destination made of secrets shows one of them.
func TestSecrets(t *testing.T) {
	const secret = "s3cr3t"
	echo := startRawServer(t, func(c net.Conn, r *http.Request) {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\n\r\n", strings.Join(r.Header["Authorization"], ""))
		c.Close()
	})
	headers := startRawServer(t, func(c net.Conn, r *http.Request) {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%s %s\r\n\r\n", r.RequestURI, r.Header)
		c.Close()
	})
	redirect := startServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.RequestURI, http.StatusFound) })
	refuses := startServer(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.RequestURI, http.StatusUnauthorized) })
	for name, url := range map[string]string{
		"echo": echo, "headers": headers, "redirect": redirect, "refuses": refuses,
		"stalls": startRawServer(t, stall), "closes": startRawServer(t, func(c net.Conn, _ *http.Request) { c.Close() }),
		"nobody": "http://127.0.0.1:1", "tls": strings.Replace(refuses, "http", "https", 1),
		"no such name": "https://" + secret + ".invalid",
	} {
		t.Run(name, func(t *testing.T) {
			url = strings.Replace(url, "://", "://"+secret+":"+secret+"@", 1) + "/" + secret + "?" + secret + "=" + secret
			var log strings.Builder
			o := openOutlet(t, map[string]destination.Spec{"there": {Kind: destination.HTTP, URL: url, AllowPrivate: loopback, Timeout: 200 * time.Millisecond,
				Query: map[string]string{"q": secret}, Headers: map[string]string{"X-A": secret}, Breaker: destination.Breaker{Failures: 1},
				OK: func(destination.Answer) (bool, error) { return false, errors.New(secret) }}}, outlet.Options{Log: newLog(&log)})
			s := newStep(`{"a":"` + secret + `"}`)
			s.Path, s.Query, s.Headers = secret, map[string]string{"p": secret}, map[string]string{"X-B": secret}
			r := deliver(t, o, s)
			if r.Verdict == outlet.Done {
				t.Fatal("delivered")
			}
			for err := range errorChain(r.Err) {
				if text := fmt.Sprintf("%v %+v %#v", err, err, err.Error()); strings.Contains(text, secret) {
					t.Errorf("it says %s", text)
				}
			}
			if strings.Contains(log.String(), secret) {
				t.Errorf("it logs %s", log.String())
			}
		})
	}
	_, err := outlet.Open(map[string]destination.Spec{"there": {Kind: destination.HTTP, URL: "ht tp://" + secret + "@%zz/" + secret, Proxy: ":" + secret,
		Headers: map[string]string{"X": secret + "\n"}, CA: secret, Path: secret + "?"}}, outlet.Options{})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("it says %v", err)
	}
}
