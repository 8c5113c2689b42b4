package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// MaxModule is the size of the largest module that is taken, in bytes.
var MaxModule = int64(meter.DefaultLimits.Bytes)

// How long an upload may take to come in, how long it waits for its turn, and how long it may take from then on. It has its turn once it
// is in: who is slow holds up nobody but another whose body is not in.
const (
	bodyTimeout   = 20 * time.Second
	queueTimeout  = time.Minute
	changeTimeout = 2 * time.Minute
)

// maxBodies is how many uploads are held at the same time.
const maxBodies = 2

// Modules is what GET /v1/modules answers.
type Modules struct {
	Modules []watch.Module `json:"modules"`
}

func (a *Admin) moduleRoutes(m *http.ServeMux) {
	m.Handle("GET /v1/modules", a.requireRead(func(w http.ResponseWriter, _ *http.Request) {
		a.answer(w, http.StatusOK, Modules{append([]watch.Module{}, a.o.Watch.Status().Modules...)})
	}))
	m.Handle("GET /v1/modules/{name}", a.requireRead(a.showModule))
	m.Handle("GET /v1/modules/{name}/code", a.requirePublish(a.moduleCode))
	m.Handle("PUT /v1/modules/{name}", a.requirePublish(a.putModule))
	m.Handle("DELETE /v1/modules/{name}", a.requirePublish(a.deleteModule))
}

// modulePath is where the only requests go that may have a large body.
const modulePath = "/v1/modules/"

// moduleCode answers with an uploaded module's code. It needs the publish token, because a module can
// contain secrets.
func (a *Admin) moduleCode(w http.ResponseWriter, r *http.Request) {
	uploads, err := a.o.Watch.WithUploads(rules.NewFolder(map[string][]byte{}))
	if err != nil {
		writeText(w, http.StatusConflict, err.Error()+"\n")
		return
	}
	code, ok := uploads.File("modules/" + r.PathValue("name") + ".wasm")
	if !ok {
		writeText(w, http.StatusNotFound, "no module of that name was uploaded\n")
		return
	}
	w.Header().Set("Content-Type", "application/wasm")
	w.Write(code)
}

func (a *Admin) showModule(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	all := a.o.Watch.Status().Modules
	i := slices.IndexFunc(all, func(m watch.Module) bool { return m.Name == name && name != "" })
	if i < 0 {
		writeText(w, http.StatusNotFound, "there is no such module\n")
		return
	}
	w.Header().Set("ETag", entityTag(all[i].SHA256))
	a.answer(w, http.StatusOK, all[i])
}

// putModule reads an upload and has it judged. Its name, its length and its conditions are looked at before its body is, and few bodies
// are held at a time.
func (a *Admin) putModule(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close") // until the body is in: nobody waits for the rest of one that is not read
	c := watch.Change{Name: r.PathValue("name")}
	if !watch.ModuleName(c.Name) {
		writeText(w, http.StatusBadRequest, watch.ErrModuleName.Error()+"\n")
		return
	}
	if r.ContentLength > MaxModule {
		tooLarge(w)
		return
	}
	var ok bool
	if c.If, ok = a.parseCondition(w, r); !ok {
		return
	}
	if !a.acquire(w, r, a.bodySlots) {
		return
	}
	defer func() { <-a.bodySlots }()
	if c.Code, ok = readBody(w, r); !ok {
		return
	}
	if want := r.URL.Query().Get("sha256"); want != "" && want != watch.Hash(c.Code) {
		writeText(w, http.StatusUnprocessableEntity, "this is not the module of that sha256: it was damaged on its way, or another was meant\n")
		return
	}
	if !a.acquire(w, r, a.changeSlot) {
		return
	}
	defer func() { <-a.changeSlot }()
	done, err := a.o.Watch.Change(r.Context(), c)
	a.answerChange(w, c.Name, done, err)
}

func (a *Admin) deleteModule(w http.ResponseWriter, r *http.Request) {
	may, ok := a.parseCondition(w, r)
	if !ok {
		return
	}
	if !a.acquire(w, r, a.changeSlot) {
		return
	}
	defer func() { <-a.changeSlot }()
	c := watch.Change{Name: r.PathValue("name"), If: may}
	done, err := a.o.Watch.Change(r.Context(), c)
	a.answerChange(w, c.Name, done, err)
}

