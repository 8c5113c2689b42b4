package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/ledger"
)

// eventFilter selects the events of a command.
type eventFilter struct {
	ledgerClient
	hook, destination, state, key, after, before string
	all                                          bool
}

func (p *Program) events() *cobra.Command {
	c := &cobra.Command{
		Use:   "events",
		Short: "List, inspect, redrive and drop recorded events",
		Long: "Events works on the event store of a data directory: recorded events, actions of inline calls, and dead letters, which are\n" +
			"actions that failed finally. While a server runs, the commands call its admin listener.",
		Example: "  tenterhook events list --state dead\n" +
			"  tenterhook events show dead-1\n" +
			"  tenterhook events redrive --state dead --destination chat",
	}
	c.AddCommand(p.eventsList(), p.eventsShow(), p.eventsChange("redrive", "Retry dead letters and waiting actions now"),
		p.eventsChange("drop", "Discard events, waiting actions and dead letters: they will not be delivered"))
	return c
}

func (f *eventFilter) defineFilterFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.defineFlags(flags)
	flags.StringVar(&f.hook, "hook", "", "only events of this hook")
	flags.StringVar(&f.destination, "destination", "", "only events with an action for this destination")
	flags.StringVar(&f.state, "state", "", "only events in this state: recorded, waiting, finished, dropped or dead")
	flags.StringVar(&f.key, "key", "", "only events whose key has this prefix, or with this idempotency key")
	flags.StringVar(&f.after, "after", "", "received after this time, or within this duration (for example 90m)")
	flags.StringVar(&f.before, "before", "", "received before this time, or longer ago than this duration")
	completeFlag(cmd, "state", "recorded", "waiting", "finished", "dropped", "dead")
}

func (f *eventFilter) query(ids []string) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"hook": f.hook, "destination": f.destination, "state": f.state, "key": f.key,
		"after": f.after, "before": f.before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(ids) > 0 {
		q["id"] = ids
	}
	if f.all {
		q.Set("all", "true")
	}
	return q
}

func (p *Program) eventsList() *cobra.Command {
	f := &eventFilter{ledgerClient: ledgerClient{p: p}}
	var limit int
	var from string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [ID...]",
		Short: "List events, dead letters last",
		RunE: func(c *cobra.Command, ids []string) error {
			q := f.query(ids)
			q.Set("limit", fmt.Sprint(limit))
			if from != "" {
				q.Set("from", from)
			}
			local := func(l *ledger.Ledger) (any, error) { return admin.Events{Ledger: l}.List(q) }
			body, err := f.fetch(c.Context(), local, "GET", "/v1/events", q)
			if err != nil {
				return err
			}
			return p.printEvents(body, asJSON)
		},
	}
	f.defineFilterFlags(c)
	c.Flags().IntVar(&limit, "limit", 100, "maximum number of events, up to 1000")
	c.Flags().StringVar(&from, "from", "", "continue at this id (printed at the end of an incomplete list)")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: {entries, next}")
	return c
}

// listedEntry is an entry in the JSON of the admin listener.
type listedEntry struct {
	ID, State, Hook, Type, Subject, Key, Origin, Revision string
	Received                                              time.Time
	Steps                                                 []listedStep
	Payload                                               json.RawMessage
}

type listedStep struct {
	State, Destination, Key string
	Attempts                int
	Due                     time.Time
	History                 []ledger.Attempt
	Spec                    json.RawMessage
}

// String describes a step: its destination, state, last outcome and next attempt.
func (s listedStep) String() string {
	text := s.Destination + " " + s.State
	if n := len(s.History); n > 0 && s.State != string(ledger.Finished) {
		text += fmt.Sprintf(" after %s: %s", plural(s.Attempts, "attempt"), s.History[n-1].Outcome)
	}
	if s.State == string(ledger.Waiting) && !s.Due.IsZero() {
		text += ", next at " + s.Due.Local().Format(time.DateTime)
	}
	return text
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
	if len(page.Entries) == 0 {
		_, err := fmt.Fprintln(p.Stdout, "no events match")
		return err
	}
	t := tabwriter.NewWriter(escapingWriter{p.Stdout}, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "ID\tSTATE\tRECEIVED\tHOOK\tTYPE\tSUBJECT\tACTIONS\n")
	for _, e := range page.Entries {
		steps := make([]string, len(e.Steps))
		for i, s := range e.Steps {
			steps[i] = s.String()
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.State, e.Received.Local().Format(time.DateTime), e.Hook,
			cmp.Or(oneCell(e.Type), "-"), cmp.Or(oneCell(e.Subject), "-"), oneCell(strings.Join(steps, "; ")))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(p.Stderr, "there are more: --from %s\n", page.Next)
	}
	return nil
}

