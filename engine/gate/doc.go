// Package gate is for Okta's side of the program: the HTTP server that authenticates, parses and
// answers hook calls. It is the only package that uses fasthttp.
//
// A call is authenticated once its head has arrived, before any of its body is read. The connection
// itself parses the head and decides on it. fasthttp then gets a minimal head, enough to read the
// body, or a line that it cannot parse if the request is rejected.
//
// Files by subject:
//
//   - gate.go: Options, Gate, New, Serve, Shutdown
//   - listener.go, unauthconns.go, address.go: which connections are accepted, which one is closed
//     to make room, which addresses may call
//   - conn.go, handshake.go, handshakelimit.go: a connection's timeouts, PROXY header and TLS
//   - requestread.go, frame.go, head.go, headerbytes.go: from bytes to one strict request at a time
//   - admit.go, auth.go, misdirected.go, bodymem.go: whether a head is admitted, credentials, log lines
//     about right secrets with a wrong URL, memory for the body
//   - call.go, event.go, org.go, probe.go: answering a call, a delivery, a verification, a health check
//   - reject.go, journal.go: reasons with their statuses and metrics, the access log
//
// Read gate.go, then follow one call: listener.Accept → conn.Handshake → conn.Read →
// conn.admitRequest → conn.checkHead → Gate.authenticate → head.appendMinimal → fasthttp reads the
// body through conn.Read → Gate.serve → Gate.answer → engine.Hook.Answer → Gate.logCall →
// conn.endRequest.
package gate
