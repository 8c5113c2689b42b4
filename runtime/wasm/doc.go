// Package wasm runs rules that are WebAssembly modules: it validates, compiles and pools them.
//
// It keeps the runtime's promise for hostile modules too. A module stops within its budget, cannot
// block other calls, cannot see an earlier call's state, cannot exceed its memory and cannot make
// the compiler exceed its limits; if it fails, only its own call fails. To this end a module is
// rewritten to count its fuel (package meter), compiled in a child process, and restored to a
// snapshot after each call.
//
// Loading, once per module:
//
//	runtime.go            Runtime: the modules of a process by hash, with reference counts
//	module.go             Module and its Report; the steps from bytes to native code
//	convention.go         which exports and imports a module must have
//	compile.go            native code by wazero
//	compile_cache.go      the folder of compiled modules, sealed by a MAC
//	compile_child.go      the child process that compiles, and its limits
//
// Configuring, once per rule:
//
//	program.go            Program: options, startup budget, sample call, Run
//	program_prepare.go    startup code and configure, up to the frozen state
//	program_pool.go       the pool of instances, and the replenisher that restores them
//
// Running, once per call:
//
//	instance.go           one guest: slices of fuel, traps, passing event and draft
//	semaphore.go          slots: how many guests run at the same time, and which is next
//	snapshot.go           copy of a memory to restore
//	memory.go             linear memory that can shrink
//
// Functions that a guest can call:
//
//	abi.go                the convention: exports, host functions, result codes
//	host_functions.go     the host functions
//	wasi.go, wasi_poll.go WASI preview 1 without access to the host
//	log.go                log lines of a run
//
// Read abi.go first, then Run in program.go, acquire in program_pool.go and yield in instance.go;
// then the loading files from Runtime.Load down.
package wasm
