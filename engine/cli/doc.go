// Package cli is the command line: commands, flags, settings, output and exit codes.
//
// Files by subject, in reading order:
//
//	cli.go              Program, root command, completion, errors and exit codes
//
// Write rules:
//
//	check.go            check: problems and costs of a policy folder
//	test_run.go         test: tests of a policy folder, also after each change
//	run.go              run: decide one call
//	explain.go          run --explain: outcomes of rules, values of conditions
//	callinput.go        the call of run and send: samples, files, --set
//	functions.go        functions: the reference of expression functions
//
// Serve and call hooks:
//
//	serve.go            serve: flags, and opening all parts of the server
//	serve_run.go        running the server: banner, signals, shutdown
//	serve_settings.go   flags from the environment and the configuration file
//	listener.go         the hooks' listener: TLS, proxies, allowed addresses, limits
//	openfiles_unix.go   the system's limit on open files
//	datadir.go          data directory, cache directory, random key
//	asyncwriter.go      the non-blocking log writer
//	send.go             send: call a hook as Okta does
//	send_report.go      its output and the verification challenge
//	doctor.go           doctor: examine a URL, print what to enter in Okta
//
// Operate a server:
//
//	ledger_client.go    access to a ledger: directly, or through its server
//	events.go           events: list, show, redrive, drop
//	ledger.go           ledger: statistics, check, repair, export
//	module.go           module inspect, and the module runtime
//	module_push.go      module push, list, delete
//	audit.go            audit: print and verify the audit log
//	secret.go           secret new
//	escape.go           untrusted text for terminals
//
// Tests: script_test.go runs the stories of testdata/script; e2e_test.go builds the program and
// calls it.
package cli
