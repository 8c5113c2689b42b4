package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/ledger"
)

// eventFilter is which events a verb is about.
type eventFilter struct {
	ledgerClient
	hook, destination, state, key, after, before string
	all                                          bool
}

func (p *Program) events() *cobra.Command {
	c := &cobra.Command{
		Use:   "events",
		Short: "See recorded events, and mend what went wrong with them",
		Long: "Events looks into the ledger of a data directory: events that were recorded, actions that inline calls left, and dead\n" +
			"letters, which are actions that were given up. While a server runs, the server is asked.",
	}
	c.AddCommand(p.eventsList(), p.eventsShow(), p.eventsChange("redrive", "Give dead letters and waiting actions another try now"),
		p.eventsChange("drop", "Give up events, waiting actions and dead letters"))
	return c
}

func (c *eventFilter) defineFilterFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	c.defineFlags(f)
	f.StringVar(&c.hook, "hook", "", "only those of this hook")
	f.StringVar(&c.destination, "destination", "", "only those with an action for this destination")
	f.StringVar(&c.state, "state", "", "only those that are recorded, waiting, finished, dropped or dead")
	f.StringVar(&c.key, "key", "", "only those whose key begins so, or that have an action with this idempotency key")
	f.StringVar(&c.after, "after", "", "only those received after this time, or less long ago than this (90m)")
	f.StringVar(&c.before, "before", "", "only those received before this time, or longer ago than this")
}

func (c *eventFilter) query(ids []string) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"hook": c.hook, "destination": c.destination, "state": c.state, "key": c.key,
		"after": c.after, "before": c.before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(ids) > 0 {
		q["id"] = ids
	}
	if c.all {
		q.Set("all", "true")
	}
	return q
}

func (p *Program) eventsList() *cobra.Command {
	ch := &eventFilter{ledgerClient: ledgerClient{p: p}}
	var limit int
	var from string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [ID...]",
		Short: "List what is in the ledger, dead letters last",
		RunE: func(c *cobra.Command, ids []string) error {
			q := ch.query(ids)
			q.Set("limit", fmt.Sprint(limit))
			if from != "" {
				q.Set("from", from)
			}
			here := func(l *ledger.Ledger) (any, error) { return admin.Events{Ledger: l}.List(q) }
			body, err := ch.fetch(c.Context(), here, "GET", "/v1/events", q)
			if err != nil {
				return err
			}
			return p.printEvents(body, asJSON)
		},
	}
	ch.defineFilterFlags(c)
	c.Flags().IntVar(&limit, "limit", 100, "how many, at most 1000")
	c.Flags().StringVar(&from, "from", "", "where to go on: the id that the list before ended with")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object: {entries, next}")
	return c
}

// listedEntry is what a person is shown of an entry.
type listedEntry struct {
	ID, State, Hook string
	Received        time.Time
	Steps           []struct {
		State, Destination string
		Attempts           int
		History            []ledger.Attempt
	}
}

func (p *Program) printEvents(body []byte, asJSON bool) error {
	if asJSON {
		return p.printJSON(body)
	}
	var page struct {
		Entries []listedEntry
		Next    string
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	t := tabwriter.NewWriter(escapingWriter{p.Stdout}, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "ID\tSTATE\tRECEIVED\tHOOK\tACTIONS\n")
	for _, e := range page.Entries {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t", e.ID, e.State, e.Received.Format(time.DateTime), e.Hook)
		for i, s := range e.Steps {
			if i > 0 {
				fmt.Fprint(t, "; ")
			}
			fmt.Fprintf(t, "%s %s", s.Destination, s.State)
			if n := len(s.History); n > 0 && s.State != string(ledger.Finished) {
				fmt.Fprintf(t, " after %d: %s", s.Attempts, s.History[n-1].Outcome)
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(p.Stderr, "there are more: --from %s\n", page.Next)
	}
	return nil
}

func (p *Program) printJSON(body []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	_, err := fmt.Fprintln(escapingWriter{p.Stdout}, string(bytes.TrimSpace(out.Bytes())))
	return err
}

func (p *Program) eventsShow() *cobra.Command {
	d := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show one entry with its payload, its actions and what became of them, as JSON",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			here := func(l *ledger.Ledger) (any, error) { return l.Show(args[0]) }
			body, err := d.fetch(c.Context(), here, "GET", "/v1/events/"+url.PathEscape(args[0]), nil)
			if err != nil {
				return err
			}
			return p.printJSON(body)
		},
	}
	d.defineFlags(c.Flags())
	return c
}

func (p *Program) eventsChange(verb, short string) *cobra.Command {
	ch := &eventFilter{ledgerClient: ledgerClient{p: p}}
	c := &cobra.Command{
		Use:   verb + " [ID...]",
		Short: short,
		RunE: func(c *cobra.Command, ids []string) error {
			q := ch.query(ids)
			here := func(l *ledger.Ledger) (any, error) {
				return changeEvents(c.Context(), admin.Events{Ledger: l}, verb, q)
			}
			body, err := ch.fetch(c.Context(), here, "POST", "/v1/events/"+verb, q)
			if err != nil {
				return err
			}
			return p.printJSON(body)
		},
	}
	ch.defineFilterFlags(c)
	c.Flags().BoolVar(&ch.all, "all", false, "all of them")
	return c
}

func changeEvents(ctx context.Context, e admin.Events, verb string, q url.Values) (admin.Affected, error) {
	if verb == "drop" {
		return e.Drop(ctx, q)
	}
	return e.Redrive(ctx, q)
}
