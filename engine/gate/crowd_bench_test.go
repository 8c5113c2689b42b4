package gate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/gate"
)

// crowdSize is the number of idle and slow connections in BenchmarkBesideCrowd.
const crowdSize = 10_000

// crowdAddrEnv is the environment variable with the server's address for the child process.
const crowdAddrEnv = "TENTERHOOK_TEST_CROWD"

// TestCrowdProcess is not a test, but the client process of BenchmarkBesideCrowd: a connection has
// two ends, and a process has few files. Once all clients have gone as far as they can, it prints
// the number of their actions, and again for each line of its input.
func TestCrowdProcess(t *testing.T) {
	addr := os.Getenv(crowdAddrEnv)
	if addr == "" {
		t.Skip("a child of BenchmarkBesideCrowd")
	}
	ctx, stop := context.WithCancel(t.Context())
	whole := clientHello(t, &tls.Config{InsecureSkipVerify: true})
	var acts atomic.Int64
	var all, came sync.WaitGroup
	came.Add(crowdSize)
	for i := range crowdSize {
		m := crowdClient{kind: i % 20, hello: whole, actions: &acts, arrived: sync.OnceFunc(came.Done)}
		all.Go(func() {
			for ctx.Err() == nil {
				m.run(ctx, addr)
			}
		})
		if i%50 == 0 {
			time.Sleep(5 * time.Millisecond) // else the benchmark would measure the backlog
		}
	}
	came.Wait()
	for asked := bufio.NewScanner(os.Stdin); ; { // until the parent closes the input
		fmt.Println("acts", acts.Load())
		if !asked.Scan() {
			break
		}
	}
	stop()
	all.Wait()
}

// crowdClient is one client. Of twenty, ten are silent, eight send a slow ClientHello, one only
// completes the handshake, and one sends a slow head.
type crowdClient struct {
	kind    int
	hello   []byte
	actions *atomic.Int64
	arrived func()
}

// run connects, and stays until the server closes the connection.
func (m crowdClient) run(ctx context.Context, addr string) {
	defer m.arrived()
	elsewhere := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}} // another address than that of the measured calls
	c, err := elsewhere.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	m.actions.Add(1)
	if m.kind >= 18 {
		t := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		if t.Handshake() != nil {
			return
		}
		c = t
	}
	m.arrived()
	switch {
	case m.kind == 19:
		m.writeSlowly(c, []byte(validRequest(body)))
	case m.kind >= 10 && m.kind < 18:
		m.writeSlowly(c, m.hello)
	}
	io.Copy(io.Discard, c)
}

func (m crowdClient) writeSlowly(c net.Conn, b []byte) {
	for i := range b {
		if _, err := c.Write(b[i : i+1]); err != nil {
			return
		}
		m.actions.Add(1)
		time.Sleep(time.Second)
	}
}

// BenchmarkBesideCrowd measures valid calls over TLS, one every two milliseconds: alone; beside
// 10,000 idle or slow connections; and beside as many that are closed as they would be, and connect
// again at once. It reports the 50th and 99th percentile and the memory. The crowd runs on the same
// machine with nice(1), if there is one, so that the server need not wait for a processor. Its
// actions per second are reported as well.
func BenchmarkBesideCrowd(b *testing.B) {
	for _, bench := range []struct {
		name    string
		crowded bool
		stay    time.Duration
	}{{"alone", false, 0}, {"beside", true, time.Hour}, {"again", true, 0}} {
		b.Run(bench.name, func(b *testing.B) { measureBeside(b, bench.crowded, bench.stay) })
	}
}

// measureBeside is one of the benchmarks. stay is the crowd's timeout for handshakes and first
// bytes.
func measureBeside(b *testing.B, crowded bool, stay time.Duration) {
	e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	e.Swap(mustLoad(b, policy))
	o := gate.Options{MaxConns: 2*crowdSize + 1000, Handshake: stay, FirstBytes: stay, Read: stay}
	var client *tls.Config
	o.TLS, client = tlsConfigs(b)
	g, err := gate.New(e, o)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- g.Serve(l) }()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, validRequest(body)) // so that its address is trusted
	if _, err := c.Read(make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
	told := func() {}
	if crowded {
		m := startCrowd(b, l.Addr().String())
		defer m.stop()
		before, start := m.actions(b), time.Now()
		told = func() { b.ReportMetric(float64(m.actions(b)-before)/time.Since(start).Seconds(), "acts/s") }
	}
	measureCalls(b, l.Addr().String(), client)
	told()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MB")
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	g.Shutdown(ctx) // the crowd is still connected
	<-served
}

// crowdProcess is the client process.
type crowdProcess struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Scanner
}

// startCrowd starts the process, and waits until all clients have arrived.
func startCrowd(b *testing.B, addr string) *crowdProcess {
	args := []string{os.Args[0], "-test.run", "^TestCrowdMember$"}
	if nice, err := exec.LookPath("nice"); err == nil {
		args = append([]string{nice, "-n", "10"}, args...)
	}
	m := &crowdProcess{cmd: exec.Command(args[0], args[1:]...)}
	m.cmd.Env = append(os.Environ(), crowdAddrEnv+"="+addr)
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	m.stdout = bufio.NewScanner(out)
	if err := m.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	m.readActions(b)
	return m
}

// actions returns the number of actions of all clients so far.
func (m *crowdProcess) actions(b *testing.B) int {
	io.WriteString(m.stdin, "\n")
	return m.readActions(b)
}

func (m *crowdProcess) readActions(b *testing.B) int {
	for m.stdout.Scan() {
		if text, ok := strings.CutPrefix(m.stdout.Text(), "acts "); ok {
			n, _ := strconv.Atoi(text)
			return n
		}
	}
	b.Fatal("the crowd is gone")
	return 0
}

// stop ends the process.
func (m *crowdProcess) stop() {
	m.stdin.Close()
	for m.stdout.Scan() {
	}
	m.cmd.Wait()
}

// measureCalls sends calls, each with a new eventId, and reports their times.
func measureCalls(b *testing.B, addr string, client *tls.Config) {
	c, err := tls.Dial("tcp", addr, client)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r, took := bufio.NewReader(c), make([]time.Duration, 0, b.N)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		<-tick.C
		text := validRequest(strings.Replace(body, `{"eventType"`, `{"eventId":"`+strconv.Itoa(i)+`","eventType"`, 1))
		start := time.Now()
		io.WriteString(c, text)
		line, err := r.ReadString('\n')
		took = append(took, time.Since(start))
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
			b.Fatalf("%q %v", line, err)
		}
		for length := 0; ; { // the rest of the answer
			line, err := r.ReadString('\n')
			if err != nil {
				b.Fatal(err)
			}
			if text, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(text))
			}
			if line == "\r\n" {
				r.Discard(length)
				break
			}
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
