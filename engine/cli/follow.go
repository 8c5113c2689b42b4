package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/rules"
)

// follow does a thing now, and again each time the policy folder has changed, until the program is interrupted. The error is that of
// the last time.
func (p *Program) follow(c *cobra.Command, dir string, do func() error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		p.clear()
		seen := look(dir)
		err := do()
		if err != nil {
			p.complain(c, err)
		}
		fmt.Fprintf(p.Stdout, "%s: waiting for a change of %s\n", time.Now().Format(time.TimeOnly), dir)
		if !seen.change(ctx, dir) {
			if err != nil {
				return said(err)
			}
			return nil
		}
	}
}

// clear wipes the screen, where there is one.
func (p *Program) clear() {
	f, ok := p.Stdout.(*os.File)
	if !ok {
		return
	}
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(f, "\x1b[H\x1b[2J\x1b[3J")
	}
}

// sight is what a folder held, and what it took to see.
type sight struct {
	content string
	took    time.Duration
}

func look(dir string) sight {
	start := time.Now()
	folder, err := rules.Read(dir)
	if err != nil {
		return sight{"error: " + err.Error(), time.Since(start)}
	}
	return sight{folder.Hash(), time.Since(start)}
}

// change waits until the folder holds something else, and that for two looks one after the other; false when the context ends first.
// It looks so seldom that it takes about a twentieth of the time.
func (s sight) change(ctx context.Context, dir string) bool {
	const often = 200 * time.Millisecond
	for last := s; ; {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(max(often, 20*last.took)):
		}
		next := look(dir)
		if next.content != s.content && next.content == last.content {
			return true
		}
		last = next
	}
}
