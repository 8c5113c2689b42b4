// Package watch is for keeping an engine on the newest good Set of a policy folder.
//
// Three things are looked at, because none of them is enough: the system's notifications (fast, but lost on network file
// systems, on overflow, and when a directory is replaced), what stat says about the tree (cheap, but blind to an edit that
// keeps size and time), and the content itself (never wrong, and read as often as it is cheap to read).
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
)

// Options say what is watched, for whom, and how often.
type Options struct {
	Dir    string         // the policy folder
	Data   string         // where the last good copy and uploaded modules are kept; empty keeps none
	Engine *engine.Engine // is given every good Set
	Rules  rules.Options  // how a folder is loaded
	Log    *slog.Logger   // nil: slog.Default()

	// Tests lets only a folder go live whose tests pass, and that has some; so it is for the last good copy.
	Tests bool

	// Accept has the last word on a Set before it goes live: what it returns refuses the Set. Nil accepts all.
	Accept func(*rules.Set) error

	// Live is told of each Set that has gone live, by its revision, and what has brought it: FromFolder, FromUpload or FromLastGood.
	// Nil tells nobody.
	Live func(revision, by string)

	Poll   time.Duration // how often the tree is looked at without a notification; 0: 500 ms
	Settle time.Duration // how long content must stay the same before it counts; 0: 75 ms
	Retry  time.Duration // how often a folder that was refused is tried again as it is; 0: 10 s
}

// Watcher keeps an engine on the newest good Set of one folder.
type Watcher struct {
	o           Options
	dir         string
	store       *lastGoodStore
	checkNow    chan struct{} // has room for one: a check that is asked for but not begun
	uploadStore *uploadStore  // nil: nothing can be uploaded
	lock        chan struct{} // holds one while the folder is looked at or a change is judged; it guards what follows

	seen    state     // what was loaded, or refused, last
	retryAt time.Time // when a refused state is tried again; zero after a good one
	pace    pacer
	set     *rules.Set // what the next one is compared with: the live one, which is the engine's to close

	uploads atomic.Pointer[uploads] // changed in turn, read by all

	mu     sync.Mutex // guards status
	status Status
}

// Open loads the folder and puts the Set live. A folder that cannot be loaded is answered with its last good copy, loudly;
// without one the error is the folder's (rules.Problems when it could be read).
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
			o.Log.Error("what is left of copies that were not finished cannot be removed", "error", err)
		}
	}
	copied, kept, keptErr := w.loadLastGood()
	w.set = kept // so that a table's max_shrink holds across a restart
	refused := w.apply(ctx, w.readStable(ctx, state{}))
	if refused == nil && kept != nil {
		return w, kept.Close()
	}
	if refused == nil {
		return w, nil
	}
	if keptErr == nil {
		keptErr = w.restore(ctx, copied, kept, refused)
	}
	if keptErr == nil {
		return w, nil
	}
	if !errors.Is(keptErr, errNoCopy) {
		o.Log.Error("the last good copy cannot be used either", "error", keptErr)
	}
	return nil, refused
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Check asks Run to look at the folder now and to try it again even if it was refused as it is. It does not wait.
func (w *Watcher) Check() {
	select {
	case w.checkNow <- struct{}{}:
	default:
	}
}

