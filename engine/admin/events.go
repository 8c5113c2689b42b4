package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// ErrQuery is the error of Events for an invalid query.
var ErrQuery = errors.New("invalid query")

// ErrNoEntry is the error of Events for an unknown id.
var ErrNoEntry = errors.New("no such entry")

// Events lists and changes events of a ledger: over HTTP, or from the command line without a
// server.
type Events struct {
	Ledger *ledger.Ledger
	Wake   func(destinations ...string) // retries paused destinations at once; nil: this process delivers nothing
}

// Affected is the answer of Redrive and Drop.
type Affected struct {
	Count int `json:"count"`
}

const (
	pageSize = 100  // default limit of a list
	maxPage  = 1000 // at most
)

// List returns a page of entries. The query may have id (more than once), hook, destination, state,
// key, after and before (RFC 3339, or a duration that goes back from now), limit, and from: next of
// the page before.
func (e Events) List(q url.Values) (Page, error) {
	f, err := parseFilter(q)
	if err != nil {
		return Page{}, err
	}
	limit := pageSize
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return Page{}, fmt.Errorf("%w: want limit from 1 to %d", ErrQuery, maxPage)
		}
	}
	if _, err := e.destinationsOf(f.IDs); err != nil {
		return Page{}, err
	}
	page, err := e.Ledger.List(f, q.Get("from"), limit)
	if err != nil {
		return Page{}, err
	}
	return e.describe(page)
}

// destinationsOf returns the destinations of the entries with these ids. An unknown id is an error.
func (e Events) destinationsOf(ids []ledger.EntryID) (destinations []string, err error) {
	missing := make(map[ledger.EntryID]bool)
	for _, id := range ids {
		missing[id] = true
	}
	for from := ""; len(ids) > 0; {
		page, err := e.Ledger.List(ledger.Filter{IDs: ids}, from, maxPage)
		if err != nil {
			return nil, err
		}
		for _, entry := range page.Entries {
			delete(missing, entry.ID)
			for _, s := range entry.Steps {
				destinations = append(destinations, s.Destination)
			}
		}
		if from = page.Next; from == "" {
			break
		}
	}
	for _, id := range ids {
		if missing[id] {
			return nil, fmt.Errorf("%w: %q", ErrNoEntry, id)
		}
	}
	return destinations, nil
}

// Redrive retries the selected entries at once and closes the breakers of their destinations. A
// query without ids or filter must have all=true.
func (e Events) Redrive(ctx context.Context, q url.Values) (Affected, error) {
	f, destinations, err := e.parseSelection(q)
	if err != nil {
		return Affected{}, err
	}
	n, err := e.Ledger.Redrive(ctx, f)
	if err == nil && e.Wake != nil {
		e.Wake(destinations...)
	}
	return Affected{n}, err
}

// Drop drops the selected entries. A query without ids or filter must have all=true.
func (e Events) Drop(ctx context.Context, q url.Values) (Affected, error) {
	f, _, err := e.parseSelection(q)
	if err != nil {
		return Affected{}, err
	}
	n, err := e.Ledger.Drop(ctx, f)
	return Affected{n}, err
}

// parseSelection returns the filter of a change and the destinations it concerns; none means all.
func (e Events) parseSelection(q url.Values) (f ledger.Filter, destinations []string, err error) {
	if f, err = parseFilter(q); err != nil {
		return f, nil, err
	}
	all := q.Get("all") == "true"
	switch {
	case q.Has("limit") || q.Has("from"):
		return f, nil, fmt.Errorf("%w: want neither limit nor from: they are for lists", ErrQuery)
	case !all && reflect.DeepEqual(f, ledger.Filter{}):
		return f, nil, fmt.Errorf("%w: want ids or a filter, or all=true (--all) for every entry", ErrQuery)
	}
	if destinations, err = e.destinationsOf(f.IDs); f.Destination != "" {
		destinations = []string{f.Destination}
	}
	return f, destinations, err
}

// parseFilter reads the filter of a query.
func parseFilter(q url.Values) (f ledger.Filter, err error) {
	for name, values := range q {
		if len(values) > 1 && name != "id" {
			return f, fmt.Errorf("%w: want %s once", ErrQuery, name)
		}
		switch name {
		case "id", "hook", "destination", "state", "key", "after", "before", "limit", "from", "all":
		default:
			return f, fmt.Errorf("%w: want id, hook, destination, state, key, after or before, got %q", ErrQuery, name)
		}
	}
	f = ledger.Filter{Hook: q.Get("hook"), Destination: q.Get("destination"), State: ledger.State(q.Get("state")), Key: q.Get("key")}
	for _, id := range q["id"] {
		f.IDs = append(f.IDs, ledger.EntryID(id))
	}
	switch f.State {
	case "", ledger.Recorded, ledger.Waiting, ledger.Finished, ledger.Dropped, ledger.Dead:
	default:
		return f, fmt.Errorf("%w: want state recorded, waiting, finished, dropped or dead", ErrQuery)
	}
	if f.After, err = parseTime(q.Get("after")); err != nil {
		return f, err
	}
	f.Before, err = parseTime(q.Get("before"))
	return f, err
}

// parseTime parses a time, or a duration before now.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%w: want a time like 2026-05-04T03:02:01Z or a duration like 90m", ErrQuery)
	}
	return at, nil
}

func (a *Admin) eventRoutes(m *http.ServeMux) {
	if a.o.Ledger == nil {
		return
	}
	e := Events{Ledger: a.o.Ledger, Wake: a.o.Engine.Wake}
	m.Handle("GET /v1/ledger", a.requireRead(func(w http.ResponseWriter, _ *http.Request) { a.answer(w, http.StatusOK, e.Ledger.Stats()) }))
	m.Handle("GET /v1/events", a.requireRead(func(w http.ResponseWriter, r *http.Request) {
		page, err := e.List(r.URL.Query())
		a.answerEvents(w, page, err)
	}))
	m.Handle("GET /v1/events/{id}", a.requireRead(func(w http.ResponseWriter, r *http.Request) {
		entry, err := e.Show(ledger.EntryID(r.PathValue("id")))
		a.answerEvents(w, entry, err)
	}))
	m.Handle("POST /v1/events/redrive", a.requirePublish(func(w http.ResponseWriter, r *http.Request) {
		affected, err := e.Redrive(r.Context(), r.URL.Query())
		a.answerEvents(w, affected, err)
	}))
	m.Handle("POST /v1/events/drop", a.requirePublish(func(w http.ResponseWriter, r *http.Request) {
		affected, err := e.Drop(r.Context(), r.URL.Query())
		a.answerEvents(w, affected, err)
	}))
}

// answerEvents answers with v or the error.
func (a *Admin) answerEvents(w http.ResponseWriter, v any, err error) {
	switch {
	case err == nil:
		a.answer(w, http.StatusOK, v)
	case errors.Is(err, ErrQuery):
		writeText(w, http.StatusBadRequest, err.Error()+"\n")
	case errors.Is(err, ErrNoEntry):
		writeText(w, http.StatusNotFound, err.Error()+"\n")
	case errors.Is(err, ledger.ErrGone):
		writeText(w, http.StatusNotFound, "there is no such event\n")
	default:
		a.o.Log.Error("read the ledger", "error", err)
		writeText(w, http.StatusServiceUnavailable, "the ledger failed; see the log\n")
	}
}
