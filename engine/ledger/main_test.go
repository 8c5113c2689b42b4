package ledger_test

import (
	"os"
	"testing"
)

const (
	rounds = "TENTERHOOK_CRASH_ROUNDS" // how many rounds the crash tests play; a few when it is not set
	worker = "TENTERHOOK_LEDGER_WORKER"
)

// TestMain is the crash tests' worker, too: the same binary, started again with a ledger to work on.
func TestMain(m *testing.M) {
	if path := os.Getenv(worker); path != "" {
		os.Exit(work(path))
	}
	os.Exit(m.Run())
}

func work(path string) int { return 0 }
