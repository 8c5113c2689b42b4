package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
)

// announce tells a person, on standard output, what is running where. What happens later is in the log.
func (s *server) announce() {
	status := s.watcher.Status()
	var b strings.Builder
	fmt.Fprintf(&b, "tenterhook %s: %s, revision %s\n", s.p.named(), s.f.dir, status.Revision[:min(12, len(status.Revision))])
	if status.From == watch.FromLastGood {
		fmt.Fprintf(&b, "NOT THE FOLDER AS IT IS: it cannot be loaded (see the log); these are its rules when it last could\n")
	}
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "hooks at\t%s://%s\n", scheme(s.f.door.secure()), s.hooksAt.Addr())
	for _, h := range s.engine.Status().Hooks {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", h.Name, h.Path, h.Type)
	}
	fmt.Fprintf(t, "admin at\t%s://%s\n", scheme(s.f.door.secure() && !s.f.door.proxied() && !local(s.adminAt)), s.adminAt.Addr())
	t.Flush()
	fmt.Fprint(s.p.Stdout, b.String()+"ready\n")
}

// warnOpen says which hooks answer whoever can reach them, when they are others than before.
func (s *server) warnOpen(set *rules.Set) {
	var names []string
	for _, h := range set.Hooks() {
		if len(h.Auth) == 0 {
			names = append(names, h.Name)
		}
	}
	open := strings.Join(names, ", ")
	if open != "" && open != s.warned {
		s.log.Warn("hooks with auth: none answer everybody on this machine; a proxy on this machine in front of them would make them public",
			"hooks", open)
	}
	s.warned = open
}
