// Package wasm is for rules that are WebAssembly modules: it judges them, compiles them, and keeps the runtime's promise
// for them.
package wasm
