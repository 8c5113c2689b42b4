// A guest for the tests: an ordinary Go program that speaks the convention without the SDK.
package main

import (
	crand "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"
	"unsafe"
)

var (
	input, output []byte
	calls         int
	limit         = struct{ Most int }{10}
)

func main() {}

//go:wasmexport tenterhook_abi_v1
func mark() {}

//go:wasmexport alloc
func alloc(size uint32) uint32 {
	input = make([]byte, size)
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(input))))
}

//go:wasmexport configure
func configure(ptr, size uint32) uint32 {
	if err := json.Unmarshal(input[:size], &limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

//go:wasmexport evaluate
func evaluate(ptr, size uint32) uint64 {
	var call struct {
		Data struct {
			Do          string
			UserProfile map[string]any
		}
	}
	if err := json.Unmarshal(input[:size], &call); err != nil {
		panic(err)
	}
	calls++
	debug := map[string]any{"calls": calls, "email": call.Data.UserProfile["email"], "most": limit.Most}
	switch call.Data.Do {
	case "loop":
		for {
		}
	case "panic":
		panic("on purpose")
	case "exit":
		os.Exit(3)
	case "hoard":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
		}
	case "recurse":
		debug["deep"] = recurse(1 << 30)
	case "world":
		world(debug)
	}
	output, _ = json.Marshal(map[string]any{"debugContext": debug})
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(output))))<<32 | uint64(len(output))
}

func recurse(n int) int {
	if n == 0 {
		return 0
	}
	return recurse(n-1) + 1
}

// world tries everything that a program expects of its environment.
func world(debug map[string]any) {
	random := make([]byte, 8)
	crand.Read(random)
	debug["random"] = hex.EncodeToString(random)
	debug["now"] = time.Now().UTC()
	start := time.Now()
	time.Sleep(3 * time.Second)
	debug["slept"] = time.Since(start).Round(time.Second).String()
	fmt.Println("to the log")
	fmt.Fprint(os.Stderr, "and this")
	debug["args"], debug["env"] = len(os.Args), len(os.Environ())
	_, err := os.ReadFile("/etc/passwd")
	debug["file"] = err != nil
	_, err = net.Dial("tcp", "127.0.0.1:80")
	debug["net"] = err != nil
	n, err := os.Stdin.Read(random)
	debug["stdin"] = fmt.Sprint(n, err)
	done := make(chan int)
	go func() { done <- 1 }()
	debug["goroutine"] = <-done
}
