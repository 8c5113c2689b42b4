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

	"github.com/tenterhook/tenterhook/engine/fair"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// MaxModule is the size limit of a module, in bytes.
var MaxModule = int64(meter.DefaultLimits.Bytes)

// Timeouts of an upload: to receive its body, to wait for a slot, and for the change itself. The
// slot of the change is acquired after the body is complete, so a slow client delays only other
// bodies.
const (
	bodyTimeout   = 20 * time.Second
	queueTimeout  = time.Minute
	changeTimeout = 2 * time.Minute
)

// maxBodies is the number of uploads that are in memory at the same time.
const maxBodies = 2

// Modules is the answer of GET /v1/modules.
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

// modulePath is the prefix of requests that may have a large body.
const modulePath = "/v1/modules/"

// moduleCode answers with an uploaded module's code. It needs the publish token, because a module
// can contain secrets.
func (a *Admin) moduleCode(w http.ResponseWriter, r *http.Request) {
	uploads, err := a.o.Watch.WithUploads(folder.New(map[string][]byte{}))
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

// putModule reads an upload and changes the module. It checks the name, length and conditions
// before it reads the body.
func (a *Admin) putModule(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close") // until the body is read: an error does not wait for the rest of it
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
	defer a.bodySlots.Release(1)
	if c.Code, ok = readBody(w, r); !ok {
		return
	}
	if want := r.URL.Query().Get("sha256"); want != "" && want != watch.Hash(c.Code) {
		writeText(w, http.StatusUnprocessableEntity, "the module does not have that sha256: it was damaged in transit, or another one is meant\n")
		return
	}
	if !a.acquire(w, r, a.changeSlot) {
		return
	}
	defer a.changeSlot.Release(1)
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
	defer a.changeSlot.Release(1)
	c := watch.Change{Name: r.PathValue("name"), If: may}
	done, err := a.o.Watch.Change(r.Context(), c)
	a.answerChange(w, c.Name, done, err)
}

// acquire waits for a slot and then extends the deadlines of the request. The caller releases the
// slot if it returns true.
func (a *Admin) acquire(w http.ResponseWriter, r *http.Request, slots *fair.Limiter[struct{}]) bool {
	extendDeadlines(w)
	ctx, cancel := context.WithTimeout(r.Context(), queueTimeout)
	defer cancel()
	if slots.Acquire(ctx, struct{}{}) != nil {
		w.Header().Set("Retry-After", "5")
		writeText(w, http.StatusTooManyRequests, "other modules are being changed: try again later\n")
		return false
	}
	extendDeadlines(w)
	return true
}

func tooLarge(w http.ResponseWriter) {
	writeText(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("want a module of at most %d bytes\n", MaxModule))
}

// extendDeadlines gives the request time for a change. Errors leave the deadlines as they are.
func extendDeadlines(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	now := time.Now()
	c.SetReadDeadline(now.Add(changeTimeout)) // ends the context of the request
	c.SetWriteDeadline(now.Add(changeTimeout))
}

// readBody reads the body of an upload.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	code, err := io.ReadAll(r.Body)
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case large:
		tooLarge(w)
	case err != nil:
		writeText(w, http.StatusBadRequest, "the module is incomplete\n")
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

// parseCondition parses If-Match and If-None-Match; a module's SHA-256 is its entity tag. A nil
// function is no condition.
func (a *Admin) parseCondition(w http.ResponseWriter, r *http.Request) (condition func(string) bool, ok bool) {
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

// answerChange answers a change. It is the only mapping of its errors to status codes.
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
		writeText(w, http.StatusServiceUnavailable, "the module was not evaluated in time; the live policy stays\n")
	default:
		a.o.Log.Error("change an uploaded module", "error", err)
		writeText(w, http.StatusInternalServerError, "the module was not stored; see the log\n")
	}
}

// bodyLimit is the size limit of a request's body.
func bodyLimit(r *http.Request) int64 {
	if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, modulePath) {
		return MaxModule
	}
	return 64 << 10
}
