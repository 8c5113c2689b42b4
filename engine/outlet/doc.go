// Package outlet delivers steps to destinations, each with its own limits and breaker.
//
// A destination is an HTTP endpoint, a file of JSON lines, or standard output. Deliver makes one
// attempt and returns its Result; queues, waiting and dead letters are the caller's. Destinations
// share neither connections nor slots, so one that stalls does not delay another.
//
// Errors and log lines never quote a URL, a header, a body or an answer: all of these may hold
// secrets. Errors consist of fixed texts, numbers, addresses and the system's errors. net/http can
// write a line with foreign bytes to the standard library's logger; the program silences it.
//
// Package rules/destination has the configuration of a destination and its validation.
//
// Files by subject:
//
//	outlet.go       Options, Outlet: Open, Deliver, Backoff, Close
//	result.go       Step, Result, State, and the sentinel errors
//	receiver.go     one destination: slots, breaker, timeout
//	breaker.go      circuit breaker and Retry-After
//	http.go         carrier for HTTP; status.go interprets its answers
//	address.go      addresses that a destination may connect to
//	lines.go        carrier for lines, with group commit; body.go encodes them
//	file.go         file of JSON lines with rotation and repair
//	safeerror.go    errors without secrets
//
// Read outlet.go, result.go, receiver.go and http.go in this order.
package outlet
