package cli

import "github.com/tenterhook/tenterhook/engine/gate"

// spare is how many files are open beside the hooks' connections, at most: the admin listener's connections, those to
// destinations, the ledger and what is being read.
const spare = 64 + 448

// connections is how many connections Okta and others may have open: as many as the gate likes, or as few as the limit on open
// files leaves. It is better to choose who is closed at a limit of one's own than to meet the system's.
func (s *server) connections() int {
	limit, ok := openFiles()
	if !ok || limit >= gate.DefaultMaxConns+spare {
		return gate.DefaultMaxConns
	}
	n := max(int(limit)-spare, int(limit)/4, 1)
	s.log.Warn("the limit on open files (ulimit -n) is low, so fewer connections are taken", "limit", limit,
		"wanted", gate.DefaultMaxConns+spare, "connections", n)
	return n
}
