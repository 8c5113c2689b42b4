package wasm

import "syscall"

// setResourceLimits has the kernel enforce the child's limits. Go reserves more address space than
// it uses, so the limit for mapped memory is far above the limit for used memory. Under the race
// detector, which maps terabytes, it is not set.
func setResourceLimits() {
	const reserved = 4 << 30
	if !raceEnabled {
		syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: reserved, Max: reserved})
	}
	syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: maxCompileCPU, Max: maxCompileCPU + 1})
	syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 32, Max: 32})
}
