package admin

import (
	"net"
	"net/http"

	"github.com/tenterhook/tenterhook/engine/audit"
)

// auditResult records a request and its result in the audit log.
func (a *Admin) auditResult(by string, next http.HandlerFunc) http.HandlerFunc {
	if a.o.Audit == nil {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) {
		seen := &statusRecorder{ResponseWriter: w}
		defer func() { a.writeAudit(newAct(by, r, seen.status)) }() // also after a panic, which may have changed something
		next(seen, r)
	}
}

// auditFirst records the begin of a request, and rejects a request that cannot be recorded.
func (a *Admin) auditFirst(by string, next http.HandlerFunc) http.HandlerFunc {
	if a.o.Audit == nil {
		return next
	}
	ended := a.auditResult(by, next)
	return func(w http.ResponseWriter, r *http.Request) {
		begin := newAct(by, r, 0)
		begin.Outcome = "begun"
		if !a.writeAudit(begin) {
			writeText(w, http.StatusServiceUnavailable, "nothing was changed, because the audit log cannot be written; see the log\n")
			return
		}
		ended(w, r)
	}
}

// newAct is a request with the status of its answer, 0 without one.
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
		a.o.Log.Error("write the audit log", "act", act.Act, "from", act.From, "outcome", act.Outcome, "error", err)
	}
	return err == nil
}

// statusRecorder records the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader records the status.
func (o *statusRecorder) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write implies status 200.
func (o *statusRecorder) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return o.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (o *statusRecorder) Unwrap() http.ResponseWriter { return o.ResponseWriter }
