package dispatch

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

const (
	senders     = 4
	maxLeavings = 4096
	maxLeft     = 64 << 20 // bytes
)

// leavings are the actions of inline calls on their way into the ledger, behind the calls' answers. A crash loses what is here:
// Okta has its answer, and does not ask again.
type leavings struct {
	queue chan leaving
	bytes atomic.Int64
	lost  atomic.Uint64
}

type leaving struct {
	hook  string
	call  ledger.ID
	plan  Plan
	bytes int64
}

func (l *leavings) init() { l.queue = make(chan leaving, maxLeavings) }

// Send queues what the rules of an inline call want done, and returns at once. It takes ownership of the plan. False: there is no
// room, and the actions are lost; that is logged and counted here.
func (d *Dispatch) Send(hookName string, call ledger.ID, p Plan) bool {
	if len(p.Actions) == 0 {
		return true
	}
	l := leaving{hook: hookName, call: call, plan: p}
	for _, a := range p.Actions {
		l.bytes += int64(len(a.JSON))
	}
	if d.left.bytes.Add(l.bytes) > maxLeft || d.ctx.Err() != nil {
		d.lose(l, errCrowded)
		return false
	}
	select {
	case d.left.queue <- l:
		return true
	default:
		d.lose(l, errCrowded)
		return false
	}
}

var errCrowded = errors.New("too many wait for the ledger")

func (d *Dispatch) lose(l leaving, why error) {
	d.left.bytes.Add(-l.bytes)
	if n := d.left.lost.Add(uint64(len(l.plan.Actions))); n&(n-1) == 0 { // each time there are twice as many
		d.log.Error("actions of inline calls were lost", "hook", l.hook, "so far", n, "error", why)
	}
}

// send takes leavings to the ledger. When no more work is to be begun it takes what is there.
func (d *Dispatch) send() {
	for {
		select {
		case l := <-d.left.queue:
			d.record(l)
			continue
		default:
		}
		select {
		case l := <-d.left.queue:
			d.record(l)
		case <-d.ctx.Done():
			if len(d.left.queue) == 0 {
				return
			}
		}
	}
}

// record is patient with a ledger that is full for a moment.
func (d *Dispatch) record(l leaving) {
	const tries = 50
	actions := d.steps(l.hook, l.call, l.plan)
	var err error
	for range tries {
		err = d.o.Ledger.Queue(d.hard, l.hook, l.call, l.plan.Revision, actions)
		if !errors.Is(err, ledger.ErrFull) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		d.stopped(err)
		d.lose(l, err)
		return
	}
	d.left.bytes.Add(-l.bytes)
	for _, a := range actions {
		d.lane(a.Destination)
	}
}
