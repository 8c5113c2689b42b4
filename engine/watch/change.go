package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/suite"
)

// Why an uploaded module cannot be changed.
var (
	ErrNoUploads  = errors.New("no modules can be uploaded here")                                    // without a data directory, or without what runs modules
	ErrModuleName = errors.New("want a module's name of up to 64 letters, digits, hyphens and _")    // of the Change
	ErrNoUpload   = errors.New("no module of that name was uploaded")                                // there is nothing to take back
	ErrReferenced = errors.New("a rule runs this module, and the policy folder has none of its own") // so it is not taken back
	ErrChanged    = errors.New("what lies there is not what it was thought to be")                   // the Change's own condition does not hold
)

// Rejection is why a change of an uploaded module would not do. What was live stays, and nothing was stored.
type Rejection struct {
	Reasons  []string       `json:"reasons,omitempty"`  // of the module itself
	Problems rules.Problems `json:"problems,omitempty"` // that the folder has with it, and would not have without
	Tests    []suite.Case   `json:"tests,omitempty"`    // of the folder, that fail with it
}

func (r *Rejection) Error() string {
	switch {
	case len(r.Reasons) > 0:
		return "the module is refused: " + r.Reasons[0]
	case len(r.Problems) > 0:
		return "the policy folder is refused with it: " + r.Problems[0].String()
	}
	return fmt.Sprintf("%d of the policy folder's tests fail with it", len(r.Tests))
}

// Change is what is to become of an uploaded module.
type Change struct {
	Name string
	Code []byte            // nil: it is taken back
	If   func(string) bool // whether it may, by the hash of the module that rules would run now, empty for none; nil: it may
}

// ChangeResult is what became of it.
type ChangeResult struct {
	Module
	Live     bool           `json:"live"`               // the folder is live with it; if not, the folder has problems of its own
	Revision string         `json:"revision,omitempty"` // of the Set that is live
	Tests    int            `json:"testsPassed"`        // of the folder
	Runs     []rules.Trial  `json:"runs,omitempty"`     // a sample call, by each rule that runs it, or else by each type of hook
	Problems rules.Problems `json:"problems,omitempty"` // for which the folder is not live
}

// changeTimeout is how long the judging of one change may take.
const changeTimeout = time.Minute

// Change judges a module beside the folder as it is now: its limits, metering, compilation and convention, then what the folder's
// problems and tests are with it. When nothing is against it, it is stored and the folder is live with it. Changes wait for each
// other; calls do not. Where the folder has problems of its own, which a change neither makes nor mends, it is stored for when the
// folder is mended. The error is a *Refusal when the module is the reason.
func (w *Watcher) Change(ctx context.Context, c Change) (ChangeResult, error) {
	if w.uploadStore == nil || w.o.Rules.Modules == nil {
		return ChangeResult{}, ErrNoUploads
	}
	if !moduleName.MatchString(c.Name) {
		return ChangeResult{}, ErrModuleName
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	j := candidate{w: w, Change: c}
	if c.Code != nil {
		m, err := w.o.Rules.Modules.Load(ctx, c.Code) // before the turn: it is what takes time
		if err != nil && ctx.Err() != nil {
			return ChangeResult{}, err
		}
		if err != nil {
			return ChangeResult{}, &Rejection{Reasons: rules.Reasons(err)}
		}
		defer m.Close() // the Set holds it too by then
		j.module = m
	}
	if !w.acquire(ctx) {
		return ChangeResult{}, ctx.Err()
	}
	defer w.release()
	return w.change(ctx, &j)
}

// change is the part of Change that is done in turn.
func (w *Watcher) change(ctx context.Context, j *candidate) (ChangeResult, error) {
	j.before = w.readStable(ctx, w.seen)
	if ctx.Err() != nil {
		return ChangeResult{}, ctx.Err()
	}
	if j.If != nil && !j.If(j.before.moduleHash(j.Name)) {
		return ChangeResult{}, ErrChanged
	}
	if _, uploaded := j.before.uploads.list[j.Name]; j.Code == nil && !uploaded {
		return ChangeResult{}, ErrNoUpload
	}
	next, err := j.before.uploads.apply(j.Change)
	if err != nil {
		return ChangeResult{}, &Rejection{Reasons: []string{err.Error()}}
	}
	s := j.before
	s.uploads = next
	set, err := j.evaluate(ctx, s)
	if err != nil {
		return ChangeResult{}, err
	}
	if err := w.uploadStore.save(next, j.Name); err != nil {
		return ChangeResult{}, errors.Join(fmt.Errorf("keep an uploaded module: %w", err), closeSet(set))
	}
	w.uploads.Store(next)
	if set != nil {
		w.warnShadowed(s)
		w.seen, w.retryAt = s, time.Time{}
		w.install(s, set, FromUpload)
	} else {
		w.apply(ctx, s) // refused, as it was before; the log hears of it when the reason is another
	}
	w.removeUnusedUploads()
	j.result.Module, j.result.Live, j.result.Revision = w.module(j.Name), set != nil, w.Status().Revision
	w.o.Log.Info("an uploaded module was changed", "module", j.Name, "sha256", s.moduleHash(j.Name), "deleted", j.Code == nil,
		"live", j.result.Live && j.result.Referenced, "rules", len(j.result.Rules))
	return j.result, nil
}

// closeSet closes a Set that does not go live; nil is none.
func closeSet(set *rules.Set) error {
	if set == nil {
		return nil
	}
	return set.Close()
}
