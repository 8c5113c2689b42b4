package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/suite"
)

// Reasons why an uploaded module cannot be changed.
var (
	ErrNoUploads  = errors.New("uploads are disabled") // without a data directory, or without a runtime for modules
	ErrModuleName = errors.New("want a module's name of up to 64 letters, digits, hyphens and _")
	ErrNoUpload   = errors.New("no module of that name was uploaded")
	ErrReferenced = errors.New("a rule runs this module, and the policy folder has no module of that name") // so it is not deleted
	ErrChanged    = errors.New("the module differs from the one in the condition")                          // Change.If returned false
)

// Rejection is the error of an invalid change. The live Set stays, and nothing was stored.
type Rejection struct {
	Reasons  []string          `json:"reasons,omitempty"`  // of the module itself
	Problems document.Problems `json:"problems,omitempty"` // of the folder with the change, and not without it
	Tests    []suite.Result    `json:"tests,omitempty"`    // of the folder that fail with the change
}

func (r *Rejection) Error() string {
	switch {
	case len(r.Reasons) > 0:
		return "the module is rejected: " + r.Reasons[0]
	case len(r.Problems) > 0:
		return "the policy folder is invalid with the module: " + r.Problems[0].String()
	}
	return fmt.Sprintf("%d of the policy folder's tests fail with the module", len(r.Tests))
}

// Change uploads or deletes a module.
type Change struct {
	Name string
	Code []byte            // nil: delete the upload
	If   func(string) bool // condition on the hash of the module that rules would run now, "" for none; nil: none
}

// ChangeResult is the result of a Change.
type ChangeResult struct {
	Module
	Live     bool              `json:"live"`               // the folder is live with the change; if not, the folder itself has problems
	Revision string            `json:"revision,omitempty"` // of the Set that is live
	Tests    int               `json:"testsPassed"`        // of the folder
	Runs     []rules.Trial     `json:"runs,omitempty"`     // a sample call by each rule that runs it, or else by each hook type
	Problems document.Problems `json:"problems,omitempty"` // why the folder is not live
}

// changeTimeout bounds the evaluation of one change.
const changeTimeout = time.Minute

// Change checks a module against the current folder: its limits, metering, compilation and
// convention, then the folder's problems and tests with it. If there are none, it is stored and
// goes live. Changes wait for each other; calls do not. If the folder itself has problems, which
// the change neither adds nor solves, it is stored and goes live with the next valid folder. The
// error is a *Rejection if the module is the reason.
func (w *Watcher) Change(ctx context.Context, c Change) (ChangeResult, error) {
	if w.uploadStore == nil || w.o.Rules.Modules == nil {
		return ChangeResult{}, ErrNoUploads
	}
	if !moduleName.MatchString(c.Name) {
		return ChangeResult{}, ErrModuleName
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	evaluated := candidate{w: w, Change: c}
	if c.Code != nil {
		m, err := w.o.Rules.Modules.Load(ctx, c.Code) // before the lock, because it takes long
		if err != nil && ctx.Err() != nil {
			return ChangeResult{}, err
		}
		if err != nil {
			return ChangeResult{}, &Rejection{Reasons: rules.Reasons(err)}
		}
		defer m.Close() // the Set has its own reference
		evaluated.module = m
	}
	if !w.acquire(ctx) {
		return ChangeResult{}, ctx.Err()
	}
	defer w.release()
	return w.change(ctx, &evaluated)
}

// change is the part of Change under the lock.
func (w *Watcher) change(ctx context.Context, c *candidate) (ChangeResult, error) {
	c.before = w.readStable(ctx, w.lastState)
	if ctx.Err() != nil {
		return ChangeResult{}, ctx.Err()
	}
	if c.If != nil && !c.If(c.before.moduleHash(c.Name)) {
		return ChangeResult{}, ErrChanged
	}
	if _, uploaded := c.before.uploads.list[c.Name]; c.Code == nil && !uploaded {
		return ChangeResult{}, ErrNoUpload
	}
	next, err := c.before.uploads.apply(c.Change)
	if err != nil {
		return ChangeResult{}, &Rejection{Reasons: []string{err.Error()}}
	}
	s := c.before
	s.uploads = next
	set, err := c.evaluate(ctx, s)
	if err != nil {
		return ChangeResult{}, err
	}
	if err := w.uploadStore.save(next, c.Name); err != nil {
		return ChangeResult{}, errors.Join(fmt.Errorf("store an uploaded module: %w", err), closeSet(set))
	}
	w.uploads.Store(next)
	if set != nil {
		w.warnShadowed(s)
		w.lastState, w.retryAt = s, time.Time{}
		w.install(s, set, FromUpload)
	} else {
		w.apply(ctx, s) // rejected as before; logged if the reason differs
	}
	w.removeUnusedUploads()
	c.result.Module, c.result.Live, c.result.Revision = w.module(c.Name), set != nil, w.Status().Revision
	w.o.Log.Info("an uploaded module was changed", "module", c.Name, "sha256", s.moduleHash(c.Name), "deleted", c.Code == nil,
		"live", c.result.Live && c.result.Referenced, "rules", len(c.result.Rules))
	return c.result, nil
}

// closeSet closes a Set that does not go live; it may be nil.
func closeSet(set *rules.Set) error {
	if set == nil {
		return nil
	}
	return set.Close()
}