// acquire waits until there is room for one more change of a module, and then gives this one the time that it takes.
func (a *Admin) acquire(w http.ResponseWriter, r *http.Request, room chan struct{}) bool {
	extendDeadlines(w)
	ctx, cancel := context.WithTimeout(r.Context(), queueTimeout)
	defer cancel()
	select {
	case room <- struct{}{}:
		extendDeadlines(w)
		return true
	case <-ctx.Done():
		w.Header().Set("Retry-After", "5")
		writeText(w, http.StatusTooManyRequests, "other modules are being judged\n")
		return false
	}
}

func tooLarge(w http.ResponseWriter) {
	writeText(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("want a module of at most %d bytes\n", MaxModule))
}

// extendDeadlines gives the request the time that judging takes. A connection that cannot be given more keeps what it has.
func extendDeadlines(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	now := time.Now()
	c.SetReadDeadline(now.Add(changeTimeout)) // when it passes, the request counts as given up
	c.SetWriteDeadline(now.Add(changeTimeout))
}

// readBody reads the body.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	code, err := io.ReadAll(r.Body)
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case large:
		tooLarge(w)
	case err != nil:
		writeText(w, http.StatusBadRequest, "the module did not come in whole\n")
	case len(code) == 0:
		writeText(w, http.StatusBadRequest, "want the module as the body\n")
	default:
		keepAlive(w)
		return code, true
	}
	return nil, false
}

var entityTagPattern = regexp.MustCompile(`^"[0-9a-f]{64}"$`)

func entityTag(hash string) string { return `"` + hash + `"` }

// parseCondition reads If-Match and If-None-Match, for which a module's SHA-256 is its tag; nil is no condition.
func (a *Admin) parseCondition(w http.ResponseWriter, r *http.Request) (may func(string) bool, ok bool) {
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case match == "" && none == "":
		return nil, true
	case none == "*" && match == "":
		return func(hash string) bool { return hash == "" }, true
	case match == "*" && none == "":
		return func(hash string) bool { return hash != "" }, true
	case entityTagPattern.MatchString(match) && none == "":
		return func(hash string) bool { return entityTag(hash) == match }, true
	}
	writeText(w, http.StatusBadRequest, "want If-Match: \"SHA-256 in hex\" or *, or If-None-Match: *\n")
	return nil, false
}

// answerChange answers a change, by the one table from its errors to a status.
func (a *Admin) answerChange(w http.ResponseWriter, name string, done watch.ChangeResult, err error) {
	refusal, refused := errors.AsType[*watch.Rejection](err)
	switch {
	case err == nil:
		if done.SHA256 != "" {
			w.Header().Set("ETag", entityTag(done.SHA256))
		}
		a.answer(w, http.StatusOK, done)
	case refused:
		a.o.Log.Warn("an uploaded module was rejected; the live policy stays", "module", name, "error", refusal)
		a.answer(w, http.StatusUnprocessableEntity, refusal)
	case errors.Is(err, watch.ErrModuleName):
		writeText(w, http.StatusBadRequest, err.Error()+"\n")
	case errors.Is(err, watch.ErrNoUpload):
		writeText(w, http.StatusNotFound, err.Error()+"\n")
	case errors.Is(err, watch.ErrReferenced):
		writeText(w, http.StatusConflict, err.Error()+"\n")
	case errors.Is(err, watch.ErrChanged):
		writeText(w, http.StatusPreconditionFailed, err.Error()+"\n")
	case errors.Is(err, watch.ErrNoUploads):
		writeText(w, http.StatusNotImplemented, err.Error()+"\n")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		writeText(w, http.StatusServiceUnavailable, "the module was not judged in time; what was live stays\n")
	default:
		a.o.Log.Error("change an uploaded module", "error", err)
		writeText(w, http.StatusInternalServerError, "the module cannot be kept; the log says why\n")
	}
}

// bodyLimit is how much a request may send.
func bodyLimit(r *http.Request) int64 {
	if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, modulePath) {
		return MaxModule
	}
	return 64 << 10
}
