package ledger_test

import (
	"context"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// contract lists the methods that the rest of the program calls, by caller. A second engine
// implements these methods.
type contract interface {
	// engine: deliveries and inline calls
	Accept(context.Context, ledger.Delivery) (ledger.Receipt, error)
	Note(ledger.ID)
	IsKnown(ledger.ID) bool

	// engine/dispatch: rules and actions
	Claim(ctx context.Context, n int) ([]ledger.Task, error)
	Release(ledger.Task)
	Plan(ctx context.Context, t ledger.Task, revision string, actions []ledger.Action) error
	Queue(ctx context.Context, hook string, call ledger.ID, revision string, actions []ledger.Action) error
	Take(ctx context.Context, destination string, n int) ([]ledger.Step, error)
	TakeAny(ctx context.Context, destination string, n int) ([]ledger.Step, error)
	ReleaseStep(ledger.StepID)
	Done(context.Context, ledger.StepID) error
	Retry(ctx context.Context, id ledger.StepID, at time.Time, reason string) error
	Bury(ctx context.Context, id ledger.StepID, reason string) error
	Destinations() map[string]int

	// engine/admin and engine/cli: operators
	List(f ledger.Filter, from string, limit int) (ledger.Page, error)
	Show(ledger.EntryID) (ledger.Entry, error)
	Redrive(context.Context, ledger.Filter) (int, error)
	Drop(context.Context, ledger.Filter) (int, error)
	Export(io.Writer) error
	Stats() ledger.Stats

	// engine/cli: life cycle and health
	LowSpace() error
	Broken() error
	Close() error
}

// TestContract keeps the list complete: a method that is not in it is not part of the seam, and
// should not be exported.
func TestContract(t *testing.T) {
	var _ contract = (*ledger.Ledger)(nil)
	listed := reflect.TypeFor[contract]()
	all := reflect.TypeFor[*ledger.Ledger]()
	for i := range all.NumMethod() {
		if name := all.Method(i).Name; !hasMethod(listed, name) {
			t.Errorf("method %s is not in the contract", name)
		}
	}
}

func hasMethod(t reflect.Type, name string) bool {
	_, ok := t.MethodByName(name)
	return ok
}
