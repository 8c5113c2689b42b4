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

// auditPath returns the path of the audit log in a data directory.
func auditPath(data string) string { return filepath.Join(data, "audit.jsonl") }

func (p *Program) audit() *cobra.Command {
	var data string
	var asJSON bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show who changed what, and verify the audit log",
		Long: "Audit prints the administrative acts recorded in a data directory: what was published and by whom, which policies went\n" +
			"live, which events were redriven or dropped. Each line holds the hash of the line before it. If a line was changed or\n" +
			"removed, audit reports the place and exits with 1. Anybody who can write the file could replace it as a whole: where\n" +
			"that matters, keep a copy of its last hash elsewhere.",
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
	c.Flags().StringVar(&data, "data", "", "data directory (default: in the user's state folder)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the lines as stored in the file")
	return c
}

func (p *Program) printAudit(path string, asJSON bool) error {
	last := audit.Line{}
	n, err := audit.Read(path, func(l audit.Line) error {
		last = l
		if asJSON {
			text, _ := json.Marshal(l) // never fails: it was read from JSON
			_, err := fmt.Fprintf(p.Stdout, "%s\n", text)
			return err
		}
		_, err := fmt.Fprintln(p.Stdout, formatAct(l))
		return err
	})
	if n.Fragments > 0 {
		fmt.Fprintf(p.Stderr, "tenterhook: the file has %s, the last at line %d: a crash leaves one incomplete line; any other was added by hand\n",
			plural(int(n.Fragments), "invalid line"), n.LastFragment)
	}
	if err != nil {
		return err
	}
	if n.Lines == 0 {
		return errors.New("no act is recorded yet")
	}
	if !asJSON {
		fmt.Fprintf(p.Stdout, "%d acts, hash chain verified; the last hash is %s\n", n.Lines, last.Hash)
	}
	return nil
}

// formatAct returns an act as one line of text. The file is untrusted, so every text is made
// printable.
func formatAct(l audit.Line) string {
	words := []string{l.Time.Format(time.RFC3339), printable(l.Act.Act)}
	if strings.ContainsAny(l.Subject, ` "`) { // unquoted, it could imitate the words after it
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

// printable makes a text of a line printable without truncating it.
func printable(s string) string { return audit.Printable(s, 64<<10) }

// recordAct records an act of the server itself.
func (s *server) recordAct(a audit.Act) {
	if s.audit == nil {
		return
	}
	if err := s.audit.Write(a); err != nil {
		s.log.Error("recording an act in the audit log failed", "act", a.Act, "subject", a.Subject, "error", err)
	}
}

// recordLive records that a Set went live.
func (s *server) recordLive(revision, from string) {
	s.recordAct(audit.Act{Act: "policy is live", By: from, Subject: revision, Outcome: "ok"})
}
