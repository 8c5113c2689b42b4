// Package ledger makes deliveries, planned actions and their outcomes survive a crash.
//
// It is one bbolt file of rows that are appended and never changed. One goroutine, the committer, puts
// all waiting requests into one transaction. An Accept that returns nil is on the disk. On a full disk
// work is refused until there is space; any other failed commit stops the ledger: later calls get
// ErrBroken until it is opened again. Opening verifies every row first.
//
// Files by subject:
//
//	contract.go     types and errors that the rest of the program uses, and the rules of the seam
//	entry.go        entries as operators see them, filters
//	stats.go        statistics
//	ledger.go       Options, Ledger, Open and Close, the queue of requests
//	committer.go    batches, failures of commits and the way back from a full disk
//	commit.go       one transaction: rows, ids, outcomes, state
//	preallocate.go  the length of the file, the cap, the space of each class of requests
//	maintain.go     expired slots
//	accept.go       deliveries, and ids of inline calls
//	plan.go         plans and outcomes of steps
//	claim.go        Claim, Take and their waiting; reading of rows
//	backlog.go      open work in memory
//	deadletter.go   dead letters
//	redrive.go      Redrive and Drop
//	list.go         List, Show and Export; window.go the part of a slot that is in memory
//	slot.go         slots, positions, the state row, known ids; index.go maps fingerprints to ids
//	row.go          form of a row; rowbody.go the body of each kind
//	load.go         creating and opening the file
//	identity.go     the file beside the ledger
//	audit.go        verification of a whole file, by ledger/pages
//	repair.go       Check and Repair; salvage.go finds rows in a damaged file
//	pagecache.go, sparse_unix.go and their _other.go: system calls on the file
//
// Read contract.go, ledger.go, committer.go and commit.go first; then slot.go and row.go; then any
// operation: accept.go is the simplest.
package ledger
