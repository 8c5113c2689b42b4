package issuer

import "time"

// Status is the state of an issuer's keys.
type Status struct {
	Issuer string    `json:"issuer"`
	Keys   int       `json:"keys"`            // usable ones
	Seen   time.Time `json:"seen,omitzero"`   // time of the last successful fetch; zero for keys of the policy
	Error  string    `json:"error,omitempty"` // of the last fetch
}

// Status lists the issuers of the Set that is live, and of the one before.
func (r *Keyring) Status() (all []Status) {
	for _, k := range r.sortedRefreshers() {
		s := Status{Issuer: k.source.issuer}
		if set := k.keys.Load(); set != nil {
			s.Keys = len(set.list)
		}
		if at := k.fetched.Load(); at > 0 && k.source.set == "" {
			s.Seen = time.Unix(at, 0).UTC()
		}
		k.mu.Lock()
		if k.failing != nil {
			s.Error = k.failing.Error()
		}
		k.mu.Unlock()
		all = append(all, s)
	}
	return all
}