// Status is what is live, and why the folder is not.
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
	soon := time.NewTimer(0) // at once: the folder may have changed since Open
	defer soon.Stop()
	for armed := true; ; {
		again, idle := false, false
		select {
		case <-ctx.Done():
			return
		case e := <-n.events():
			if n.isRelevant(e) && !armed {
				armed = true // one look for a whole burst
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

// acquire waits for the turn; false when the context ends first.
func (w *Watcher) acquire(ctx context.Context) bool {
	select {
	case w.lock <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *Watcher) release() { <-w.lock }

// poll looks at the folder: again, though it was refused as it is, or when nothing has happened, only if it is time to. It reports
// whether it did.
func (w *Watcher) poll(ctx context.Context, again, idle bool) bool {
	if !w.acquire(ctx) {
		return false
	}
	defer w.release()
	if again {
		w.retryAt = time.Now()
	}
	if idle && !w.pace.isDue(ctx, w.dir, w.seen.files) && !w.retryDue() {
		return false
	}
	w.pace.startRead(ctx, w.dir, w.seen.files)
	w.readFolder(ctx)
	return true
}

func (w *Watcher) retryDue() bool {
	return !w.retryAt.IsZero() && !time.Now().Before(w.retryAt)
}

// readFolder reads the folder and, when it is not what was seen last, takes it.
func (w *Watcher) readFolder(ctx context.Context) {
	s := w.readStable(ctx, w.seen)
	if ctx.Err() != nil || s.key == w.seen.key && s.uploads == w.seen.uploads && !w.retryDue() {
		return
	}
	w.apply(ctx, s) // a refusal is in the status and the log
}

// apply loads a state of the folder and puts it live. The error says why it was refused; what was live stays.
func (w *Watcher) apply(ctx context.Context, s state) error {
	w.warnShadowed(s)
	again := s.key == w.seen.key && s.uploads == w.seen.uploads && !w.Status().Stale
	w.seen, w.retryAt = s, time.Time{}
	start := time.Now()
	set, err := w.loadSet(s, func(f *rules.Folder, set *rules.Set) error { return w.runTests(ctx, f, set) })
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
	if n := len(failedModules(set)); again && n > 0 && n == len(failedModules(w.set)) { // it was tried again in vain
		w.retryAt = time.Now().Add(max(w.o.Retry, 100*time.Since(start)))
		return set.Close()
	}
	w.install(s, set, FromFolder)
	return nil
}

// install puts a Set live that was loaded from a state of the folder, and keeps a copy of that.
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
		w.o.Log.Error("the last good copy could not be kept", "copy", w.store.path, "error", err)
	}
}

// removeUnusedUploads removes uploads that nothing speaks of any more.
func (w *Watcher) removeUnusedUploads() {
	if err := w.uploadStore.removeUnused(w.uploads.Load()); err != nil {
		w.o.Log.Error("what is left of modules that were uploaded before cannot be removed", "error", err)
	}
}

// logWarnings logs the warnings about a Set that the one before did not have.
func (w *Watcher) logWarnings(set *rules.Set) {
	var before rules.Problems
	if w.Status().Revision != "" {
		before = w.set.Warnings()
	}
	for _, warning := range set.Warnings() {
		if !slices.ContainsFunc(before, func(p rules.Problem) bool { return p.File == warning.File && p.Message == warning.Message }) {
			w.o.Log.Warn("a warning about the policy", "folder", w.dir, "warning", warning.String())
		}
	}
}

// logRemovedHooks logs the hooks that Okta calls in vain from now on, should it still call them.
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
		w.o.Log.Warn("hooks gone: calls of them are answered 404", "folder", w.dir, "hooks", strings.Join(names, ", "))
	}
}

// loadSet makes a Set of a state of the folder that passes try and the last word; what does not is closed. A nil try tries nothing.
func (w *Watcher) loadSet(s state, try func(*rules.Folder, *rules.Set) error) (*rules.Set, error) {
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
	if try != nil {
		if err := try(folder, set); err != nil {
			return nil, errors.Join(err, set.Close())
		}
	}
	if err := w.accept(set); err != nil {
		return nil, err
	}
	return set, nil
}

// accept asks for the last word on a Set, and closes the one that is refused.
func (w *Watcher) accept(set *rules.Set) error {
	if w.o.Accept == nil {
		return nil
	}
	if err := w.o.Accept(set); err != nil {
		return errors.Join(err, set.Close())
	}
	return nil
}

// swap hands the Set to the engine and says so. The folder's hash is empty when the Set did not come from it.
func (w *Watcher) swap(set *rules.Set, from, by, hash string) {
	revision := set.Revision()
	w.set = set
	w.o.Engine.Swap(set)
	w.o.Engine.MarkStale(from != FromFolder)
	w.mu.Lock()
	was := w.status
	w.status.Revision, w.status.LoadedAt, w.status.From = revision, time.Now(), from
	if from == FromFolder {
		w.status.FolderHash, w.status.Stale, w.status.LastError, w.status.FailedAt = hash, false, "", time.Time{}
	}
	w.mu.Unlock()
	if w.o.Live != nil {
		w.o.Live(revision, by)
	}
	for _, m := range failedModules(set) {
		w.o.Log.Error("a module that was live before cannot be made ready; its rule fails until it can", "hook", m.Hook, "rule", m.Rule, "module", m.File, "reason", m.Failure)
	}
	if from == FromFolder {
		w.o.Log.Info("policy is live", "folder", w.dir, "revision", revision, "was", was.Revision, "mended", was.Stale)
	}
}

// reject records why the folder is not live; the log hears it once, until it changes or is mended.
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
	if known || revision == "" { // without anything live it is Open's to tell
		return
	}
	w.o.Log.Error("the policy folder was refused; what was live stays", "folder", w.dir, "revision", revision, "error", oneLine(err))
}

// oneLine is an error for the log: problems without their source lines.
func oneLine(err error) string {
	var problems rules.Problems
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
