package wasm

import "syscall"

// setResourceLimits has the kernel hold the child to its limits, whatever it does. Much of what Go reserves it never uses, so the
// limit of what is mapped is far above that of what is used; it is not set where there is no telling (a race detector maps
// terabytes).
func setResourceLimits() {
	const reserved = 4 << 30
	if !raceEnabled {
		syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: reserved, Max: reserved})
	}
	syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: maxCompileCPU, Max: maxCompileCPU + 1})
	syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 32, Max: 32})
}