// oneCell removes tabs and line ends, which would break a table.
func oneCell(text string) string { return strings.Join(strings.Fields(text), " ") }

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
	var asJSON bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show one event with its payload, its actions and their attempts",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			local := func(l *ledger.Ledger) (any, error) { return admin.Events{Ledger: l}.Show(ledger.EntryID(args[0])) }
			body, err := d.fetch(c.Context(), local, "GET", "/v1/events/"+url.PathEscape(args[0]), nil)
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(body)
			}
			return p.printEvent(body)
		},
	}
	d.defineFlags(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print the event as one JSON object")
	return c
}

func (p *Program) printEvent(body []byte) error {
	var e listedEntry
	if err := json.Unmarshal(body, &e); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	out := escapingWriter{p.Stdout}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s is %s\n", e.ID, e.State)
	for _, f := range [][2]string{{"hook", e.Hook}, {"type", e.Type}, {"subject", e.Subject}, {"received", e.Received.Local().Format(time.DateTime)},
		{"origin", e.Origin}, {"key", e.Key}, {"revision", e.Revision}} {
		if f[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", f[0], oneCell(f[1]))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range e.Steps {
		printStep(out, s)
	}
	if len(e.Payload) == 0 {
		_, err := fmt.Fprintln(out, "\nThe payload is no longer stored, or this is an action of an inline call.")
		return err
	}
	_, err := fmt.Fprintf(out, "\npayload\n%s\n", indentJSON(e.Payload))
	return err
}

func printStep(out io.Writer, s listedStep) {
	fmt.Fprintf(out, "\naction for %s\n  idempotency key %s\n", oneCell(s.String()), s.Key)
	for _, a := range s.History {
		fmt.Fprintf(out, "  %s  %s\n", a.At.Local().Format(time.DateTime), oneCell(a.Outcome))
	}
	if len(s.Spec) > 0 {
		fmt.Fprintf(out, "%s\n", indentJSON(s.Spec))
	}
}

func (p *Program) eventsChange(verb, short string) *cobra.Command {
	f := &eventFilter{ledgerClient: ledgerClient{p: p}}
	var asJSON bool
	c := &cobra.Command{
		Use:   verb + " [ID...]",
		Short: short,
		RunE: func(c *cobra.Command, ids []string) error {
			q := f.query(ids)
			local := func(l *ledger.Ledger) (any, error) {
				return changeEvents(c.Context(), admin.Events{Ledger: l}, verb, q)
			}
			body, err := f.fetch(c.Context(), local, "POST", "/v1/events/"+verb, q)
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(body)
			}
			return p.printAffected(body, verb)
		},
	}
	f.defineFilterFlags(c)
	c.Flags().BoolVar(&f.all, "all", false, "all events, or all that match the filter")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: {count}")
	return c
}

// printAffected prints how many events or actions were changed.
func (p *Program) printAffected(body []byte, verb string) error {
	var a admin.Affected
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	text := "no open event or action matches: nothing has changed"
	switch {
	case a.Count > 0 && verb == "drop":
		text = "dropped: " + plural(a.Count, "event or action")
	case a.Count > 0:
		text = "retried now: " + plural(a.Count, "action")
	}
	_, err := fmt.Fprintln(p.Stdout, strings.Replace(text, "event or actions", "events or actions", 1))
	return err
}

func changeEvents(ctx context.Context, e admin.Events, verb string, q url.Values) (admin.Affected, error) {
	if verb == "drop" {
		return e.Drop(ctx, q)
	}
	return e.Redrive(ctx, q)
}
