//go:build race

package rules_test

// raced: pools drop values under the race detector, so allocation counts mean nothing.
const raced = true
