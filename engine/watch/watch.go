package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// Options configure a Watcher.
type Options struct {
	Dir    string         // the policy folder
	Data   string         // directory of the last good copy and uploads; empty: neither
	Engine *engine.Engine // runs every valid Set
	Rules  rules.Options  // for loading a folder
	Log    *slog.Logger   // default slog.Default()

	// Tests rejects a folder without tests or with failing ones, and such a last good copy.
	Tests bool

	// Accept is called before a Set goes live; its error rejects the Set. Nil accepts all.
	Accept func(*rules.Set) error

	// Live is called after a Set has gone live, with its revision and origin: FromFolder,
	// FromUpload or FromLastGood. It may be nil.
	Live func(revision, by string)

	Poll   time.Duration // interval of checks without a notification; default 500 ms
	Settle time.Duration // time for which content must be unchanged; default 75 ms
	Retry  time.Duration // interval of retries of a rejected folder; default 10 s
}

// Watcher keeps an engine on the newest valid Set of one folder.
type Watcher struct {
	o           Options
	dir         string
	store       *lastGoodStore
	checkNow    chan struct{} // holds one requested check
	uploadStore *uploadStore  // nil: uploads are disabled
	lock        chan struct{} // acquired to check the folder or evaluate a change; guards the fields below

	lastState state     // last state that was loaded or rejected
	retryAt   time.Time // next retry of a rejected state; zero after a valid one
	pace      pacer
	set       *rules.Set // the live Set, to compare the next one with; the engine closes it

	uploads atomic.Pointer[uploads] // changed under lock, read by all

	mu     sync.Mutex // guards status
	status Status
}

