package issuer

import "time"

// Status is what is known of an issuer's keys.
type Status struct {
	Issuer string    `json:"issuer"`
	Keys   int       `json:"keys"`            // that are here
	Seen   time.Time `json:"seen,omitzero"`   // when they were last seen at the issuer; zero when the policy brings them
	Error  string    `json:"error,omitempty"` // why they cannot be fetched now
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
