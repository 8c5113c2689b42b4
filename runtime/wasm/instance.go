package wasm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// instance is one guest. A run has it to itself: nothing of it is safe for concurrent use.
type instance struct {
	program *Program
	context context.Context // of every call of its exports: it leads host functions back here, and never ends
	module  api.Module
	memory  *linear
	fuel    api.MutableGlobal
	decide  api.Function // or evaluate
	alloc   api.Function // nil when there is none
	back    api.Function // meter.Restore
	grow    func(pages uint32) (uint32, bool)
	image   *image // memory to go back to
	steady  int64  // what the monotonic clock shows when a run begins
	ticket  *ticket
	stack   [2]uint64

	// Of the run that is under way.
	run    *runtime.Run
	slice  int64     // fuel that was handed out and is not accounted for
	size   int64     // of the next slice
	since  time.Time // it was handed out
	deep   bool      // its calls nested deep: the native stack is to be given up
	slot   bool      // it holds one
	ended  error     // why the host has ended it
	clock  clock
	log    logs
	seeded bool
	chacha *rand.ChaCha8
}

// A slice is how much fuel a guest is handed at once. What a unit takes differs a hundredfold between code that adds and code
// that waits for memory, so a slice that took longer than turn is followed by a smaller one, any other by a larger one.
// What is spent in all does not depend on it.
const (
	firstSlice = 2_500
	mostSlice  = 10_000
	leastSlice = 500
	turn       = 50 * time.Microsecond
)

// errEnded unwinds a guest that the host has ended.
var errEnded = errors.New("ended by the host")

// newInstance makes an instance that nothing of has run yet.
func newInstance(p *Program) (*instance, error) {
	in := &instance{program: p, ticket: newTicket()}
	in.context = context.WithValue(context.Background(), instanceKey{}, in)
	var err error
	if in.memory, err = reserve(uint64(p.pages) << 16); err != nil {
		return nil, err
	}
	allocator := experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory { return in.memory })
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	in.module, err = p.module.native.machine.InstantiateModule(experimental.WithMemoryAllocator(in.context, allocator), p.module.native.code, config)
	if err != nil {
		in.memory.Free()
		return nil, fmt.Errorf("%w: %s", runtime.ErrTrap, plain(err))
	}
	in.fuel = in.module.ExportedGlobal(meter.Fuel).(api.MutableGlobal)
	in.grow = in.module.Memory().Grow
	in.bind()
	return in, nil
}

// bind finds the exports that every run calls. Each has a native stack of its own, which grows and never shrinks.
func (in *instance) bind() {
	in.decide = in.module.ExportedFunction(in.program.module.report.Convention)
	in.alloc = in.module.ExportedFunction(exportAlloc)
	in.back = in.module.ExportedFunction(meter.Restore)
}

func (in *instance) close() { in.module.Close(in.context) }

// enter begins a run: it waits for a slot until the deadline and hands the guest its first slice.
func (in *instance) enter(r *runtime.Run) error {
	in.run, in.ended, in.seeded = r, nil, false
	in.clock = clock{wall: r.Now.UnixNano(), steady: in.steady}
	in.memory.begin()
	in.log.begin()
	in.ticket.behind = r.Behind
	since := in.waits()
	in.slot = in.program.module.runtime.slots.take(in.ticket, r.Meter.Deadline())
	if in.pardon(since); !in.slot {
		return in.late()
	}
	in.size, in.since = firstSlice, time.Now()
	in.slice = in.next()
	in.fuel.Set(uint64(in.slice))
	return nil
}

// leave ends it.
func (in *instance) leave() {
	if in.slot {
		in.program.module.runtime.slots.give()
	}
	in.run, in.slot = nil, false
}

// waits is when a wait begins that is to be pardoned; zero when it is not.
func (in *instance) waits() (since time.Time) {
	if in.run.Behind {
		since = time.Now()
	}
	return since
}

func (in *instance) pardon(since time.Time) {
	if !since.IsZero() {
		in.run.Meter.Pardon(time.Since(since))
	}
}

// late is why a wait has ended before its time.
func (in *instance) late() error {
	if !in.run.Meter.Look() {
		return in.run.Meter.Err()
	}
	return runtime.ErrTime
}

// next is the fuel to hand out.
func (in *instance) next() int64 { return min(in.size, in.run.Meter.Left()) }

// adapt makes the next slice larger or smaller, given how long the last one took.
func (in *instance) adapt() {
	if took := time.Since(in.since); took > turn {
		in.size = max(leastSlice, in.size*int64(turn)/int64(took))
	} else {
		in.size = min(mostSlice, 2*in.size)
	}
}

// settle accounts for what the guest has spent since it was last asked, and hands it what it may spend next.
func (in *instance) settle() error {
	spent := in.slice - int64(in.fuel.Get())
	in.slice = 0
	in.fuel.Set(0)
	if !in.run.Meter.Spend(spent) {
		return in.run.Meter.Err()
	}
	in.slice = in.next()
	in.fuel.Set(uint64(in.slice))
	return nil
}

