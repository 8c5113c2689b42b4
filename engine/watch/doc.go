// Package watch keeps an engine on the newest valid Set of a policy folder.
//
// It combines three sources, because each has gaps: the system's notifications (fast, but lost on
// network file systems, on overflow, and when a directory is replaced), stat of the tree (cheap,
// but blind to an edit that keeps size and time), and the content itself (exact, and read as often
// as it is cheap).
//
// Files by subject:
//
//	watch.go        Options, Watcher: Open, Run, load a state, swap or reject
//	readstable.go   reads the folder until it stops changing
//	pacer.go        when to read without a notification
//	notifier.go     notifications of the system
//	secretfile.go   files outside the folder that policies name
//	foldertests.go  tests that a folder must pass
//	lastgood.go     last good copy in the data directory
//	change.go       uploads and deletes a module; candidate.go evaluates it
//	uploads.go      set of uploads and its store
//	modules.go      list of modules and the rules that run them
//	status.go       Status
//
// Read watch.go, readstable.go and change.go in this order.
package watch
