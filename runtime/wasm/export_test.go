package wasm

import (
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// FreezeAfter runs r and freezes the state that it leaves, which no Program does: later runs see
// its effects. The Program must have one clean instance.
func (p *Program) FreezeAfter(r *runtime.Run) error {
	in := p.clean[0]
	if err := in.run(r, new(hook.Draft)); err != nil {
		return err
	}
	in.monotonicStart = in.clock.monotonic
	in.freeze()
	return nil
}
