package admin

import (
	"net"
	"net/http"

	"github.com/tenterhook/tenterhook/engine/audit"
)

// auditResult writes each request that may change something into the audit log, with what came of it.
func (a *Admin) auditResult(by string, next http.HandlerFunc) http.HandlerFunc {
	if a.o.Audit == nil {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) {
		seen := &statusRecorder{ResponseWriter: w}
		defer func() { a.writeAudit(newAct(by, r, seen.status)) }() // a handler that panics has done something, too
		next(seen, r)
	}
}

// auditFirst writes into the audit log that a request is begun, and lets nothing be done that cannot be recorded.
func (a *Admin) auditFirst(by string, next http.HandlerFunc) http.HandlerFunc {
	if a.o.Audit == nil {
		return next
	}
	ended := a.auditResult(by, next)
	return func(w http.ResponseWriter, r *http.Request) {
		begun := newAct(by, r, 0)
		begun.Outcome = "begun"
		if !a.writeAudit(begun) {
			writeText(w, http.StatusServiceUnavailable, "this cannot be recorded in the audit log, so nothing is done; the log says why\n")
			return
		}
		ended(w, r)
	}
}

// newAct is a request that was answered with a status; 0 when it was not.
func newAct(by string, r *http.Request, status int) audit.Act {
	act := audit.Act{Act: r.Method + " " + r.URL.EscapedPath(), By: by, Subject: r.URL.RawQuery, Outcome: "ok"}
	act.From, _, _ = net.SplitHostPort(r.RemoteAddr)
	switch {
	case status == 0 || status >= 500:
		act.Outcome = "failed"
	case status >= 400:
		act.Outcome = "refused"
	}
	act.Detail = http.StatusText(status)
	return act
}

func (a *Admin) writeAudit(act audit.Act) bool {
	err := a.o.Audit.Write(act)
	if err != nil {
		a.o.Log.Error("an act could not be recorded", "act", act.Act, "from", act.From, "outcome", act.Outcome, "error", err)
	}
	return err == nil
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (o *statusRecorder) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write answers with 200 where nothing was said.
func (o *statusRecorder) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return o.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (o *statusRecorder) Unwrap() http.ResponseWriter { return o.ResponseWriter }
