//go:build !linux

package wasm

// setResourceLimits leaves the limits to enforceLimits.
func setResourceLimits() {}
