package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/audit"
)

// auditPath lies in the data directory.
func auditPath(data string) string { return filepath.Join(data, "audit.jsonl") }

func (p *Program) audit() *cobra.Command {
	var data string
	var asJSON bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show who changed what, and whether the record is whole",
		Long: "Audit prints the acts that are recorded in a data directory: what was published and by whom, which Sets went live, what\n" +
			"was redriven or dropped. Each line seals those before it; one that was changed or taken out is told, and ends it with 1.\n" +
			"Whoever can write the file can begin it anew: keep its last line elsewhere where that matters.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if data == "" {
				var err error
				if data, err = p.stateDir(); err != nil {
					return err
				}
			}
			return p.printAudit(auditPath(data), asJSON)
		},
	}
	c.Flags().StringVar(&data, "data", "", "the data directory (default: in the user's state folder)")
	c.Flags().BoolVar(&asJSON, "json", false, "the lines as they stand in the file")
	return c
}

func (p *Program) printAudit(path string, asJSON bool) error {
	last := audit.Line{}
	n, err := audit.Read(path, func(l audit.Line) error {
		last = l
		if asJSON {
			text, _ := json.Marshal(l) // it was read from JSON
			_, err := fmt.Fprintf(p.Stdout, "%s\n", text)
			return err
		}
		_, err := fmt.Fprintln(p.Stdout, formatAct(l))
		return err
	})
	if n.Fragments > 0 {
		fmt.Fprintf(p.Stderr, "tenterhook: lines in the file that are no acts: %d, the last of them line %d; a crash leaves one, cut off, and others were put there\n",
			n.Fragments, n.LastFragment)
	}
	if err != nil {
		return err
	}
	if n.Lines == 0 {
		return errors.New("nothing is recorded yet")
	}
	if !asJSON {
		fmt.Fprintf(p.Stdout, "%d acts, each sealed by the next; the last one's seal is %s\n", n.Lines, last.Hash)
	}
	return nil
}

// formatAct is an act as a person reads it. The file may be another's work, or an older program's.
func formatAct(l audit.Line) string {
	words := []string{l.Time.Format(time.RFC3339), printable(l.Act.Act)}
	if strings.ContainsAny(l.Subject, ` "`) { // or it reads as the words after it
		words = append(words, `"`+printable(strings.ReplaceAll(l.Subject, `"`, `\"`))+`"`)
	} else if l.Subject != "" {
		words = append(words, printable(l.Subject))
	}
	words = append(words, printable(l.Outcome))
	for _, w := range [][2]string{{"by", l.By}, {"from", l.From}} {
		if w[1] != "" {
			words = append(words, w[0], printable(w[1]))
		}
	}
	if l.Detail != "" {
		words = append(words, "("+printable(l.Detail)+")")
	}
	return strings.Join(words, " ")
}

// printable is a text of a line, whole.
func printable(s string) string { return audit.Printable(s, 64<<10) }

// recordAct records what the server does by itself.
func (s *server) recordAct(a audit.Act) {
	if err := s.audit.Write(a); err != nil {
		s.log.Error("an act could not be recorded", "act", a.Act, "subject", a.Subject, "error", err)
	}
}

// recordLive records which Set went live.
func (s *server) recordLive(revision, from string) {
	s.recordAct(audit.Act{Act: "policy is live", By: from, Subject: revision, Outcome: "ok"})
}
