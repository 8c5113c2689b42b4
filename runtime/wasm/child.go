package wasm

import (
	"context"
	"fmt"
	"io"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"time"
)

// childName is what the compile child is called by: its first argument, where a program finds its own name.
const childName = "tenterhook: compile a module"

// What the child exits with, beside 0.
const (
	exitRefused = 3 + iota // the module does not compile; stderr says why
	exitMemory
	exitTime
)

// Main does the work of a compile child and exits, when this process is one: main and the mains of tests call it first.
// Otherwise it returns at once.
func Main() {
	if len(os.Args) != 2 || os.Args[0] != childName {
		return
	}
	debug.SetMemoryLimit(compileMemory * 3 / 4)
	confine()
	go watch()
	code, err := io.ReadAll(os.Stdin)
	if err == nil {
		_, err = compiled(context.Background(), os.Args[1], code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitRefused)
	}
	os.Exit(0)
}

// watch ends the child when it takes too long or too much. Nobody waits for it: it ends with the process, and so does
// the child of a server that was killed.
func watch() {
	start := time.Now()
	for range time.Tick(20 * time.Millisecond) {
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		if m.Sys-m.HeapReleased > compileMemory {
			os.Exit(exitMemory)
		}
		if time.Since(start) > compileTime {
			os.Exit(exitTime)
		}
	}
}
