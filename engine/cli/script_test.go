package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tenterhook/tenterhook/engine/cli"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// TestMain makes the test binary act as the program for scripts, as "tenterhook".
func TestMain(m *testing.M) {
	wasm.RunCompileChild()
	testscript.Main(m, map[string]func(){
		"tenterhook": func() {
			p := cli.Program{Version: "v0.0.0-test", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv}
			os.Exit(p.Main(os.Args[1:]))
		},
	})
}

// TestScripts runs the stories of testdata/script, one for each task of a user. In addition to
// testscript's commands they can use:
//
//	serve ARGS                  start a server in the background, and set HOOKS and ADMIN to its addresses
//	signal NAME                 send it a signal
//	ended CODE                  wait for its end; its output is in serve.out and serve.err
//	eventually PATTERN COMMAND  repeat a command until its output matches
//	exits CODE COMMAND          run a command and compare its exit code
//
// The folder guests has the modules of rules/testdata.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Values[backgroundServerKey{}] = new(backgroundServer)
			return os.CopyFS(filepath.Join(e.WorkDir, "guests"), os.DirFS("../../rules/testdata/modules"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":      scriptServe,
			"signal":     scriptSignal,
			"ended":      scriptEnded,
			"eventually": scriptEventually,
			"exits":      scriptExits,
		},
	})
}

// backgroundServer is a script's server in the background.
type backgroundServer struct {
	*exec.Cmd
	done chan struct{}
}

type backgroundServerKey struct{}

var addressLine = regexp.MustCompile(`(?m)^(hooks|admin) at +(https?://\S+)$`)

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! serve")
	}
	path, err := exec.LookPath("tenterhook")
	ts.Check(err)
	out, err := os.Create(ts.MkAbs("serve.out"))
	ts.Check(err)
	defer out.Close()
	errs, err := os.Create(ts.MkAbs("serve.err"))
	ts.Check(err)
	defer errs.Close()
	s := ts.Value(backgroundServerKey{}).(*backgroundServer)
	s.Cmd = exec.Command(path, append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, args...)...)
	s.Dir, s.Stdout, s.Stderr = ts.MkAbs("."), out, errs
	for _, name := range []string{"PATH", "HOME", "XDG_STATE_HOME", "TENTERHOOK_DIR", "TENTERHOOK_DATA", "TENTERHOOK_CONFIG", "SECRET", "TENTERHOOK_ADMIN_READ_TOKEN", "TENTERHOOK_ADMIN_PUBLISH_TOKEN"} {
		if v := ts.Getenv(name); v != "" {
			s.Env = append(s.Env, name+"="+v)
		}
	}
	ts.Check(s.Start())
	done := make(chan struct{})
	s.done = done
	go func() {
		defer close(done)
		s.Wait()
	}()
	ts.Defer(func() {
		s.Process.Kill() // the script may have ended it
		<-done
	})
	waitFor(ts, "ready", func() bool {
		select {
		case <-s.done:
			ts.Fatalf("serve ended: %v\n%s", s.ProcessState, ts.ReadFile("serve.err"))
		default:
		}
		text := ts.ReadFile("serve.out")
		for _, m := range addressLine.FindAllStringSubmatch(text, -1) {
			ts.Setenv(strings.ToUpper(m[1]), m[2])
		}
		return strings.HasSuffix(text, "ready\n")
	})
}

// waitFor polls a condition that takes a second at most; it allows more on a loaded machine.
func waitFor(ts *testscript.TestScript, what string, is func() bool) {
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("never became %s\n%s", what, ts.ReadFile("serve.err"))
		}
	}
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": os.Interrupt, "KILL": os.Kill}
	if neg || len(args) != 1 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal HUP|TERM|INT|KILL")
	}
	ts.Check(ts.Value(backgroundServerKey{}).(*backgroundServer).Process.Signal(signals[args[0]]))
}

func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ended CODE")
	}
	s := ts.Value(backgroundServerKey{}).(*backgroundServer)
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		ts.Fatalf("the server does not end:\n%s", ts.ReadFile("serve.err"))
	}
	if code := strconv.Itoa(s.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("serve ended with %s, want %s:\n%s", code, args[0], ts.ReadFile("serve.err"))
	}
}

func scriptEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN COMMAND")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	waitFor(ts, args[0], func() bool {
		err := ts.Exec(args[1], args[2:]...)
		return pattern.MatchString(ts.ReadFile("stdout")+ts.ReadFile("stderr")) && err == nil
	})
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}
