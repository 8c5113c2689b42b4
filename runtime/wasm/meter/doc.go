// Package meter rewrites WebAssembly modules so that the host can stop and reset them.
//
// The rewritten module keeps its fuel in a local of every function, subtracts from it before each
// stretch of code, and calls Yield on its own goroutine when the fuel is used up. Stopping it needs
// no signal, flag or second goroutine. A module spends the same fuel for the same input on every
// machine.
//
//	meter.go                 Rewrite with its options, results, injected names and prices
//	limits.go, rejection.go  maxima of a module, and the reasons to reject it
//	module.go                the decoded module and the order of its sections
//
// The files decode_* read the binary format strictly:
//
//	decode_reader.go         numbers, names, bounds
//	decode_sections.go, decode_segments.go
//	decode_instruction.go    opcodes and their immediates
//
// The files plan_* read function bodies, check indexes and place the charges:
//
//	plan_scan.go             charge points along the control flow
//	plan_instruction.go      checks and price of each instruction
//	plan_stack.go            model of the operand stack, for native frames and moved values
//
// The files emit_* write function bodies:
//
//	emit.go                  charges, and where the fuel is kept
//	emit_calls.go            calls, growth, bulk operations
//	emit_code.go             appending instructions
//	emit_helpers.go          added functions; indexes in the rewritten module
//
// The files write.go and write_names.go write the sections.
//
// Read Rewrite in meter.go, then decode in module.go, planFunctions and write in write.go, and from
// there scanner.function and bodyWriter.function.
package meter
