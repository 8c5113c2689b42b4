// Package admin serves the operator's API: health, metrics, status, modules and events.
//
// It has a listener of its own. The hooks' listener serves none of it, and everything under /v1
// needs a token.
//
// Files by subject:
//
//	admin.go         Options, Admin, routes, response headers
//	host.go          host names of the listener (DNS rebinding)
//	connlimit.go     limit of connections
//	framing.go       rejects requests with ambiguous framing
//	token.go         tokens: file, authorization of requests
//	tokenlimit.go    limit and log of wrong tokens
//	audit.go         audit log of changes
//	v1.go            status and check
//	modules.go       list, upload and delete modules
//	events.go        list, redrive and drop events; describe.go adds details for people
//
// Read admin.go, token.go and v1.go in this order.
package admin