// Open loads the folder and puts the Set live. If the folder is invalid, it uses the last good copy
// and logs an error; without a copy it returns the folder's error (document.Problems if readable).
func Open(ctx context.Context, o Options) (*Watcher, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Poll, o.Settle, o.Retry = orDefault(o.Poll, 500*time.Millisecond), orDefault(o.Settle, 75*time.Millisecond), orDefault(o.Retry, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	w := &Watcher{o: o, dir: dir, checkNow: make(chan struct{}, 1), lock: make(chan struct{}, 1), status: Status{Folder: dir}}
	w.uploads.Store(new(uploads))
	if o.Data != "" {
		w.store, w.uploadStore = newLastGoodStore(o.Data, dir), &uploadStore{filepath.Join(o.Data, "modules")}
		w.uploads.Store(w.uploadStore.open())
		w.removeUnusedUploads()
		if err := w.store.removeTemps(); err != nil {
			o.Log.Error("remove temporary files of the last good copy", "error", err)
		}
	}
	copied, kept, keptErr := w.loadLastGood()
	w.set = kept // for max_shrink of tables across a restart
	rejected := w.apply(ctx, w.readStable(ctx, state{}))
	if rejected == nil && kept != nil {
		return w, kept.Close()
	}
	if rejected == nil {
		return w, nil
	}
	if keptErr == nil {
		keptErr = w.restore(ctx, copied, kept, rejected)
	}
	if keptErr == nil {
		return w, nil
	}
	if !errors.Is(keptErr, errNoCopy) {
		o.Log.Error("the last good copy cannot be used either", "error", keptErr)
	}
	return nil, rejected
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// Check asks Run to read the folder now, also if its current state was rejected. It does not wait.
func (w *Watcher) Check() {
	select {
	case w.checkNow <- struct{}{}:
	default:
	}
}

// Status describes the live Set, and why the folder is not live.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// Run follows the folder until the context ends. It is called once.
func (w *Watcher) Run(ctx context.Context) {
	n := newNotifier(ctx, w.dir, w.o.Log)
	defer n.Close()
	poll := time.NewTicker(w.o.Poll)
	defer poll.Stop()
	soon := time.NewTimer(0) // at once, because the folder may have changed since Open
	defer soon.Stop()
	for armed := true; ; {
		again, idle := false, false
		select {
		case <-ctx.Done():
			return
		case e := <-n.events():
			if n.isRelevant(e) && !armed {
				armed = true // one check for a burst of events
				soon.Reset(w.o.Settle)
			}
			continue
		case <-n.errors():
		case <-soon.C:
			armed = false
		case <-w.checkNow:
			again = true
		case <-poll.C:
			idle = true
		}
		if w.poll(ctx, again, idle) {
			n.updateWatches(ctx)
		}
	}
}

// acquire locks the Watcher, and reports false if the context ends first.
func (w *Watcher) acquire(ctx context.Context) bool {
	select {
	case w.lock <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *Watcher) release() { <-w.lock }

// poll reads the folder and reports whether it did. With again, it also retries a rejected state;
// with idle, it reads only if the pacer or a retry is due.
func (w *Watcher) poll(ctx context.Context, again, idle bool) bool {
	if !w.acquire(ctx) {
		return false
	}
	defer w.release()
	if again {
		w.retryAt = time.Now()
	}
	if idle && !w.pace.isDue(ctx, w.dir, w.lastState.files) && !w.retryDue() {
		return false
	}
	w.pace.startRead(ctx, w.dir, w.lastState.files)
	w.readFolder(ctx)
	return true
}

func (w *Watcher) retryDue() bool {
	return !w.retryAt.IsZero() && !time.Now().Before(w.retryAt)
}

// readFolder reads the folder and applies a new state.
func (w *Watcher) readFolder(ctx context.Context) {
	s := w.readStable(ctx, w.lastState)
	if ctx.Err() != nil || s.key == w.lastState.key && s.uploads == w.lastState.uploads && !w.retryDue() {
		return
	}
	w.apply(ctx, s) // a rejection is in the status and the log
}

// apply loads a state of the folder and puts it live. Its error rejects the state; the live Set
// stays.
func (w *Watcher) apply(ctx context.Context, s state) error {
	w.warnShadowed(s)
	again := s.key == w.lastState.key && s.uploads == w.lastState.uploads && !w.Status().Stale
	w.lastState, w.retryAt = s, time.Time{}
	start := time.Now()
	set, err := w.loadSet(s, func(f *folder.Folder, set *rules.Set) error { return w.runTests(ctx, f, set) })
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	if err != nil {
		w.retryAt = time.Now().Add(max(w.o.Retry, 100*time.Since(start))) // tests may take long
		w.mu.Lock()
		if s.folder != nil {
			w.status.FolderHash = s.folder.Hash()
		}
		w.status.Modules = listModules(s, w.set)
		w.mu.Unlock()
		w.reject(err)
		return err
	}
	if n := len(failedModules(set)); again && n > 0 && n == len(failedModules(w.set)) { // the retry changed nothing
		w.retryAt = time.Now().Add(max(w.o.Retry, 100*time.Since(start)))
		return set.Close()
	}
	w.install(s, set, FromFolder)
	return nil
}

// install puts the Set of a state live and saves the last good copy.
func (w *Watcher) install(s state, set *rules.Set, by string) {
	w.logWarnings(set)
	w.logRemovedHooks(set)
	w.mu.Lock()
	w.status.Modules = listModules(s, set)
	w.mu.Unlock()
	w.swap(set, FromFolder, by, s.folder.Hash())
	if len(failedModules(set)) > 0 {
		w.retryAt = time.Now().Add(w.o.Retry)
	}
	if w.store == nil {
		return
	}
	whole, err := s.withUploads()
	if err == nil {
		err = w.store.save(whole)
	}
	if err != nil {
		w.o.Log.Error("save the last good copy", "copy", w.store.path, "error", err)
	}
}

// removeUnusedUploads removes files of no upload.
func (w *Watcher) removeUnusedUploads() {
	if err := w.uploadStore.removeUnused(w.uploads.Load()); err != nil {
		w.o.Log.Error("remove unused uploads", "error", err)
	}
}

// logWarnings logs the warnings that the previous Set did not have.
func (w *Watcher) logWarnings(set *rules.Set) {
	var before document.Problems
	if w.Status().Revision != "" {
		before = w.set.Warnings()
	}
	for _, warning := range set.Warnings() {
		if !slices.ContainsFunc(before, func(p document.Problem) bool { return p.File == warning.File && p.Message == warning.Message }) {
			w.o.Log.Warn("policy warning", "folder", w.dir, "warning", warning.String())
		}
	}
}

// logRemovedHooks logs the hooks whose calls are answered 404 from now on.
func (w *Watcher) logRemovedHooks(set *rules.Set) {
	if w.set == nil {
		return
	}
	var names []string
	for _, h := range w.set.Hooks() {
		if !slices.ContainsFunc(set.Hooks(), func(other *rules.Hook) bool { return other.Path == h.Path }) {
			names = append(names, fmt.Sprintf("%s (%s)", h.Name, h.Path))
		}
	}
	if len(names) > 0 {
		w.o.Log.Warn("hooks removed: their calls are answered 404", "folder", w.dir, "hooks", strings.Join(names, ", "))
	}
}

// loadSet loads the Set of a state. It closes a Set that check or Accept rejects; check may be nil.
func (w *Watcher) loadSet(s state, check func(*folder.Folder, *rules.Set) error) (*rules.Set, error) {
	folder, err := s.withUploads()
	if err != nil {
		return nil, err
	}
	o := w.o.Rules
	o.Before, o.Again = w.set, w.Status().Revision != ""
	set, err := rules.Load(folder, o)
	if err != nil {
		return nil, err
	}
	if check != nil {
		if err := check(folder, set); err != nil {
			return nil, errors.Join(err, set.Close())
		}
	}
	if err := w.accept(set); err != nil {
		return nil, err
	}
	return set, nil
}

// accept calls Options.Accept and closes a rejected Set.
func (w *Watcher) accept(set *rules.Set) error {
	if w.o.Accept == nil {
		return nil
	}
	if err := w.o.Accept(set); err != nil {
		return errors.Join(err, set.Close())
	}
	return nil
}

// swap puts the Set live in the engine. hash is the folder's, empty for the last good copy.
func (w *Watcher) swap(set *rules.Set, from, by, hash string) {
	revision := set.Revision()
	w.set = set
	w.o.Engine.Swap(set)
	w.o.Engine.MarkStale(from != FromFolder)
	w.mu.Lock()
	was := w.status
	w.status.Revision, w.status.LoadedAt, w.status.From = revision, time.Now(), from
	w.status.Warnings = set.Warnings()
	if from == FromFolder {
		w.status.FolderHash, w.status.Stale, w.status.LastError, w.status.FailedAt = hash, false, "", time.Time{}
	}
	w.mu.Unlock()
	if w.o.Live != nil {
		w.o.Live(revision, by)
	}
	for _, m := range failedModules(set) {
		w.o.Log.Error("a module that started before does not start now; its rule fails until it does", "hook", m.Hook, "rule", m.Rule, "module", m.File, "reason", m.Failure)
	}
	if from == FromFolder {
		w.o.Log.Info("policy is live", "folder", w.dir, "revision", revision, "was", was.Revision, "repaired", was.Stale)
	}
}

// reject records why the folder is not live. It logs the same error once.
func (w *Watcher) reject(err error) {
	text := err.Error()
	w.o.Engine.MarkStale(true)
	w.mu.Lock()
	known := w.status.LastError == text
	w.status.Stale = true
	if !known {
		w.status.LastError, w.status.FailedAt = text, time.Now()
	}
	revision := w.status.Revision
	w.mu.Unlock()
	if known || revision == "" { // without a live Set, Open returns the error
		return
	}
	w.o.Log.Error("the policy folder is rejected; the live policy stays", "folder", w.dir, "revision", revision, "error", oneLine(err))
}

// oneLine is an error for the log: problems without their source lines.
func oneLine(err error) string {
	var problems document.Problems
	if !errors.As(err, &problems) {
		return err.Error()
	}
	const most = 20
	var lines []string
	for _, p := range problems {
		if !p.Warning {
			lines = append(lines, p.String())
		}
	}
	if n := len(lines) - most; n > 0 {
		lines = append(lines[:most], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(lines, "; ")
}
