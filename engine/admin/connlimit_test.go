package admin_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHost: a request of a web page after DNS rebinding is rejected, with a token and without.
func TestHost(t *testing.T) {
	o := newFixture(t)
	tests := []struct {
		host string
		want int
	}{
		{"127.0.0.1:8081", 200}, {"127.0.0.1", 200}, {"[::1]:8081", 200}, {"[::1]", 200}, {"10.1.2.3:8081", 200}, {"LocalHost:1", 200},
		{"localhost.", 200}, {"admin.example.com", 200}, {"Admin.Example.com.:8081", 200},
		{"evil.example", 421}, {"evil.example:8081", 421}, {"localhost.evil.example", 421}, {"127.0.0.1.evil.example", 421}, {"127.1.evil", 421},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			for _, path := range []string{"/healthz", "/readyz", "/metrics", "/v1/status"} {
				r, err := http.NewRequestWithContext(t.Context(), "GET", o.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Host = tt.host
				r.Header.Set("Authorization", "Bearer "+tokens.Read)
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if answer.StatusCode != tt.want {
					t.Errorf("%s: got %d, want %d", path, answer.StatusCode, tt.want)
				}
			}
		})
	}
}

// TestConnLimit: idle connections are limited and do not block requests.
func TestConnLimit(t *testing.T) {
	o := newFixture(t)
	at := strings.TrimPrefix(o.url, "http://")
	var silent []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	if status, _, _ := o.request("GET", "/healthz", ""); status != 200 {
		t.Errorf("got %d", status)
	}
	silent[0].SetReadDeadline(time.Now().Add(4 * time.Second)) // less than what net/http allows a silent one
	if _, err := silent[0].Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the first of 200 is still open: %v", err)
	}
}

// TestConnectionEnds: only a request with a valid token keeps its connection open.
func TestConnectionEnds(t *testing.T) {
	o := newFixture(t)
	tests := []struct {
		name, path, authorization string
		ends                      bool
	}{
		{"NoToken", "/healthz", "", true},
		{"WrongToken", "/v1/status", "Bearer x", true},
		{"Token", "/v1/status", "Bearer " + tokens.Read, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := net.Dial("tcp", strings.TrimPrefix(o.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\n\r\n", tt.path, tt.authorization)
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.Close != tt.ends {
				t.Errorf("ends: %v, want %v", answer.Close, tt.ends)
			}
		})
	}
}
