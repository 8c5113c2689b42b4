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
)

// Status is what GET /v1/status answers: what is live, what is in its way, and what was counted since it is.
type Status struct {
	watch.Status
	Ready bool                `json:"ready"`
	Hooks []engine.HookStatus `json:"hooks"`

	Destinations  []dispatch.DestinationStatus `json:"destinations,omitempty"`
	Ledger        *LedgerStatus                `json:"ledger,omitempty"`
	HooksListener *HooksListener               `json:"door,omitempty"`
}

// HooksListener says how the hooks' listener is guarded.
type HooksListener struct {
	Issuers      []issuer.Status      `json:"issuers,omitempty"`
	Certificates []certificate.Status `json:"certificates,omitempty"`
	Error        string               `json:"error,omitempty"` // why the list of allowed addresses cannot be used as it is
}

func (a *Admin) hooksListener() *HooksListener {
	if a.o.HooksListener == nil {
		return nil
	}
	d := a.o.HooksListener()
	return &d
}

// LedgerStatus says whether events can be recorded.
type LedgerStatus struct {
	Broken bool   `json:"broken"`
	Error  string `json:"error,omitempty"` // why it is, or why there is little room
}

func (a *Admin) ledgerStatus() *LedgerStatus {
	if a.o.Ledger == nil {
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

// Check is what POST /v1/check answers: whether the folder, as it is now, would go live.
type Check struct {
	OK         bool           `json:"ok"`
	FolderHash string         `json:"folderHash,omitempty"`
	Revision   string         `json:"revision,omitempty"` // of the Set it would be
	Problems   rules.Problems `json:"problems"`           // warnings too
}

func (a *Admin) check(w http.ResponseWriter, _ *http.Request) {
	if !a.checkLock.TryLock() {
		w.Header().Set("Retry-After", "1")
		writeText(w, http.StatusTooManyRequests, "a check is under way\n")
		return
	}
	defer a.checkLock.Unlock()
	c, err := a.checkFolder()
	if err != nil {
		a.o.Log.Error("check the policy folder", "error", err)
		writeText(w, http.StatusInternalServerError, "the folder cannot be read; the log says why\n")
		return
	}
	a.answer(w, http.StatusOK, c)
}

func (a *Admin) checkFolder() (Check, error) {
	f, err := rules.Read(a.o.Watch.Status().Folder)
	if err != nil {
		return Check{}, err
	}
	c := Check{FolderHash: f.Hash(), Problems: rules.Problems{}}
	if f, err = a.o.Watch.WithUploads(f); err != nil {
		c.Problems = append(c.Problems, rules.Problem{Message: err.Error()})
		return c, nil
	}
	s, err := rules.Load(f, a.o.Rules)
	if problems, ok := errors.AsType[rules.Problems](err); ok {
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
		a.o.Log.Error("write an answer", "error", err)
		writeText(w, http.StatusInternalServerError, "the answer cannot be written; the log says why\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // a peer that is gone misses nothing
}
