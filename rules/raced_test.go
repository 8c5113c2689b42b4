//go:build race

package rules_test

// raced: the race detector makes pools forget, so allocations say nothing.
const raced = true
