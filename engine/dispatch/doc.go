// Package dispatch runs event rules after the acknowledgement and delivers the actions of all
// rules.
//
// The rules of an event run once. Their actions are recorded in the ledger as a plan before the
// first delivery. From then on a retry repeats one step of the plan under the same idempotency key,
// and never the rules. Each destination has a lane of its own and waits for no other. After a crash
// the unfinished events and steps are taken from the ledger again.
//
// Files by subject:
//
//	dispatch.go     Options, Dispatch: start, change of destinations, close
//	events.go       claims events, runs their rules, records their plans
//	rerun.go        repeats rules that failed, or whose hook was missing
//	inline.go       queue of inline calls' actions on their way into the ledger
//	step.go         actions to ledger steps to outlet steps, idempotency keys
//	lane.go         the worker of one destination: take steps, attempt, pause
//	outcome.go      the result of an attempt, and its record in the ledger
//	wake.go         attempts at paused destinations on an operator's request
//	status.go       state of each lane
//	metrics.go      Prometheus metrics
//
// Read dispatch.go, events.go, step.go, lane.go and outcome.go in this order.
package dispatch
