package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

func (p *Program) ledger() *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Look after the file that recorded events are in",
	}
	c.AddCommand(p.ledgerStat(), p.ledgerCheck(), p.ledgerRepair(), p.ledgerExport())
	return c
}

func (p *Program) ledgerStat() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "stat",
		Short: "Print what the ledger counts of itself, as JSON",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			body, err := d.fetch(c.Context(), func(l *ledger.Ledger) (any, error) { return l.Stats(), nil }, "GET", "/v1/ledger", nil)
			if err != nil {
				return err
			}
			return p.printJSON(body)
		},
	}
	d.defineFlags(c.Flags())
	return c
}

func (p *Program) ledgerCheck() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "check",
		Short: "Read every row of a ledger that no server has open, and report what is wrong",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := d.path()
			if err != nil {
				return err
			}
			r, err := ledger.Check(path)
			if err != nil {
				return explainLocked(err)
			}
			return p.printValue(r)
		},
	}
	c.Flags().StringVar(&d.data, "data", "", "the data directory (default: in the user's state folder)")
	return c
}

func (p *Program) ledgerRepair() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "repair",
		Short: "Make a new ledger of every row that is whole, and keep the old file beside it",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := d.path()
			if err != nil {
				return err
			}
			r, err := ledger.Repair(path, time.Now())
			if err != nil {
				return explainLocked(err)
			}
			return errors.Join(p.printValue(r), p.explainRepair(r))
		},
	}
	c.Flags().StringVar(&d.data, "data", "", "the data directory (default: in the user's state folder)")
	return c
}

// explainRepair says what a repair means to those who wait for what was recorded. The error is for what was lost.
func (p *Program) explainRepair(r ledger.Repaired) error {
	switch {
	case r.Healthy:
		fmt.Fprintln(p.Stderr, "nothing is wrong with the ledger, and nothing was changed")
		return nil
	case r.Whole():
		fmt.Fprintln(p.Stderr, "everything was saved")
		return nil
	}
	const after = "events that Okta sends again may be taken for new, and what was delivered may be sent again, under the same idempotency key"
	if r.Rows+r.IDs+r.Dead == 0 && (r.Commits > 0 || r.Blind) {
		made := "whatever was there"
		if r.Commits > 0 {
			made = fmt.Sprintf("%d commits that were made", r.Commits)
		}
		return fmt.Errorf("nothing could be saved: of %s, nothing is left, and the ledger begins empty; "+
			"events that were not delivered are lost, as are dead letters; "+after, made)
	}
	said := fmt.Sprintf("%d rows and %d ids are gone, and %d dead letters; events that were recorded in them and not delivered are lost; "+after,
		r.Lost, r.LostIDs, r.LostDead)
	if r.Blind {
		said = "at least " + said
	}
	if r.Commits > 0 {
		said += fmt.Sprintf("; the last %d commits are not in the file at all", r.Commits)
	}
	return errors.New(said)
}

func (p *Program) ledgerExport() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "export",
		Short: "Write everything in a ledger that no server has open as lines of JSON, payloads and all",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := d.path()
			if err != nil {
				return err
			}
			l, err := ledger.Open(ledger.Options{Path: path})
			if err != nil {
				return explainLocked(err)
			}
			return errors.Join(l.Export(escapingWriter{p.Stdout}), l.Close())
		},
	}
	c.Flags().StringVar(&d.data, "data", "", "the data directory (default: in the user's state folder)")
	return c
}

// explainLocked says what to do about a ledger that a server has open.
func explainLocked(err error) error {
	if errors.Is(err, ledger.ErrLocked) {
		return fmt.Errorf("%w: stop the server first", err)
	}
	return err
}

func (p *Program) printValue(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return p.printJSON(body)
}