// yield is called on the guest's own goroutine when its slice is used up, or while it is busy with much memory: left is
// what it has of the slice, below nought when it owes some. Whoever waits for a slot has a turn. It returns the next
// slice, or unwinds the guest.
func (in *instance) yield(left int64) int64 {
	switch left {
	case meter.Deep:
		in.trap("its calls nest too deep")
	case meter.Deeper:
		in.deep = true
		return 0
	}
	in.adapt()
	spent := in.slice - left
	in.slice = 0
	in.fuel.Set(0)
	m := in.run.Meter
	if !m.Spend(spent) {
		in.end(m.Err())
	}
	since := in.waits()
	in.slot = in.program.module.runtime.slots.pass(in.ticket, m.Deadline())
	if in.pardon(since); !in.slot {
		in.end(in.late())
	}
	if !m.Look() { // whoever had the turn may have taken long
		in.end(m.Err())
	}
	in.since = time.Now()
	in.slice = in.next()
	return in.slice
}

// charge takes fuel for what a host function is about to do. What is not there ends the run.
func (in *instance) charge(n int64) {
	left := int64(in.fuel.Get()) - n
	if left < 0 {
		left = in.yield(left)
	}
	in.fuel.Set(uint64(left))
}

// end unwinds the guest from inside a host function.
func (in *instance) end(err error) {
	in.ended = err
	panic(errEnded)
}

// invoke calls an export with what is in in.stack.
func (in *instance) invoke(f api.Function) error {
	err := f.CallWithStack(in.context, in.stack[:])
	switch {
	case err == nil:
		return nil
	case in.ended != nil:
		return in.ended
	case in.memory.refused:
		return fmt.Errorf("%w: it trapped after it was refused more than %d bytes", runtime.ErrMemory, in.memory.size)
	}
	if bug, ok := errors.AsType[goruntime.Error](err); ok { // of a host function: wazero takes it for the guest's
		panic(bug)
	}
	if strings.Contains(err.Error(), "stack overflow") {
		in.bind()
	}
	return fmt.Errorf("%w: %s", runtime.ErrTrap, plain(err))
}

// plain is the first line of an error of wazero's, without its prefix. The others are a stack.
func plain(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(line, "wasm error: ")
}

// decideOn runs the module on r.Event. What it wants is copied to d.
func (in *instance) decideOn(r *runtime.Run, d *hook.Draft) error {
	defer in.leave()
	if err := in.enter(r); err != nil {
		return err
	}
	err := in.ask(d)
	if late := in.settle(); err == nil {
		err = late
	}
	in.log.end(r)
	return err
}

// ask calls evaluate or decide and copies the draft.
func (in *instance) ask(d *hook.Draft) error {
	if !in.program.module.decides {
		if err := in.hand(in.run.Event.Node.Raw()); err != nil {
			return err
		}
	}
	if err := in.invoke(in.decide); err != nil {
		return err
	}
	ptr, size := in.stack[0]>>32, in.stack[0]&0xffffffff
	if size == 0 {
		return nil
	}
	memory := in.memory.bytes()
	if ptr+size > uint64(len(memory)) {
		return fmt.Errorf("%w: the draft it returned is not in its memory: %d bytes at %d", runtime.ErrTrap, size, ptr)
	}
	if !in.run.Meter.Emit(int64(size)) {
		return in.run.Meter.Err()
	}
	d.JSON = append(d.JSON[:0], memory[ptr:ptr+size]...)
	return nil
}

// hand writes b where the module wants it, and leaves its place and length in the stack.
func (in *instance) hand(b []byte) error {
	in.stack[0] = uint64(len(b))
	if err := in.invoke(in.alloc); err != nil {
		return fmt.Errorf("alloc: %w", err)
	}
	ptr, memory := uint64(uint32(in.stack[0])), in.memory.bytes()
	switch {
	case ptr == 0:
		return fmt.Errorf("%w: alloc refused %d bytes", runtime.ErrMemory, len(b))
	case ptr+uint64(len(b)) > uint64(len(memory)):
		return fmt.Errorf("%w: what alloc gave is not in its memory: %d bytes at %d", runtime.ErrTrap, len(b), ptr)
	case !in.run.Meter.Spend(int64(len(b)) >> 4):
		return in.run.Meter.Err()
	}
	copy(memory[ptr:], b)
	in.stack[0], in.stack[1] = ptr, uint64(len(b))
	return nil
}

// restore puts memory, globals and tables back to where they were frozen.
func (in *instance) restore() error {
	if err := in.memory.shrink(in.image.size, in.grow); err != nil {
		return err
	}
	in.image.restore(in.memory.bytes())
	if in.deep {
		in.bind()
		in.deep = false
	}
	return in.back.CallWithStack(in.context, nil)
}
