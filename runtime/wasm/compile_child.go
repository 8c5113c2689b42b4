package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	goruntime "runtime"
	"runtime/debug"
	"strings"
	"time"
)

// childArgv0 is argv[0] of a compile child.
const childArgv0 = "tenterhook: compile a module"

// Exit codes of the child besides 0.
const (
	exitRejected = 3 + iota // the module does not compile; stderr has the reason
	exitMemory
	exitTime
)

// RunCompileChild compiles a module and exits if this process is a compile child; otherwise it
// returns at once. The main functions of the server and of tests call it first.
func RunCompileChild() {
	if len(os.Args) != 2 || os.Args[0] != childArgv0 {
		return
	}
	debug.SetMemoryLimit(maxCompileMemory * 3 / 4)
	setResourceLimits()
	go enforceLimits()
	code, err := io.ReadAll(os.Stdin)
	if err == nil {
		_, err = compileNative(context.Background(), os.Args[1], code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitRejected)
	}
	os.Exit(0)
}

// enforceLimits ends the child when it exceeds its time or memory. Its goroutine ends with the
// process, so the child also ends when the server was killed.
func enforceLimits() {
	start := time.Now()
	for range time.Tick(20 * time.Millisecond) {
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		if m.Sys-m.HeapReleased > maxCompileMemory {
			os.Exit(exitMemory)
		}
		if time.Since(start) > maxCompileTime {
			os.Exit(exitTime)
		}
	}
}

// runChild runs the child. It passes the module on standard input and no environment, so no secrets
// of the server.
func (r *Runtime) runChild(ctx context.Context, dir string, code []byte) error {
	limited, cancel := context.WithTimeout(ctx, r.childTimeout)
	defer cancel()
	var says bytes.Buffer
	cmd := exec.CommandContext(limited, r.child)
	cmd.Args = []string{childArgv0, dir}
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(code)
	cmd.Stderr = &limitedBuffer{to: &says}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	said, ended := strings.TrimSpace(says.String()), cmd.ProcessState
	switch {
	case ended == nil && limited.Err() == nil:
		return fmt.Errorf("compile: start a child: %w", err)
	case ended.ExitCode() == exitRejected:
		return errors.New(said)
	case limited.Err() != nil, ended.ExitCode() == exitTime, ended.UserTime()+ended.SystemTime() > maxCompileCPU*time.Second:
		return fmt.Errorf("compile: it takes more than %d s of a processor, or %v", maxCompileCPU, r.childTimeout)
	case ended.ExitCode() == exitMemory, ended.ExitCode() < 0, strings.Contains(said, "out of memory"), strings.Contains(said, "allocate"):
		return fmt.Errorf("compile: it takes more than %d MiB", maxCompileMemory>>20)
	}
	return fmt.Errorf("compile: the child ended with %w: %.500s", err, said)
}

// limitedBuffer keeps the first 4 KiB written to it.
type limitedBuffer struct{ to *bytes.Buffer }

func (c *limitedBuffer) Write(b []byte) (int, error) {
	if room := 4<<10 - c.to.Len(); room > 0 {
		c.to.Write(b[:min(len(b), room)])
	}
	return len(b), nil
}
