// Package engine is for deciding each hook call once, under the live Set of rules, and for
// recording each event once.
//
// Sets:
//
//	engine.go        Engine: New, Swap, Close, Answer
//	lease.go         Lease: keeps a Set open during a call
//	closing.go       closing of Sets without calls
//	org.go           limits of concurrent calls per org
//
// Calls:
//
//	hook.go          Hook.Answer: limits, single flight, outcome
//	replaycache.go   replay cache: answers of repeated calls
//	accept.go        Hook.Accept: records deliveries of event hooks
//	actions.go       actions for dispatch, decisions of events
//
// Counters and logs:
//
//	stats.go         counters of a hook and its rules
//	modulestats.go   counters of modules
//	callerstats.go   counters of secrets and rejected callers
//	rulenames.go     names of matched rules for the access log
//	metrics.go       Prometheus collector
//	ledgermetrics.go Prometheus collector of the ledger
//	status.go        Status for the admin API
//	decisionlog.go   log lines about rules, rate-limited
//
// Read engine.go, lease.go, hook.go, replaycache.go first.
package engine
