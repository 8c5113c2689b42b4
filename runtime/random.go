package runtime

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"strconv"
	"sync"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Random makes the seeds of runs: unpredictable without its key, and the same for the same event.
// It is safe for concurrent use.
type Random struct{ macs sync.Pool }

type mac struct {
	hash hash.Hash
	text []byte
	sum  [sha256.Size]byte
}

// NewRandom makes a Random with the key, which it keeps, or with a random key when that is empty.
func NewRandom(key []byte) *Random {
	if len(key) == 0 {
		key = make([]byte, sha256.Size)
		rand.Read(key)
	}
	r := new(Random)
	r.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, key)} }
	return r
}

// seed is the HMAC-SHA256 of the identity of the event: the hook, the call's eventId and, for an
// event hook, the event's uuid; without both ids the event's bytes.
func (r *Random) seed(e hook.Event) [32]byte {
	m := r.macs.Get().(*mac)
	name, id, uuid := "", "", ""
	if e.Call != nil {
		name, id = e.Call.Hook, e.Call.ID
	}
	if e.Call != nil && !e.Call.Type.Inline() {
		uuid = e.Node.Get("uuid").Text()
	}
	m.text = m.text[:0]
	for _, part := range []string{name, id, uuid} {
		m.text = append(strconv.AppendInt(m.text, int64(len(part)), 10), ' ')
		m.text = append(m.text, part...)
	}
	m.hash.Reset()
	m.hash.Write(m.text) // a hash never fails
	if id == "" && uuid == "" {
		m.hash.Write(e.Node.Raw())
	}
	m.hash.Sum(m.sum[:0])
	seed := m.sum
	r.macs.Put(m)
	return seed
}

// Seed is the run's randomness, the same for the whole chain, computed at the first use. Without a
// Random it is all zeros and predictable.
func (r *Run) Seed() [32]byte {
	if !r.seeded && r.Random != nil {
		r.SetSeed(r.Random.seed(r.Event))
	}
	return r.seed
}

// SetSeed sets Seed until the Run begins again, for tests.
func (r *Run) SetSeed(seed [32]byte) { r.seed, r.seeded = seed, true }
