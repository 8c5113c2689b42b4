package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/certificate"
	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// Status is the answer of GET /v1/status: the live policy, problems of the folder, and counts.
type Status struct {
	watch.Status
	Ready bool                `json:"ready"`
	Hooks []engine.HookStatus `json:"hooks"`

	Destinations  []dispatch.DestinationStatus `json:"destinations,omitempty"`
	Ledger        *LedgerStatus                `json:"ledger,omitempty"`
	HooksListener *HooksListener               `json:"door,omitempty"`
}

// HooksListener is the state of the hooks' listener.
type HooksListener struct {
	Issuers      []issuer.Status      `json:"issuers,omitempty"`
	Certificates []certificate.Status `json:"certificates,omitempty"`
	Error        string               `json:"error,omitempty"` // of the list of allowed addresses
}

func (a *Admin) hooksListener() *HooksListener {
	if a.o.HooksListener == nil {
		return nil
	}
	d := a.o.HooksListener()
	return &d
}

// LedgerStatus tells whether events can be recorded.
type LedgerStatus struct {
	Broken bool   `json:"broken"`
	Error  string `json:"error,omitempty"` // why it is broken, or low on space
}

func (a *Admin) ledgerStatus() *LedgerStatus {
	switch {
	case a.o.LedgerError != nil:
		return &LedgerStatus{Broken: true, Error: a.o.LedgerError.Error()}
	case a.o.Ledger == nil:
		return nil
	}
	err := a.o.Ledger.Broken()
	s := &LedgerStatus{Broken: err != nil}
	if err := cmp.Or(err, a.o.Ledger.LowSpace()); err != nil {
		s.Error = err.Error()
	}
	return s
}

func (a *Admin) status(w http.ResponseWriter, _ *http.Request) {
	live := a.o.Engine.Status()
	a.answer(w, http.StatusOK, Status{
		Status: a.o.Watch.Status(), Ready: live.Ready, Hooks: live.Hooks, Destinations: live.Destinations, Ledger: a.ledgerStatus(),
		HooksListener: a.hooksListener(),
	})
}

// Check is the answer of POST /v1/check: whether the current folder would go live.
type Check struct {
	OK         bool              `json:"ok"`
	FolderHash string            `json:"folderHash,omitempty"`
	Revision   string            `json:"revision,omitempty"` // of the Set that would go live
	Problems   document.Problems `json:"problems"`           // and warnings
}

func (a *Admin) check(w http.ResponseWriter, _ *http.Request) {
	if !a.checkLock.TryLock() {
		w.Header().Set("Retry-After", "1")
		writeText(w, http.StatusTooManyRequests, "another check is running\n")
		return
	}
	defer a.checkLock.Unlock()
	c, err := a.checkFolder()
	if err != nil {
		a.o.Log.Error("check the policy folder", "error", err)
		writeText(w, http.StatusInternalServerError, "the folder cannot be read; see the log\n")
		return
	}
	a.answer(w, http.StatusOK, c)
}

func (a *Admin) checkFolder() (Check, error) {
	f, err := folder.Read(a.o.Watch.Status().Folder)
	if err != nil {
		return Check{}, err
	}
	c := Check{FolderHash: f.Hash(), Problems: document.Problems{}}
	if f, err = a.o.Watch.WithUploads(f); err != nil {
		c.Problems = append(c.Problems, document.Problem{Message: err.Error()})
		return c, nil
	}
	s, err := rules.Load(f, a.o.Rules)
	if problems, ok := errors.AsType[document.Problems](err); ok {
		c.Problems = problems
		return c, nil
	}
	if err != nil {
		return Check{}, err
	}
	if a.o.Problems != nil {
		c.Problems = append(c.Problems, a.o.Problems(s)...)
	}
	if c.OK = len(c.Problems) == 0; c.OK {
		c.Revision = s.Revision()
	}
	c.Problems = append(c.Problems, s.Warnings()...)
	return c, s.Close()
}

func (a *Admin) answer(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		a.o.Log.Error("encode an answer", "error", err)
		writeText(w, http.StatusInternalServerError, "the answer cannot be encoded; see the log\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // the error concerns a closed connection only
}
