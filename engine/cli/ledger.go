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
		Short: "Inspect and repair the event store",
	}
	c.AddCommand(p.ledgerStat(), p.ledgerCheck(), p.ledgerRepair(), p.ledgerExport())
	return c
}

func (p *Program) ledgerStat() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "stat",
		Short: "Print the ledger's statistics as JSON",
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
		Short: "Read every row of a closed ledger and report damage",
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
	c.Flags().StringVar(&d.data, "data", "", "data directory (default: in the user's state folder)")
	return c
}

func (p *Program) ledgerRepair() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "repair",
		Short: "Rebuild a closed ledger from its undamaged rows, and keep the old file",
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
	c.Flags().StringVar(&d.data, "data", "", "data directory (default: in the user's state folder)")
	return c
}

// explainRepair prints the consequences of a repair. It returns an error if data was lost.
func (p *Program) explainRepair(r ledger.Repaired) error {
	switch {
	case r.Healthy:
		fmt.Fprintln(p.Stderr, "the ledger is healthy; nothing was changed")
		return nil
	case r.Whole():
		fmt.Fprintln(p.Stderr, "all data was saved")
		return nil
	}
	const after = "events that Okta repeats may count as new, and delivered actions may be sent again under the same idempotency key"
	if r.Rows+r.IDs+r.Dead == 0 && (r.Commits > 0 || r.Blind) {
		made := "all rows"
		if r.Commits > 0 {
			made = fmt.Sprintf("%d commits", r.Commits)
		}
		return fmt.Errorf("nothing could be saved: the ledger is now empty, and %s are lost; "+
			"undelivered events and dead letters are lost; "+after, made)
	}
	text := fmt.Sprintf("%d rows, %d ids and %d dead letters are lost, with the undelivered events in them; "+after,
		r.Lost, r.LostIDs, r.LostDead)
	if r.Blind {
		text = "at least " + text
	}
	if r.Commits > 0 {
		text += fmt.Sprintf("; the last %d commits are missing from the file", r.Commits)
	}
	return errors.New(text)
}

func (p *Program) ledgerExport() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "export",
		Short: "Dump a closed ledger as JSON lines, including payloads",
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
	c.Flags().StringVar(&d.data, "data", "", "data directory (default: in the user's state folder)")
	return c
}

// explainLocked adds advice if a server has the ledger open.
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
